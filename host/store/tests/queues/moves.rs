//! Moves of dead letters to where they came from, or elsewhere.

use lambkin_store::queue::{Move, MoveStatus, QueueError};
use tokio::task::JoinHandle;

use super::*;

/// `a` and `b` with `dead` for their dead letters, in which there are so many of each.
async fn with_dead(settings: Settings, each: usize) -> Room {
    let room = room().await;
    room.queues.create("dead", settings.clone()).await.unwrap();
    for name in ["a", "b"] {
        let settings = Settings {
            dead_letter: dead_letter("dead", 1),
            ..settings.clone()
        };
        room.queues.create(name, settings).await.unwrap();
        let entries = (0..each).map(|n| of("g", &format!("{name}{n}"))).collect();
        room.send_all(name, entries).await;
        let taken = room.receive(name, up_to(10_000)).await;
        room.queues
            .dead_letter(name, receipts(&taken))
            .await
            .unwrap();
    }
    assert_eq!(room.counts("dead").await, (2 * each as u64, 0, 0));
    room
}

impl Room {
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
async fn without_a_destination_every_message_goes_back_to_where_it_came_from() {
    for settings in [Settings::default(), fifo()] {
        let room = with_dead(settings, 150).await;
        let _keeper = room.maintenance();
        let handle = room.queues.start_move("dead", None, None).await.unwrap();
        let ended = room.ended(&handle).await;
        assert_eq!(
            (ended.status, ended.moved, ended.expected),
            (MoveStatus::Completed, 300, 300)
        );
        assert_eq!(
            (ended.source.as_str(), ended.started_at, ended.failure),
            ("dead", NOW, None)
        );
        assert_eq!(room.counts("dead").await, (0, 0, 0));
        for name in ["a", "b"] {
            let back = room.receive(name, up_to(1000)).await;
            let expected: Vec<String> = (0..150).map(|n| format!("{name}{n}")).collect();
            assert_eq!(bodies(&back), expected);
            assert!(
                back.iter()
                    .all(|message| message.receives == 1 && message.source.is_none())
            );
        }
    }
}

#[tokio::test]
async fn a_moved_message_is_as_if_it_were_sent_now() {
    let settings = Settings {
        retention_ms: 100_000,
        ..Settings::default()
    };
    let room = with_dead(settings, 1).await;
    let _keeper = room.maintenance();
    room.clock.advance(60_000);
    let dead = room.receive("dead", leased_for(2, 0)).await;
    let handle = room
        .queues
        .start_move("dead", Some("b".to_owned()), None)
        .await
        .unwrap();
    assert_eq!(room.ended(&handle).await.moved, 2);
    room.clock.advance(60_000);
    let moved = room.receive("b", up_to(10)).await;
    assert_eq!(bodies(&moved), ["a0", "b0"]);
    assert_eq!(moved[0].sent_at, NOW + 60_000);
    assert!(
        dead.iter()
            .all(|dead| moved.iter().all(|moved| moved.id != dead.id))
    );
    assert_eq!(
        (moved[0].receives, moved[0].first_received_at),
        (1, NOW + 120_000)
    );
}

#[tokio::test]
async fn a_move_keeps_its_rate_and_can_be_cancelled() {
    let room = with_dead(Settings::default(), 100).await;
    let _keeper = room.maintenance();
    let handle = room
        .queues
        .start_move("dead", None, Some(20))
        .await
        .unwrap();
    let second = room.queues.start_move("dead", None, None).await;
    assert_eq!(second, Err(QueueError::Exists));
    let moved = |at_least| {
        let (room, handle) = (&room, &handle);
        async move {
            loop {
                let moved = room.queues.find_move(handle).await.unwrap().moved;
                if moved >= at_least {
                    return moved;
                }
            }
        }
    };
    assert_eq!(moved(2).await, 2, "a tenth of a second's");
    for step in 2..=10 {
        room.clock.advance(99);
        assert_eq!(
            room.queues.find_move(&handle).await.unwrap().moved,
            2 * (step - 1)
        );
        room.clock.advance(1);
        assert_eq!(moved(2 * step).await, 2 * step);
    }
    assert_eq!(room.queues.cancel_move(&handle).await.unwrap(), 20);
    assert_eq!(room.ended(&handle).await.status, MoveStatus::Cancelled);
    let again = room.queues.cancel_move(&handle).await;
    assert!(matches!(again, Err(QueueError::Invalid(_))), "{again:?}");
    room.clock.advance(1000);
    assert_eq!(room.counts("dead").await, (180, 0, 0));
}

#[tokio::test]
async fn a_move_goes_on_after_the_host_was_killed() {
    let room = with_dead(Settings::default(), 50).await;
    let maintenance = room.maintenance();
    let handle = room
        .queues
        .start_move("dead", None, Some(10))
        .await
        .unwrap();
    while room.queues.find_move(&handle).await.unwrap().moved == 0 {}
    maintenance.abort();
    room.store.close().await;
    let store = Store::open(&room.path).await.unwrap();
    let queues = Queues::new(store, Arc::new(room.clock.clone()));
    let mover = queues.clone();
    let _keeper = tokio::spawn(async move { mover.maintain().await });
    while queues.find_move(&handle).await.unwrap().status == MoveStatus::Running {
        room.clock.advance(100);
    }
    let ended = queues.find_move(&handle).await.unwrap();
    assert_eq!((ended.status, ended.moved), (MoveStatus::Completed, 100));
    assert_eq!(queues.counts("a").await.unwrap().visible, 50);
    assert_eq!(queues.counts("dead").await.unwrap().visible, 0);
}

#[tokio::test]
async fn what_comes_later_or_is_in_flight_stays() {
    let room = with_dead(Settings::default(), 2).await;
    room.receive("dead", up_to(1)).await;
    let handle = room.queues.start_move("dead", None, None).await.unwrap();
    room.send("dead", &["later"]).await;
    let _keeper = room.maintenance();
    assert_eq!(room.ended(&handle).await.moved, 3);
    assert_eq!(room.due("dead").await, ["later"]);
    assert_eq!(room.counts("dead").await, (0, 2, 0));
}

#[tokio::test]
async fn a_move_of_a_group_goes_up_to_the_first_that_is_in_flight() {
    let room = with_dead(fifo(), 2).await;
    let taken = room.receive("dead", up_to(2)).await;
    let now = vec![(taken[0].receipt.clone(), 0)];
    room.queues.change_leases("dead", now).await.unwrap();
    let _keeper = room.maintenance();
    let handle = room.queues.start_move("dead", None, None).await.unwrap();
    assert_eq!(room.ended(&handle).await.moved, 1);
    assert_eq!(room.due("a").await, ["a0"]);
    assert_eq!(room.counts("dead").await, (2, 1, 0));
}

#[tokio::test]
async fn a_move_that_can_not_go_on_says_why() {
    let room = with_dead(Settings::default(), 1).await;
    let _keeper = room.maintenance();
    room.queues.delete("b").await.unwrap();
    let handle = room.queues.start_move("dead", None, None).await.unwrap();
    let ended = room.ended(&handle).await;
    assert_eq!((ended.status, ended.moved), (MoveStatus::Failed, 1));
    assert_eq!(
        ended.failure.as_deref(),
        Some("AWS.SimpleQueueService.NonExistentQueue")
    );
    assert_eq!(room.counts("dead").await, (1, 0, 0), "it is not lost");
    room.queues.purge("dead").await.unwrap();
    room.send("dead", &["of nobody"]).await;
    let second = room.queues.start_move("dead", None, None).await.unwrap();
    let ended = room.ended(&second).await;
    assert_eq!(
        ended.failure.as_deref(),
        Some("CouldNotDetermineMessageSource")
    );
    let moves = room.queues.moves("dead", 10).await.unwrap();
    let handles: Vec<&String> = moves.iter().map(|found| &found.handle).collect();
    assert_eq!(handles, [&second, &handle], "the latest first");
}

#[tokio::test]
async fn a_move_that_makes_no_sense_is_refused_and_ten_are_remembered() {
    let room = with_dead(Settings::default(), 1).await;
    room.queues.create("q.fifo", fifo()).await.unwrap();
    let start = |from, to: Option<&str>| room.queues.start_move(from, to.map(str::to_owned), None);
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
        room.queues.find_move("x").await.unwrap_err(),
        QueueError::Missing
    );
    assert_eq!(room.queues.cancel_move("x").await, Err(QueueError::Missing));
    for _ in 0..15 {
        let handle = start("dead", None).await.unwrap();
        room.queues.cancel_move(&handle).await.unwrap();
    }
    assert_eq!(room.queues.moves("dead", 100).await.unwrap().len(), 10);
}
