//! Waiting receives. The clock stands still, so only the queue can wake them.

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

impl Fixture {
    fn waiter(&self, queue: &'static str, wait_ms: u64) -> Waiter {
        let queues = self.queues.clone();
        tokio::spawn(async move { queues.receive(queue, waiting(wait_ms)).await })
    }

    /// Lets all tasks run until all of them wait. Operations are answered in their order.
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
async fn a_waiting_receive_gets_what_is_sent() {
    let fixture = standard().await;
    let waiter = fixture.waiter("q", 20_000);
    fixture.calm().await;
    assert!(!waiter.is_finished());
    fixture.send("q", &["a"]).await;
    assert_eq!(got(waiter).await, ["a"]);
}

#[tokio::test]
async fn several_waiting_receives_share_messages_that_are_sent_together() {
    let fixture = standard().await;
    let waiters: Vec<Waiter> = (0..10).map(|_| fixture.waiter("q", 20_000)).collect();
    fixture.calm().await;
    let sent: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    fixture
        .send_all("q", sent.iter().map(|body| entry(body)).collect())
        .await;
    let mut all = Vec::new();
    for waiter in waiters {
        all.extend(got(waiter).await);
    }
    all.sort();
    assert_eq!(all, sent);
}

#[tokio::test]
async fn a_wait_ends_at_its_deadline_without_a_message() {
    let fixture = standard().await;
    let waiter = fixture.waiter("q", 20_000);
    fixture.calm().await;
    fixture.clock.advance(19_999);
    fixture.calm().await;
    assert!(!waiter.is_finished());
    fixture.clock.advance(1);
    assert!(got(waiter).await.is_empty());
}

#[tokio::test]
async fn a_waiting_receive_is_woken_when_a_message_becomes_due_or_a_lease_ends() {
    let fixture = standard().await;
    fixture
        .send_all("q", vec![delayed("late", 5000), entry("leased")])
        .await;
    fixture.receive("q", leased_for(1, 3000)).await;
    let waiters = [fixture.waiter("q", 20_000), fixture.waiter("q", 20_000)];
    fixture.calm().await;
    fixture.clock.advance(3000);
    fixture.calm().await;
    assert_eq!(
        waiters.iter().filter(|waiter| waiter.is_finished()).count(),
        1
    );
    fixture.clock.advance(2000);
    let mut all = Vec::new();
    for waiter in waiters {
        all.extend(got(waiter).await);
    }
    all.sort();
    assert_eq!(all, ["late", "leased"]);
}

#[tokio::test]
async fn a_receive_that_stops_waiting_passes_its_notification_on() {
    let fixture = standard().await;
    let first = fixture.waiter("q", 5000);
    fixture.calm().await;
    let second = fixture.waiter("q", 20_000);
    fixture.calm().await;
    // The notification wakes the first receive, which learns when the message is due and is dropped before that.
    fixture.send_all("q", vec![delayed("late", 10_000)]).await;
    fixture.calm().await;
    fixture.clock.advance(5000);
    assert!(got(first).await.is_empty());
    fixture.calm().await;
    fixture.clock.advance(5000);
    assert_eq!(got(second).await, ["late"]);
}

#[tokio::test]
async fn a_waiting_receive_is_woken_by_an_ended_lease_an_unblocked_group_and_a_deleted_queue() {
    let fixture = standard().await;
    fixture.queues.create("q.fifo", fifo()).await.unwrap();
    fixture.send("q", &["a"]).await;
    fixture
        .send_all("q.fifo", vec![of("a", "1"), of("a", "2")])
        .await;
    let taken = [fixture.one("q").await, fixture.one("q.fifo").await];
    let waiters = [
        fixture.waiter("q", 20_000),
        fixture.waiter("q.fifo", 20_000),
    ];
    fixture.calm().await;
    let [a, one] = taken;
    fixture
        .queues
        .change_leases("q", vec![(a.receipt, 0)])
        .await
        .unwrap();
    fixture
        .queues
        .remove("q.fifo", vec![one.receipt])
        .await
        .unwrap();
    let [first, second] = waiters;
    assert_eq!(got(first).await, ["a"]);
    assert_eq!(got(second).await, ["2"]);
    let third = fixture.waiter("q", 20_000);
    fixture.calm().await;
    fixture.queues.delete("q").await.unwrap();
    assert_eq!(third.await.unwrap(), Err(QueueError::Missing));
}

#[tokio::test]
async fn a_receive_that_waits_for_dead_letters_gets_them() {
    let fixture = standard().await;
    fixture
        .queues
        .create("dead", Settings::default())
        .await
        .unwrap();
    let settings = Settings {
        dead_letter: dead_letter("dead", 1),
        ..Settings::default()
    };
    fixture.queues.change("q", settings).await.unwrap();
    fixture.send("q", &["a"]).await;
    fixture.one("q").await;
    let waiter = fixture.waiter("dead", 60_000);
    fixture.calm().await;
    fixture.clock.advance(30_000);
    assert!(fixture.due("q").await.is_empty());
    assert_eq!(got(waiter).await, ["a"]);
}

#[tokio::test]
async fn messages_leased_for_a_dropped_receive_go_to_the_next_as_never_received() {
    for fifo_queue in [false, true] {
        // A fast store answers before the first poll returns. Then another receive is tried.
        let mut attempts = 1;
        while !goes_before_the_answer(fifo_queue).await {
            attempts += 1;
            assert!(attempts <= 100, "every answer came at once");
        }
    }
}

/// Returns false if the answer came at once, so that the receive could not be dropped before it.
async fn goes_before_the_answer(fifo_queue: bool) -> bool {
    let fixture = fixture().await;
    let settings = if fifo_queue {
        fifo()
    } else {
        Settings::default()
    };
    fixture.queues.create("q", settings).await.unwrap();
    fixture.send_all("q", vec![of("a", "a")]).await;
    let name = fifo_queue.then(|| "x".to_owned());
    let named = |receive| {
        fixture
            .queues
            .receive_with_attempt_id("q", name.clone(), receive)
    };
    let mut receiving = Box::pin(named(up_to(1)));
    // Polled once, the receive is submitted. It is dropped before the answer is read.
    let first = poll_fn(|context| Poll::Ready(receiving.as_mut().poll(context).is_pending()));
    if !first.await {
        return false;
    }
    fixture.queues.counts("q").await.unwrap();
    drop(receiving);
    let message = named(waiting(20_000)).await.unwrap().remove(0);
    assert_eq!(
        (message.receives, message.first_received_at),
        (Some(1), Some(fixture.clock.now()))
    );
    true
}

#[tokio::test]
async fn a_notification_that_woke_a_dropped_receive_wakes_the_next() {
    let fixture = standard().await;
    let first = fixture.waiter("q", 20_000);
    fixture.calm().await;
    let second = fixture.waiter("q", 20_000);
    fixture.calm().await;
    let sent = fixture.send("q", &["a"]);
    // The notification was for the first receive, which is never polled again.
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
