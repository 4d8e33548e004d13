//! Dead letters.

use lambkin_store::queue::ReceiptResult;

use super::*;

/// The queue `q` whose messages go to `dead` after two receives; both standard or both ordered.
async fn with_dead_letters(settings: Settings) -> Fixture {
    let fixture = fixture().await;
    fixture
        .queues
        .create("dead", settings.clone())
        .await
        .unwrap();
    let settings = Settings {
        dead_letter: dead_letter("dead", 2),
        ..settings
    };
    fixture.queues.create("q", settings).await.unwrap();
    fixture
}

#[tokio::test]
async fn a_message_that_would_be_received_too_often_becomes_a_dead_letter() {
    let fixture = with_dead_letters(Settings::default()).await;
    let sent = fixture.send("q", &["bad"]).await;
    let first = fixture.one("q").await;
    fixture.clock.advance(30_000);
    let second = fixture.one("q").await;
    assert_eq!((first.receives, second.receives), (Some(1), Some(2)));
    fixture.clock.advance(30_000);
    assert_eq!(
        fixture.counts("dead").await,
        (0, 0, 0),
        "no receive has asked yet"
    );
    fixture.send("q", &["good"]).await;
    assert_eq!(
        fixture.due("q").await,
        ["good"],
        "the messages behind it are not held up"
    );
    assert_eq!(fixture.counts("q").await, (0, 1, 0));
    let dead = fixture.one("dead").await;
    assert_eq!(
        (&dead.id, bodies(std::slice::from_ref(&dead))[0].as_str()),
        (&sent[0].id, "bad")
    );
    assert_eq!(dead.source.as_deref(), Some("q"));
    assert_eq!(
        (dead.receives, dead.sent_at, dead.first_received_at),
        (Some(3), NOW, Some(NOW))
    );
    let settled = fixture
        .queues
        .remove("q", vec![second.receipt])
        .await
        .unwrap();
    assert_eq!(settled, [ReceiptResult::Gone]);
}

#[tokio::test]
async fn many_dead_letters_at_once_do_not_hide_what_is_behind_them() {
    let fixture = with_dead_letters(Settings::default()).await;
    let bad = (0..1300).map(|n| entry(&n.to_string())).collect();
    fixture.send_all("q", bad).await;
    for _ in 0..2 {
        assert_eq!(fixture.receive("q", up_to(10_000)).await.len(), 1300);
        fixture.clock.advance(30_001);
    }
    fixture.send("q", &["good"]).await;
    assert_eq!(bodies(&fixture.receive("q", up_to(1)).await), ["good"]);
    assert_eq!(fixture.counts("dead").await, (1300, 0, 0));
}

#[tokio::test]
async fn retention_counts_from_when_a_dead_letter_was_first_sent() {
    let fixture = with_dead_letters(Settings {
        retention_ms: 100_000,
        ..Settings::default()
    })
    .await;
    fixture.send("q", &["bad"]).await;
    for _ in 0..3 {
        fixture.due("q").await;
        fixture.clock.advance(30_000);
    }
    assert_eq!(fixture.counts("dead").await, (1, 0, 0));
    fixture.clock.advance(10_000);
    assert!(fixture.due("dead").await.is_empty());
}

#[tokio::test]
async fn a_dead_letter_of_an_ordered_queue_unblocks_its_group_and_is_deduplicated_by_its_id() {
    let fixture = with_dead_letters(fifo()).await;
    let sent = fixture
        .send_all("q", vec![of("a", "bad"), of("a", "next")])
        .await;
    for _ in 0..2 {
        assert_eq!(fixture.due("q").await, ["bad", "next"]);
        fixture.clock.advance(30_000);
    }
    assert!(
        fixture.due("q").await.is_empty(),
        "both were received twice"
    );
    let dead = fixture.receive("dead", up_to(10)).await;
    assert_eq!(bodies(&dead), ["bad", "next"]);
    assert_eq!(dead[0].group.as_deref(), Some("a"));
    assert_eq!(dead[0].deduplication.as_ref(), Some(&sent[0].id));
    assert_eq!(
        (dead[0].receives, dead[0].source.as_deref()),
        (Some(3), Some("q"))
    );
    fixture.send_all("q", vec![of("a", "fresh")]).await;
    assert_eq!(fixture.due("q").await, ["fresh"]);
}

#[tokio::test]
async fn without_a_dead_letter_queue_of_the_same_kind_messages_stay() {
    let fixture = fixture().await;
    let settings = Settings {
        dead_letter: dead_letter("dead", 1),
        ..Settings::default()
    };
    fixture.queues.create("q", settings).await.unwrap();
    fixture.send("q", &["a"]).await;
    for receives in 1..=2 {
        let message = fixture.one("q").await;
        assert_eq!(message.receives, Some(receives));
        let receipt = vec![message.receipt];
        let moved = fixture.queues.dead_letter("q", receipt).await.unwrap();
        assert_eq!(moved, [ReceiptResult::NotLeased]);
        fixture.clock.advance(30_000);
    }
    fixture.queues.create("dead", fifo()).await.unwrap();
    assert_eq!(fixture.one("q").await.receives, Some(3));
    fixture.clock.advance(30_000);
    fixture.queues.delete("dead").await.unwrap();
    fixture
        .queues
        .create("dead", Settings::default())
        .await
        .unwrap();
    assert!(fixture.due("q").await.is_empty());
    assert_eq!(fixture.due("dead").await, ["a"]);
}

#[tokio::test]
async fn a_leased_message_can_be_made_a_dead_letter_at_once() {
    for settings in [Settings::default(), fifo()] {
        let fixture = with_dead_letters(settings).await;
        fixture
            .send_all("q", vec![of("a", "1"), of("a", "2")])
            .await;
        let taken = fixture.receive("q", up_to(1)).await;
        let moved = fixture
            .queues
            .dead_letter("q", receipts(&taken))
            .await
            .unwrap();
        assert_eq!(moved, [ReceiptResult::Done]);
        let moved = fixture
            .queues
            .dead_letter("q", receipts(&taken))
            .await
            .unwrap();
        assert_eq!(moved, [ReceiptResult::Gone]);
        assert_eq!(fixture.due("q").await, ["2"], "the group is free");
        assert_eq!(fixture.due("dead").await, ["1"]);
        assert_eq!(fixture.counts("q").await, (0, 1, 0));
    }
}
