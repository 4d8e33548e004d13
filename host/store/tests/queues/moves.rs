//! Moves of dead letters back to their sources, or to another queue.

use lambkin_store::queue::{Move, MoveStatus, QueueError};
use tokio::task::JoinHandle;

use super::*;

/// The queues `a` and `b` with the dead-letter queue `dead`, which has this many messages of each.
async fn with_dead(settings: Settings, each: usize) -> Fixture {
    let fixture = fixture().await;
    fixture
        .queues
        .create("dead", settings.clone())
        .await
        .unwrap();
    for name in ["a", "b"] {
        let settings = Settings {
            dead_letter: dead_letter("dead", 1),
            ..settings.clone()
        };
        fixture.queues.create(name, settings).await.unwrap();
        let entries = (0..each).map(|n| of("g", &format!("{name}{n}"))).collect();
        fixture.send_all(name, entries).await;
        let taken = fixture.receive(name, up_to(10_000)).await;
        fixture
            .queues
            .dead_letter(name, receipts(&taken))
            .await
            .unwrap();
    }
    assert_eq!(fixture.counts("dead").await, (2 * each as u64, 0, 0));
    fixture
}

impl Fixture {
    fn maintenance(&self) -> JoinHandle<()> {
        let queues = self.queues.clone();
        tokio::spawn(async move { queues.maintain().await })
    }

    async fn ended(&self, handle: &str) -> Move {
        loop {
            let found = self.queues.find_move(handle).await.unwrap();
            if found.status != MoveStatus::Running {
                return found;
            }
        }
    }
}

#[tokio::test]
async fn without_a_destination_each_message_goes_back_to_its_source() {
    for settings in [Settings::default(), fifo()] {
        let fixture = with_dead(settings, 150).await;
        let _maintenance = fixture.maintenance();
        let handle = fixture.queues.start_move("dead", None, None).await.unwrap();
        let ended = fixture.ended(&handle).await;
        assert_eq!(
            (ended.status, ended.moved, ended.expected),
            (MoveStatus::Completed, 300, 300)
        );
        assert_eq!(
            (
                ended.source.as_str(),
                ended.started_at,
                ended.failure_reason
            ),
            ("dead", NOW, None)
        );
        assert_eq!(fixture.counts("dead").await, (0, 0, 0));
        for name in ["a", "b"] {
            let back = fixture.receive(name, up_to(1000)).await;
            let expected: Vec<String> = (0..150).map(|n| format!("{name}{n}")).collect();
            assert_eq!(bodies(&back), expected);
            assert!(
                back.iter()
                    .all(|message| message.receives == Some(1) && message.source.is_none())
            );
        }
    }
}

#[tokio::test]
async fn a_moved_message_counts_as_just_sent() {
    let settings = Settings {
        retention_ms: 100_000,
        ..Settings::default()
    };
    let fixture = with_dead(settings, 1).await;
    let _maintenance = fixture.maintenance();
    fixture.clock.advance(60_000);
    let dead = fixture.receive("dead", leased_for(2, 0)).await;
    let handle = fixture
        .queues
        .start_move("dead", Some("b".to_owned()), None)
        .await
        .unwrap();
    assert_eq!(fixture.ended(&handle).await.moved, 2);
    fixture.clock.advance(60_000);
    let moved = fixture.receive("b", up_to(10)).await;
    assert_eq!(bodies(&moved), ["a0", "b0"]);
    assert_eq!(moved[0].sent_at, NOW + 60_000);
    assert!(
        dead.iter()
            .all(|dead| moved.iter().all(|moved| moved.id != dead.id))
    );
    assert_eq!(
        (moved[0].receives, moved[0].first_received_at),
        (Some(1), Some(NOW + 120_000))
    );
}

#[tokio::test]
async fn a_move_keeps_its_rate_and_can_be_cancelled() {
    let fixture = with_dead(Settings::default(), 100).await;
    let _maintenance = fixture.maintenance();
    let handle = fixture
        .queues
        .start_move("dead", None, Some(20))
        .await
        .unwrap();
    let second = fixture.queues.start_move("dead", None, None).await;
    assert_eq!(second, Err(QueueError::Exists));
    let moved = |at_least| {
        let (fixture, handle) = (&fixture, &handle);
        async move {
            loop {
                let moved = fixture.queues.find_move(handle).await.unwrap().moved;
                if moved >= at_least {
                    return moved;
                }
            }
        }
    };
    assert_eq!(moved(2).await, 2, "a tenth of a second's");
    for step in 2..=10 {
        fixture.clock.advance(99);
        assert_eq!(
            fixture.queues.find_move(&handle).await.unwrap().moved,
            2 * (step - 1)
        );
        fixture.clock.advance(1);
        assert_eq!(moved(2 * step).await, 2 * step);
    }
    assert_eq!(fixture.queues.cancel_move(&handle).await.unwrap(), 20);
    assert_eq!(fixture.ended(&handle).await.status, MoveStatus::Cancelled);
    let again = fixture.queues.cancel_move(&handle).await;
    assert!(matches!(again, Err(QueueError::Invalid(_))), "{again:?}");
    fixture.clock.advance(1000);
    assert_eq!(fixture.counts("dead").await, (180, 0, 0));
}

#[tokio::test]
async fn a_move_continues_after_the_host_was_killed() {
    let fixture = with_dead(Settings::default(), 50).await;
    let maintenance = fixture.maintenance();
    let handle = fixture
        .queues
        .start_move("dead", None, Some(10))
        .await
        .unwrap();
    while fixture.queues.find_move(&handle).await.unwrap().moved == 0 {}
    maintenance.abort();
    fixture.store.close().await;
    let store = Store::open(&fixture.path).await.unwrap();
    let queues = Queues::new(store, Arc::new(fixture.clock.clone()));
    let mover = queues.clone();
    let _maintenance = tokio::spawn(async move { mover.maintain().await });
    while queues.find_move(&handle).await.unwrap().status == MoveStatus::Running {
        fixture.clock.advance(100);
    }
    let ended = queues.find_move(&handle).await.unwrap();
    assert_eq!((ended.status, ended.moved), (MoveStatus::Completed, 100));
    assert_eq!(queues.counts("a").await.unwrap().visible, 50);
    assert_eq!(queues.counts("dead").await.unwrap().visible, 0);
}

#[tokio::test]
async fn messages_that_are_sent_later_or_in_flight_are_not_moved() {
    let fixture = with_dead(Settings::default(), 2).await;
    fixture.receive("dead", up_to(1)).await;
    let handle = fixture.queues.start_move("dead", None, None).await.unwrap();
    fixture.send("dead", &["later"]).await;
    let _maintenance = fixture.maintenance();
    assert_eq!(fixture.ended(&handle).await.moved, 3);
    assert_eq!(fixture.due("dead").await, ["later"]);
    assert_eq!(fixture.counts("dead").await, (0, 2, 0));
}

#[tokio::test]
async fn a_group_is_moved_up_to_the_first_message_in_flight() {
    let fixture = with_dead(fifo(), 2).await;
    let taken = fixture.receive("dead", up_to(2)).await;
    let now = vec![(taken[0].receipt.clone(), 0)];
    fixture.queues.change_leases("dead", now).await.unwrap();
    let _maintenance = fixture.maintenance();
    let handle = fixture.queues.start_move("dead", None, None).await.unwrap();
    assert_eq!(fixture.ended(&handle).await.moved, 1);
    assert_eq!(fixture.due("a").await, ["a0"]);
    assert_eq!(fixture.counts("dead").await, (2, 1, 0));
}

#[tokio::test]
async fn a_move_that_cannot_continue_reports_the_reason() {
    let fixture = with_dead(Settings::default(), 1).await;
    let _maintenance = fixture.maintenance();
    fixture.queues.delete("b").await.unwrap();
    let handle = fixture.queues.start_move("dead", None, None).await.unwrap();
    let ended = fixture.ended(&handle).await;
    assert_eq!((ended.status, ended.moved), (MoveStatus::Failed, 1));
    assert_eq!(
        ended.failure_reason.as_deref(),
        Some("AWS.SimpleQueueService.NonExistentQueue")
    );
    assert_eq!(
        fixture.counts("dead").await,
        (1, 0, 0),
        "the message is not lost"
    );
    fixture.queues.purge("dead").await.unwrap();
    fixture.send("dead", &["of nobody"]).await;
    let second = fixture.queues.start_move("dead", None, None).await.unwrap();
    let ended = fixture.ended(&second).await;
    assert_eq!(
        ended.failure_reason.as_deref(),
        Some("CouldNotDetermineMessageSource")
    );
    let moves = fixture.queues.moves("dead", 10).await.unwrap();
    let handles: Vec<&String> = moves.iter().map(|found| &found.handle).collect();
    assert_eq!(handles, [&second, &handle], "the latest first");
}

#[tokio::test]
async fn an_invalid_move_is_refused_and_ten_moves_are_remembered() {
    let fixture = with_dead(Settings::default(), 1).await;
    fixture.queues.create("q.fifo", fifo()).await.unwrap();
    let start =
        |from, to: Option<&str>| fixture.queues.start_move(from, to.map(str::to_owned), None);
    assert_eq!(start("no", None).await, Err(QueueError::Missing));
    assert_eq!(start("dead", Some("no")).await, Err(QueueError::Missing));
    for to in ["dead", "q.fifo"] {
        let refused = start("dead", Some(to)).await;
        assert!(
            matches!(refused, Err(QueueError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert_eq!(
        fixture.queues.find_move("x").await.unwrap_err(),
        QueueError::Missing
    );
    assert_eq!(
        fixture.queues.cancel_move("x").await,
        Err(QueueError::Missing)
    );
    for _ in 0..15 {
        let handle = start("dead", None).await.unwrap();
        fixture.queues.cancel_move(&handle).await.unwrap();
    }
    assert_eq!(fixture.queues.moves("dead", 100).await.unwrap().len(), 10);
}
