//! Dead letters.

use lambkin_store::queue::ReceiptResult;

use super::*;

/// `q` and `dead`, its dead letters after two receives; standard or ordered.
async fn with_dead_letters(settings: Settings) -> Room {
    let room = room().await;
    room.queues.create("dead", settings.clone()).await.unwrap();
    let settings = Settings {
        dead_letter: dead_letter("dead", 2),
        ..settings
    };
    room.queues.create("q", settings).await.unwrap();
    room
}

#[tokio::test]
async fn a_message_that_would_be_received_too_often_becomes_a_dead_letter() {
    let room = with_dead_letters(Settings::default()).await;
    let sent = room.send("q", &["bad"]).await;
    let first = room.one("q").await;
    room.clock.advance(30_000);
    let second = room.one("q").await;
    assert_eq!((first.receives, second.receives), (1, 2));
    room.clock.advance(30_000);
    assert_eq!(room.counts("dead").await, (0, 0, 0), "nobody has asked");
    room.send("q", &["good"]).await;
    assert_eq!(room.due("q").await, ["good"], "what follows is not held up");
    assert_eq!(room.counts("q").await, (0, 1, 0));
    let dead = room.one("dead").await;
    assert_eq!(
        (&dead.id, bodies(std::slice::from_ref(&dead))[0].as_str()),
        (&sent[0].id, "bad")
    );
    assert_eq!(dead.source.as_deref(), Some("q"));
    assert_eq!(
        (dead.receives, dead.sent_at, dead.first_received_at),
        (3, NOW, NOW)
    );
    let settled = room.queues.remove("q", vec![second.receipt]).await.unwrap();
    assert_eq!(settled, [ReceiptResult::Gone]);
}

#[tokio::test]
async fn many_dead_letters_at_once_do_not_hide_what_is_behind_them() {
    let room = with_dead_letters(Settings::default()).await;
    let bad = (0..1300).map(|n| entry(&n.to_string())).collect();
    room.send_all("q", bad).await;
    for _ in 0..2 {
        assert_eq!(room.receive("q", up_to(10_000)).await.len(), 1300);
        room.clock.advance(30_001);
    }
    room.send("q", &["good"]).await;
    assert_eq!(bodies(&room.receive("q", up_to(1)).await), ["good"]);
    assert_eq!(room.counts("dead").await, (1300, 0, 0));
}

#[tokio::test]
async fn retention_counts_from_when_a_dead_letter_was_first_sent() {
    let room = with_dead_letters(Settings {
        retention_ms: 100_000,
        ..Settings::default()
    })
    .await;
    room.send("q", &["bad"]).await;
    for _ in 0..3 {
        room.due("q").await;
        room.clock.advance(30_000);
    }
    assert_eq!(room.counts("dead").await, (1, 0, 0));
    room.clock.advance(10_000);
    assert!(room.due("dead").await.is_empty());
}

#[tokio::test]
async fn in_order_a_dead_letter_makes_way_for_its_group_and_takes_its_id_for_deduplication() {
    let room = with_dead_letters(fifo()).await;
    let sent = room
        .send_all("q", vec![of("a", "bad"), of("a", "next")])
        .await;
    for _ in 0..2 {
        assert_eq!(room.due("q").await, ["bad", "next"]);
        room.clock.advance(30_000);
    }
    assert!(room.due("q").await.is_empty(), "both were received twice");
    let dead = room.receive("dead", up_to(10)).await;
    assert_eq!(bodies(&dead), ["bad", "next"]);
    assert_eq!(dead[0].group.as_deref(), Some("a"));
    assert_eq!(dead[0].deduplication.as_ref(), Some(&sent[0].id));
    assert_eq!(
        (dead[0].receives, dead[0].source.as_deref()),
        (3, Some("q"))
    );
    room.send_all("q", vec![of("a", "fresh")]).await;
    assert_eq!(room.due("q").await, ["fresh"]);
}

#[tokio::test]
async fn while_the_dead_letters_are_missing_or_of_another_kind_messages_stay() {
    let room = room().await;
    let settings = Settings {
        dead_letter: dead_letter("dead", 1),
        ..Settings::default()
    };
    room.queues.create("q", settings).await.unwrap();
    room.send("q", &["a"]).await;
    for receives in 1..=2 {
        let message = room.one("q").await;
        assert_eq!(message.receives, receives);
        let receipt = vec![message.receipt];
        let moved = room.queues.dead_letter("q", receipt).await.unwrap();
        assert_eq!(moved, [ReceiptResult::NotLeased]);
        room.clock.advance(30_000);
    }
    room.queues.create("dead", fifo()).await.unwrap();
    assert_eq!(room.one("q").await.receives, 3);
    room.clock.advance(30_000);
    room.queues.delete("dead").await.unwrap();
    room.queues
        .create("dead", Settings::default())
        .await
        .unwrap();
    assert!(room.due("q").await.is_empty());
    assert_eq!(room.due("dead").await, ["a"]);
}

#[tokio::test]
async fn a_leased_message_can_be_made_a_dead_letter_at_once() {
    for settings in [Settings::default(), fifo()] {
        let room = with_dead_letters(settings).await;
        room.send_all("q", vec![of("a", "1"), of("a", "2")]).await;
        let taken = room.receive("q", up_to(1)).await;
        let moved = room
            .queues
            .dead_letter("q", receipts(&taken))
            .await
            .unwrap();
        assert_eq!(moved, [ReceiptResult::Done]);
        let moved = room
            .queues
            .dead_letter("q", receipts(&taken))
            .await
            .unwrap();
        assert_eq!(moved, [ReceiptResult::Gone]);
        assert_eq!(room.due("q").await, ["2"], "the group is free");
        assert_eq!(room.due("dead").await, ["1"]);
        assert_eq!(room.counts("q").await, (0, 1, 0));
    }
}
