//! Receiving, and waiting for something to receive.
//!
//! A waiting receive holds no thread and does not poll: it is woken by its queue's notifier, or by the clock when a
//! message is due or the wait is over. A notification wakes one receive, so a receive that stops waiting, for
//! whatever reason, passes it on.
//!
//! A receive can be dropped at any moment. Messages that were leased for it are then given back as if they had never
//! been received.

use std::sync::Arc;

use lambkin_model::Message;
use tokio::sync::Notify;

use super::hand_out::{self, HandedOut, Limits};
use super::limits::MAX_MESSAGES;
use super::queues::Queues;
use super::types::{QueueError, Receive};
use super::{lease, receive_attempt};

impl Queues {
    /// Leases messages. Waits up to `receive.wait_ms` for a first one, and returns an empty list if there is none
    /// (SQS: long polling). A receive that is dropped leases nothing.
    ///
    /// # Errors
    ///
    /// [`QueueError::Invalid`] if `receive.max_messages` is not 1 to 10,000; [`QueueError::OverLimit`] if the queue has
    /// 120,000 leased messages.
    pub async fn receive(&self, queue: &str, receive: Receive) -> Result<Vec<Message>, QueueError> {
        self.receive_with_attempt_id(queue, None, receive).await
    }

    /// Like [`receive`](Self::receive), under a name (SQS: `ReceiveRequestAttemptId`), which has an effect in ordered
    /// queues: for five minutes, and while the messages are leased as the receive left them, another receive with
    /// this name is handed the same messages with the same receipts, and their leases start anew.
    ///
    /// # Errors
    ///
    /// Also [`QueueError::Invalid`] if one of those messages was removed or its lease was changed since.
    pub async fn receive_with_attempt_id(
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
        let limits = Limits {
            max: receive.max_messages,
            lease_ms: receive.lease_ms,
            consumer: receive.consumer,
        };
        let deadline = self.clock.now().saturating_add(receive.wait_ms);
        let mut waiting: Option<Waiting> = None;
        loop {
            let undelivered = self.hand_out(queue, limits, attempt.clone()).await?;
            let HandedOut {
                incomplete,
                next_due,
                ..
            } = undelivered.handed_out;
            let messages = undelivered.deliver();
            if incomplete {
                continue;
            }
            if !messages.is_empty() || self.clock.now() >= deadline {
                return Ok(messages);
            }
            let waiting = waiting.get_or_insert_with(|| Waiting(self.store.notifier(queue)));
            let wake = next_due.map_or(deadline, |due| due.min(deadline));
            tokio::select! {
                () = waiting.0.notified() => {}
                () = self.clock.until(wake) => {}
            }
        }
    }

    async fn hand_out(
        &self,
        queue: &str,
        limits: Limits,
        attempt: Option<String>,
    ) -> Result<Undelivered, QueueError> {
        let name = queue.to_owned();
        let (queues, from, named) = (self.clone(), queue.to_owned(), attempt.clone());
        self.transact_then(
            move |tx| hand_out::hand_out(tx, &name, limits, attempt.as_deref()),
            move |handed_out| Undelivered {
                queues,
                queue: from,
                attempt: named,
                handed_out,
            },
        )
        .await
    }
}

/// A waiting receive. When it stops waiting, it may have consumed a notification, or have been the only one that knew
/// when the next message is due; so it wakes another one.
struct Waiting(Arc<Notify>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Leased messages on their way to a receiver. If the receiver has gone away, they are dropped and thereby given back.
struct Undelivered {
    queues: Queues,
    queue: String,
    attempt: Option<String>,
    handed_out: HandedOut,
}

impl Undelivered {
    fn deliver(mut self) -> Vec<Message> {
        self.handed_out.leases.clear();
        std::mem::take(&mut self.handed_out.messages)
    }
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        let leases = std::mem::take(&mut self.handed_out.leases);
        if leases.is_empty() {
            return;
        }
        let name = std::mem::take(&mut self.queue);
        let attempt = self.attempt.take();
        // If the store is closed meanwhile, the leases run out.
        self.queues.transact_detached(move |tx| {
            let queue = tx.queue(&name)?;
            if let Some(attempt) = &attempt {
                receive_attempt::delete(tx, queue.generation, attempt)?;
            }
            lease::give_back(tx, queue.generation, &leases)?;
            tx.notify(&name);
            Ok(())
        });
    }
}
