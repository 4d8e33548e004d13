//! Receiving, and waiting for something to receive.
//!
//! Who waits holds no thread and asks nothing: it is woken by its queue's bell, or by the clock when a message is due or the
//! wait is over. A bell wakes one, so whoever stops waiting, for whatever reason, rings it for the next.
//!
//! A receive may be given up at any moment. What it was about to get then goes back, as if it had never been received.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use lambkin_model::Message;
use tokio::sync::Notify;

use super::limits::MAX_MESSAGES;
use super::take::{self, Lease, Taken, Wanted};
use super::{QueueError, Queues, Receive, settle};

impl Queues {
    /// Leases messages; waits for the first one as long as `receive.wait_ms`. Dropped, it takes nothing.
    pub async fn receive(&self, queue: &str, receive: Receive) -> Result<Vec<Message>, QueueError> {
        self.receive_as(queue, None, receive).await
    }

    /// The same under a name, which counts in ordered queues: for five minutes and while the messages are leased as it left
    /// them, a receive of this name is handed the same messages with the same receipts, and their leases begin anew. If
    /// one was removed or its lease was changed, it is [`QueueError::Invalid`].
    pub async fn receive_as(
        &self,
        queue: &str,
        attempt: Option<String>,
        receive: Receive,
    ) -> Result<Vec<Message>, QueueError> {
        if !(1..=MAX_MESSAGES).contains(&receive.max_messages) {
            return Err(QueueError::Invalid(format!(
                "a receive asks for 1 to {MAX_MESSAGES} messages, not for {}",
                receive.max_messages
            )));
        }
        let wanted = Wanted {
            max: receive.max_messages,
            lease_ms: receive.lease_ms,
            consumer: receive.consumer,
        };
        let deadline = self.clock.now().saturating_add(receive.wait_ms);
        let mut waiting: Option<Waiting> = None;
        loop {
            let taken = self.take(queue, wanted, attempt.clone()).await?;
            let (again, next_due) = (taken.taken.again, taken.taken.next_due);
            let messages = taken.accept();
            if again {
                continue;
            }
            if !messages.is_empty() || self.clock.now() >= deadline {
                return Ok(messages);
            }
            let waiting = waiting.get_or_insert_with(|| Waiting(self.store.notifier(queue)));
            let wake = next_due.map_or(deadline, |due| due.min(deadline));
            either(waiting.0.notified(), self.clock.until(wake)).await;
        }
    }

    async fn take(
        &self,
        queue: &str,
        wanted: Wanted,
        attempt: Option<String>,
    ) -> Result<Undelivered, QueueError> {
        let name = queue.to_owned();
        let (queues, of, named) = (self.clone(), queue.to_owned(), attempt.clone());
        self.transact_then(
            move |tx| take::take(tx, &name, wanted, attempt.as_deref()),
            move |taken| Undelivered {
                queues,
                of,
                attempt: named,
                taken,
            },
        )
        .await
    }
}

/// Returns when one of them does.
pub(crate) async fn either(first: impl Future<Output = ()>, second: impl Future<Output = ()>) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|context| {
        if first.as_mut().poll(context).is_ready() || second.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

/// Somebody who waits. One that stops has perhaps heard a bell, or was the only one to know when something is due.
struct Waiting(Arc<Notify>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Messages on their way to a receiver, who may be gone.
struct Undelivered {
    queues: Queues,
    of: String,
    attempt: Option<String>,
    taken: Taken,
}

impl Undelivered {
    fn accept(mut self) -> Vec<Message> {
        self.taken.leases.clear();
        std::mem::take(&mut self.taken.messages)
    }
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        let leases: Vec<Lease> = std::mem::take(&mut self.taken.leases);
        if !leases.is_empty() {
            let name = std::mem::take(&mut self.of);
            let attempt = self.attempt.take();
            // If the store is closed meanwhile, the leases run out.
            self.queues.transact_detached(move |tx| {
                settle::give_back(tx, &name, attempt.as_deref(), &leases)
            });
        }
    }
}
