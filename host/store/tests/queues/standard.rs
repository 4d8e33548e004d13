//! Standard queues: sending and receiving.

use lambkin_model::{Attribute, AttributeValue};
use lambkin_store::queue::QueueError;

use super::*;

#[tokio::test]
async fn a_message_is_given_back_as_it_was_sent() {
    let room = standard().await;
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
    let told = room.send_all("q", vec![sent.clone()]).await.remove(0);
    assert_eq!(
        (told.id.len(), told.sequence, told.duplicate),
        (36, None, false)
    );
    room.clock.advance(5);
    let message = room.one("q").await;
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
        (NOW, NOW + 5, 1, None)
    );
}

#[tokio::test]
async fn what_is_due_longest_comes_first_and_a_lease_hides_it() {
    let room = standard().await;
    let entries = vec![
        delayed("late", 1000),
        entry("a"),
        entry("b"),
        delayed("next", 1),
    ];
    room.send_all("q", entries).await;
    assert_eq!(bodies(&room.receive("q", up_to(1)).await), ["a"]);
    room.clock.advance(1000);
    assert_eq!(room.due("q").await, ["b", "next", "late"]);
    assert_eq!(room.counts("q").await, (0, 4, 0));
    room.clock.advance(29_000);
    let again = room.receive("q", up_to(9)).await;
    assert_eq!(bodies(&again), ["a"], "its lease was of the queue's 30 s");
    assert_eq!((again[0].receives, again[0].first_received_at), (2, NOW));
}

#[tokio::test]
async fn a_lease_of_nothing_hands_out_without_hiding() {
    let room = standard().await;
    room.send("q", &["a"]).await;
    for receives in 1..=3 {
        let got = room.receive("q", leased_for(10, 0)).await;
        assert_eq!((got.len(), got[0].receives), (1, receives));
    }
    assert_eq!(room.counts("q").await, (1, 0, 0));
}

#[tokio::test]
async fn the_queues_delay_holds_unless_a_message_has_its_own() {
    let room = room().await;
    let settings = Settings {
        delay_ms: 5000,
        ..Settings::default()
    };
    room.queues.create("q", settings).await.unwrap();
    let entries = vec![entry("queue's"), delayed("none", 0), delayed("long", 9000)];
    room.send_all("q", entries).await;
    assert_eq!(room.counts("q").await, (1, 0, 2));
    assert_eq!(room.due("q").await, ["none"]);
    room.clock.advance(5000);
    assert_eq!(room.counts("q").await, (1, 1, 1));
    assert_eq!(room.due("q").await, ["queue's"]);
    room.clock.advance(4000);
    assert_eq!(room.due("q").await, ["long"]);
}

#[tokio::test]
async fn counts_are_exact_within_a_second_and_beyond() {
    let room = standard().await;
    let entries = vec![
        delayed("a", 300),
        delayed("b", 700),
        delayed("c", 1700),
        entry("d"),
        entry("e"),
        entry("f"),
    ];
    room.send_all("q", entries).await;
    room.receive("q", leased_for(1, 400)).await;
    room.receive("q", leased_for(1, 2500)).await;
    assert_eq!(room.counts("q").await, (1, 2, 3));
    room.clock.advance(300);
    assert_eq!(room.counts("q").await, (2, 2, 2));
    room.clock.advance(100);
    assert_eq!(room.counts("q").await, (3, 1, 2));
    room.clock.advance(300);
    assert_eq!(room.counts("q").await, (4, 1, 1));
    room.clock.advance(1000);
    assert_eq!(room.counts("q").await, (5, 1, 0));
    room.clock.advance(800);
    assert_eq!(room.counts("q").await, (6, 0, 0));
    let all = room.receive("q", up_to(10)).await;
    room.queues.remove("q", receipts(&all)).await.unwrap();
    assert_eq!((all.len(), room.counts("q").await), (6, (0, 0, 0)));
}

#[tokio::test]
async fn what_is_kept_too_long_is_never_handed_out_and_no_longer_counted() {
    let room = room().await;
    let settings = Settings {
        retention_ms: 60_000,
        ..Settings::default()
    };
    room.queues.create("q", settings).await.unwrap();
    // More than one operation puts away.
    let old: Vec<Entry> = (0..1200).map(|n| entry(&n.to_string())).collect();
    room.send_all("q", old).await;
    room.send_all("q", vec![delayed("delayed", 120_000)]).await;
    room.receive("q", leased_for(1, 120_000)).await;
    room.clock.advance(30_000);
    room.send("q", &["young"]).await;
    room.clock.advance(30_000);
    assert_eq!(bodies(&room.receive("q", up_to(1)).await), ["young"]);
    room.clock.advance(1);
    while room.counts("q").await != (0, 1, 0) {}
}

#[tokio::test]
async fn a_queue_with_120_000_messages_in_flight_is_crowded() {
    let room = standard().await;
    for _ in 0..13 {
        let entries = (0..10_000).map(|_| entry("x")).collect();
        room.send_all("q", entries).await;
    }
    for _ in 0..12 {
        assert_eq!(room.receive("q", up_to(10_000)).await.len(), 10_000);
    }
    assert_eq!(room.counts("q").await, (10_000, 120_000, 0));
    let refused = room.queues.receive("q", up_to(1)).await;
    assert_eq!(refused, Err(QueueError::OverLimit));
    room.clock.advance(30_000);
    let one = room.one("q").await;
    assert_eq!(room.counts("q").await, (129_999, 1, 0));
    room.queues.remove("q", vec![one.receipt]).await.unwrap();
    assert_eq!(room.counts("q").await, (129_999, 0, 0));
}

#[tokio::test]
async fn a_receive_stays_within_what_fits_into_memory() {
    let room = standard().await;
    let large = Bytes::from(vec![b'x'; 5 << 20]);
    for _ in 0..5 {
        let large = Entry {
            body: large.clone(),
            ..Entry::default()
        };
        room.send_all("q", vec![large]).await;
    }
    assert_eq!(room.receive("q", up_to(100)).await.len(), 4);
    assert_eq!(room.receive("q", up_to(100)).await.len(), 1);
}

#[tokio::test]
async fn what_goes_with_a_body_counts_as_much_as_the_body() {
    let room = standard().await;
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
        room.send_all("q", vec![with_extra(n)]).await;
    }
    room.send_all("q", vec![with_group(4)]).await;
    assert_eq!(room.receive("q", up_to(100)).await.len(), 4);
    assert_eq!(room.receive("q", up_to(100)).await.len(), 1);
}

#[tokio::test]
async fn a_receive_of_none_or_too_many_is_refused() {
    let room = standard().await;
    for max in [0, 10_001] {
        let refused = room.queues.receive("q", up_to(max)).await;
        assert!(
            matches!(refused, Err(QueueError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert_eq!(
        room.queues.receive("r", up_to(1)).await,
        Err(QueueError::Missing)
    );
    assert_eq!(
        room.queues.send("r", vec![entry("x")]).await,
        Err(QueueError::Missing)
    );
}
