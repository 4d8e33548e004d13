//! Standard queues: sending and receiving.

use lambkin_model::{Attribute, AttributeValue};
use lambkin_store::queue::QueueError;

use super::*;

#[tokio::test]
async fn a_message_is_received_as_it_was_sent() {
    let fixture = standard().await;
    let sent = Entry {
        body: Bytes::from((0..=255).cycle().take(300_000).collect::<Vec<u8>>()),
        attributes: vec![Attribute {
            name: "picture".to_owned(),
            data_type: "Binary.png".to_owned(),
            value: AttributeValue::Binary(Bytes::from_static(&[0, 159])),
        }],
        extra: vec![("SenderId".to_owned(), "me".to_owned())],
        group: Some("fair".to_owned()),
        ..Entry::default()
    };
    let told = fixture.send_all("q", vec![sent.clone()]).await.remove(0);
    assert_eq!(
        (told.id.len(), told.sequence, told.duplicate),
        (36, None, false)
    );
    fixture.clock.advance(5);
    let message = fixture.one("q").await;
    assert_eq!(message.id, told.id);
    assert!(message.body == sent.body);
    assert_eq!(
        (message.attributes, message.extra),
        (sent.attributes, sent.extra)
    );
    assert_eq!(
        (message.group, message.deduplication, message.sequence),
        (sent.group, None, None)
    );
    assert_eq!(
        (
            message.sent_at,
            message.first_received_at,
            message.receives,
            message.source
        ),
        (NOW, Some(NOW + 5), Some(1), None)
    );
}

#[tokio::test]
async fn messages_are_received_in_the_order_of_sending_and_a_lease_hides_them() {
    let fixture = standard().await;
    let entries = vec![
        delayed("late", 1000),
        entry("a"),
        entry("b"),
        delayed("next", 1),
    ];
    fixture.send_all("q", entries).await;
    assert_eq!(bodies(&fixture.receive("q", up_to(1)).await), ["a"]);
    fixture.clock.advance(1000);
    assert_eq!(fixture.due("q").await, ["late", "b", "next"]);
    assert_eq!(fixture.counts("q").await, (0, 4, 0));
    fixture.clock.advance(29_000);
    let again = fixture.receive("q", up_to(9)).await;
    assert_eq!(bodies(&again), ["a"], "its lease was of the queue's 30 s");
    assert_eq!(
        (again[0].receives, again[0].first_received_at),
        (Some(2), Some(NOW))
    );
}

#[tokio::test]
async fn a_message_whose_lease_has_ended_comes_before_those_sent_later() {
    let fixture = standard().await;
    fixture.send("q", &["a", "b", "c"]).await;
    // Two leases that end in the opposite order, and one that is ended by its holder.
    fixture.receive("q", leased_for(1, 2000)).await;
    fixture.receive("q", leased_for(1, 1000)).await;
    let c = fixture.one("q").await;
    fixture.send("q", &["d", "e"]).await;
    assert_eq!(
        bodies(&fixture.receive("q", leased_for(1, 60_000)).await),
        ["d"]
    );
    fixture.clock.advance(2000);
    let end = vec![(c.receipt, 0)];
    fixture.queues.change_leases("q", end).await.unwrap();
    fixture.send("q", &["f"]).await;
    assert_eq!(fixture.counts("q").await, (5, 1, 0));
    assert_eq!(fixture.due("q").await, ["a", "b", "c", "e", "f"]);
    assert_eq!(fixture.counts("q").await, (0, 6, 0));
}

#[tokio::test]
async fn a_message_that_was_given_back_comes_before_those_sent_later() {
    let fixture = standard().await;
    fixture.send("q", &["a", "b"]).await;
    let a = fixture.one("q").await;
    fixture.send("q", &["c"]).await;
    fixture
        .queues
        .give_back("q", vec![a.receipt])
        .await
        .unwrap();
    let again = fixture.receive("q", up_to(3)).await;
    assert_eq!(bodies(&again), ["a", "b", "c"]);
    assert_eq!(again[0].receives, Some(1));
}

#[tokio::test]
async fn more_leases_than_one_operation_marks_end_in_the_order_of_sending() {
    let fixture = standard().await;
    let entries = (0..3000).map(|n| entry(&n.to_string())).collect();
    fixture.send_all("q", entries).await;
    // The message that was sent first is due last.
    for lease_ms in (1..=30).rev() {
        fixture.receive("q", leased_for(100, lease_ms * 100)).await;
    }
    fixture.clock.advance(3000);
    assert_eq!(fixture.counts("q").await, (3000, 0, 0));
    let expected: Vec<String> = (0..3000).map(|n| n.to_string()).collect();
    assert_eq!(bodies(&fixture.receive("q", up_to(3000)).await), expected);
}

#[tokio::test]
async fn a_lease_of_zero_milliseconds_does_not_hide_the_message() {
    let fixture = standard().await;
    fixture.send("q", &["a"]).await;
    for receives in 1..=3 {
        let got = fixture.receive("q", leased_for(10, 0)).await;
        assert_eq!((got.len(), got[0].receives), (1, Some(receives)));
    }
    assert_eq!(fixture.counts("q").await, (1, 0, 0));
}

#[tokio::test]
async fn the_queues_delay_applies_unless_the_message_has_its_own() {
    let fixture = fixture().await;
    let settings = Settings {
        delay_ms: 5000,
        ..Settings::default()
    };
    fixture.queues.create("q", settings).await.unwrap();
    let entries = vec![entry("queue's"), delayed("none", 0), delayed("long", 9000)];
    fixture.send_all("q", entries).await;
    assert_eq!(fixture.counts("q").await, (1, 0, 2));
    assert_eq!(fixture.due("q").await, ["none"]);
    fixture.clock.advance(5000);
    assert_eq!(fixture.counts("q").await, (1, 1, 1));
    assert_eq!(fixture.due("q").await, ["queue's"]);
    fixture.clock.advance(4000);
    assert_eq!(fixture.due("q").await, ["long"]);
}

#[tokio::test]
async fn counts_are_exact_within_a_second_and_beyond() {
    let fixture = standard().await;
    let entries = vec![
        delayed("a", 300),
        delayed("b", 700),
        delayed("c", 1700),
        entry("d"),
        entry("e"),
        entry("f"),
    ];
    fixture.send_all("q", entries).await;
    fixture.receive("q", leased_for(1, 400)).await;
    fixture.receive("q", leased_for(1, 2500)).await;
    assert_eq!(fixture.counts("q").await, (1, 2, 3));
    fixture.clock.advance(300);
    assert_eq!(fixture.counts("q").await, (2, 2, 2));
    fixture.clock.advance(100);
    assert_eq!(fixture.counts("q").await, (3, 1, 2));
    fixture.clock.advance(300);
    assert_eq!(fixture.counts("q").await, (4, 1, 1));
    fixture.clock.advance(1000);
    assert_eq!(fixture.counts("q").await, (5, 1, 0));
    fixture.clock.advance(800);
    assert_eq!(fixture.counts("q").await, (6, 0, 0));
    let all = fixture.receive("q", up_to(10)).await;
    fixture.queues.remove("q", receipts(&all)).await.unwrap();
    assert_eq!((all.len(), fixture.counts("q").await), (6, (0, 0, 0)));
}

#[tokio::test]
async fn an_expired_message_is_not_received_and_no_longer_counted() {
    let fixture = fixture().await;
    let settings = Settings {
        retention_ms: 60_000,
        ..Settings::default()
    };
    fixture.queues.create("q", settings).await.unwrap();
    // More than one operation deletes.
    let old: Vec<Entry> = (0..1200).map(|n| entry(&n.to_string())).collect();
    fixture.send_all("q", old).await;
    fixture
        .send_all("q", vec![delayed("delayed", 120_000)])
        .await;
    fixture.receive("q", leased_for(1, 120_000)).await;
    fixture.clock.advance(30_000);
    fixture.send("q", &["young"]).await;
    fixture.clock.advance(30_000);
    assert_eq!(bodies(&fixture.receive("q", up_to(1)).await), ["young"]);
    fixture.clock.advance(1);
    while fixture.counts("q").await != (0, 1, 0) {}
}

#[tokio::test]
async fn a_queue_with_120_000_messages_in_flight_is_over_its_limit() {
    let fixture = standard().await;
    for _ in 0..13 {
        let entries = (0..10_000).map(|_| entry("x")).collect();
        fixture.send_all("q", entries).await;
    }
    for _ in 0..12 {
        assert_eq!(fixture.receive("q", up_to(10_000)).await.len(), 10_000);
    }
    assert_eq!(fixture.counts("q").await, (10_000, 120_000, 0));
    let refused = fixture.queues.receive("q", up_to(1)).await;
    assert_eq!(refused, Err(QueueError::OverLimit));
    fixture.clock.advance(30_000);
    let one = fixture.one("q").await;
    assert_eq!(fixture.counts("q").await, (129_999, 1, 0));
    fixture.queues.remove("q", vec![one.receipt]).await.unwrap();
    assert_eq!(fixture.counts("q").await, (129_999, 0, 0));
}

#[tokio::test]
async fn a_receive_is_limited_in_bytes() {
    let fixture = standard().await;
    let large = Bytes::from(vec![b'x'; 5 << 20]);
    for _ in 0..5 {
        let large = Entry {
            body: large.clone(),
            ..Entry::default()
        };
        fixture.send_all("q", vec![large]).await;
    }
    assert_eq!(fixture.receive("q", up_to(100)).await.len(), 4);
    assert_eq!(fixture.receive("q", up_to(100)).await.len(), 1);
}

#[tokio::test]
async fn attributes_count_towards_the_bytes_of_a_receive() {
    let fixture = standard().await;
    let text = || "x".repeat(5 << 20);
    let with_extra = |n: usize| Entry {
        extra: vec![(n.to_string(), text())],
        ..Entry::default()
    };
    let with_group = |n: usize| Entry {
        group: Some(format!("{n}{}", text())),
        ..Entry::default()
    };
    for n in 0..4 {
        fixture.send_all("q", vec![with_extra(n)]).await;
    }
    fixture.send_all("q", vec![with_group(4)]).await;
    assert_eq!(fixture.receive("q", up_to(100)).await.len(), 4);
    assert_eq!(fixture.receive("q", up_to(100)).await.len(), 1);
}

#[tokio::test]
async fn a_receive_of_zero_or_too_many_messages_is_refused() {
    let fixture = standard().await;
    for max in [0, 10_001] {
        let refused = fixture.queues.receive("q", up_to(max)).await;
        assert!(
            matches!(refused, Err(QueueError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert_eq!(
        fixture.queues.receive("r", up_to(1)).await,
        Err(QueueError::Missing)
    );
    assert_eq!(
        fixture.queues.send("r", vec![entry("x")]).await,
        Err(QueueError::Missing)
    );
}
