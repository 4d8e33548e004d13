//! Receivers that wait. The clock stands still, so whatever wakes them is the queue.

use std::future::{Future, poll_fn};
use std::task::Poll;

use lambkin_store::Clock;
use lambkin_store::queue::QueueError;
use tokio::task::JoinHandle;

use super::*;

fn waiting(wait_ms: u64) -> Receive {
    Receive {
        wait_ms,
        ..up_to(1)
    }
}

type Waiter = JoinHandle<Result<Vec<Message>, QueueError>>;

impl Room {
    fn waiter(&self, queue: &'static str, wait_ms: u64) -> Waiter {
        let queues = self.queues.clone();
        tokio::spawn(async move { queues.receive(queue, waiting(wait_ms)).await })
    }

    /// Lets everybody who can go on do so, until they all wait: operations are answered in their order.
    async fn calm(&self) {
        for _ in 0..20 {
            self.queues.counts("q").await.unwrap();
            tokio::task::yield_now().await;
        }
    }
}

async fn got(waiter: Waiter) -> Vec<String> {
    bodies(&waiter.await.unwrap().unwrap())
}

#[tokio::test]
async fn who_waits_gets_what_is_sent() {
    let room = standard().await;
    let waiter = room.waiter("q", 20_000);
    room.calm().await;
    assert!(!waiter.is_finished());
    room.send("q", &["a"]).await;
    assert_eq!(got(waiter).await, ["a"]);
}

#[tokio::test]
async fn several_who_wait_share_what_is_sent_at_once() {
    let room = standard().await;
    let waiters: Vec<Waiter> = (0..10).map(|_| room.waiter("q", 20_000)).collect();
    room.calm().await;
    let sent: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    room.send_all("q", sent.iter().map(|body| entry(body)).collect())
        .await;
    let mut all = Vec::new();
    for waiter in waiters {
        all.extend(got(waiter).await);
    }
    all.sort();
    assert_eq!(all, sent);
}

#[tokio::test]
async fn a_wait_ends_at_its_deadline_with_nothing() {
    let room = standard().await;
    let waiter = room.waiter("q", 20_000);
    room.calm().await;
    room.clock.advance(19_999);
    room.calm().await;
    assert!(!waiter.is_finished());
    room.clock.advance(1);
    assert!(got(waiter).await.is_empty());
}

#[tokio::test]
async fn who_waits_is_woken_when_a_message_becomes_due_or_a_lease_ends() {
    let room = standard().await;
    room.send_all("q", vec![delayed("late", 5000), entry("leased")])
        .await;
    room.receive("q", leased_for(1, 3000)).await;
    let waiters = [room.waiter("q", 20_000), room.waiter("q", 20_000)];
    room.calm().await;
    room.clock.advance(3000);
    room.calm().await;
    assert_eq!(
        waiters.iter().filter(|waiter| waiter.is_finished()).count(),
        1
    );
    room.clock.advance(2000);
    let mut all = Vec::new();
    for waiter in waiters {
        all.extend(got(waiter).await);
    }
    all.sort();
    assert_eq!(all, ["late", "leased"]);
}

#[tokio::test]
async fn who_stops_waiting_hands_on_what_only_it_knew() {
    let room = standard().await;
    let first = room.waiter("q", 5000);
    room.calm().await;
    let second = room.waiter("q", 20_000);
    room.calm().await;
    // The bell wakes the first, which learns when the message is due, and leaves before that.
    room.send_all("q", vec![delayed("late", 10_000)]).await;
    room.calm().await;
    room.clock.advance(5000);
    assert!(got(first).await.is_empty());
    room.calm().await;
    room.clock.advance(5000);
    assert_eq!(got(second).await, ["late"]);
}

#[tokio::test]
async fn who_waits_hears_of_a_lease_given_up_a_group_set_free_and_a_queue_deleted() {
    let room = standard().await;
    room.queues.create("q.fifo", fifo()).await.unwrap();
    room.send("q", &["a"]).await;
    room.send_all("q.fifo", vec![of("a", "1"), of("a", "2")])
        .await;
    let taken = [room.one("q").await, room.one("q.fifo").await];
    let waiters = [room.waiter("q", 20_000), room.waiter("q.fifo", 20_000)];
    room.calm().await;
    let [a, one] = taken;
    room.queues
        .change_leases("q", vec![(a.receipt, 0)])
        .await
        .unwrap();
    room.queues
        .remove("q.fifo", vec![one.receipt])
        .await
        .unwrap();
    let [first, second] = waiters;
    assert_eq!(got(first).await, ["a"]);
    assert_eq!(got(second).await, ["2"]);
    let third = room.waiter("q", 20_000);
    room.calm().await;
    room.queues.delete("q").await.unwrap();
    assert_eq!(third.await.unwrap(), Err(QueueError::Missing));
}

#[tokio::test]
async fn who_waits_for_dead_letters_gets_them_when_they_die() {
    let room = standard().await;
    room.queues
        .create("dead", Settings::default())
        .await
        .unwrap();
    let settings = Settings {
        dead_letter: dead_letter("dead", 1),
        ..Settings::default()
    };
    room.queues.change("q", settings).await.unwrap();
    room.send("q", &["a"]).await;
    room.one("q").await;
    let waiter = room.waiter("dead", 60_000);
    room.calm().await;
    room.clock.advance(30_000);
    assert!(room.due("q").await.is_empty());
    assert_eq!(got(waiter).await, ["a"]);
}

#[tokio::test]
async fn what_was_taken_for_one_who_has_gone_goes_to_the_next_as_if_new() {
    for fifo_queue in [false, true] {
        // A quick store has answered before the first poll is over; then another one is asked.
        let mut attempts = 1;
        while !goes_before_the_answer(fifo_queue).await {
            attempts += 1;
            assert!(attempts <= 100, "every answer came at once");
        }
    }
}

/// False if the answer came at once, and so nobody could go before it.
async fn goes_before_the_answer(fifo_queue: bool) -> bool {
    let room = room().await;
    let settings = if fifo_queue {
        fifo()
    } else {
        Settings::default()
    };
    room.queues.create("q", settings).await.unwrap();
    room.send_all("q", vec![of("a", "a")]).await;
    let name = fifo_queue.then(|| "x".to_owned());
    let named = |receive| {
        room.queues
            .receive_with_attempt_id("q", name.clone(), receive)
    };
    let mut receiving = Box::pin(named(up_to(1)));
    // Polled once it is handed in, and gone before the answer is read.
    let first = poll_fn(|context| Poll::Ready(receiving.as_mut().poll(context).is_pending()));
    if !first.await {
        return false;
    }
    room.queues.counts("q").await.unwrap();
    drop(receiving);
    let message = named(waiting(20_000)).await.unwrap().remove(0);
    assert_eq!(
        (message.receives, message.first_received_at),
        (1, room.clock.now())
    );
    true
}

#[tokio::test]
async fn a_ring_that_woke_one_who_then_went_away_wakes_the_next() {
    let room = standard().await;
    let first = room.waiter("q", 20_000);
    room.calm().await;
    let second = room.waiter("q", 20_000);
    room.calm().await;
    let sent = room.send("q", &["a"]);
    // The bell has rung for the first, which never runs again.
    sent.await;
    first.abort();
    match first.await {
        Err(error) => {
            assert!(error.is_cancelled());
            assert_eq!(got(second).await, ["a"]);
        }
        Ok(messages) => assert_eq!(bodies(&messages.unwrap()), ["a"]),
    }
}
