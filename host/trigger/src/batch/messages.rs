//! Where a batch trigger's messages come from and go back to.

use std::time::Duration;

use lambkin_model::{Action, Message};
use lambkin_plugin::{Source, SourceError};
use lambkin_store::queue::{QueueError, Queues, Receive};
use tokio::time::{Instant, sleep};

use crate::limits::{EMPTY_POLL, PAUSES, SETTLE_ATTEMPTS};

/// Messages to consume.
#[derive(Debug)]
pub enum Messages {
    /// A queue of the host's own.
    Queue {
        /// All queues.
        queues: Queues,
        /// Its name.
        name: String,
    },
    /// An outside system, through a plugin.
    Source(Source),
}

/// Messages could not be received or settled.
#[derive(Debug, thiserror::Error)]
pub enum MessagesError {
    /// The queue.
    #[error("queue {name}: {error}")]
    Queue {
        /// Its name.
        name: String,
        /// Why.
        error: QueueError,
    },
    /// The outside system.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl Messages {
    /// Up to `most` messages; waits for the first one. An empty result is none within that time.
    pub(super) async fn receive(
        &self,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Message>, MessagesError> {
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        match self {
            Self::Queue { queues, name } => {
                let receive = Receive {
                    max_messages: most,
                    lease_ms: None,
                    wait_ms: u64::from(wait_ms),
                    consumer: true,
                };
                let received = queues.receive(name, receive).await;
                received.map_err(|error| queue_error(name, error))
            }
            Self::Source(source) => {
                let start = Instant::now();
                let received = source
                    .poll(most.min(source.max_messages()), wait_ms)
                    .await?;
                if received.is_empty() {
                    let early = wait.saturating_sub(start.elapsed());
                    sleep(early.min(EMPTY_POLL)).await;
                }
                Ok(received)
            }
        }
    }

    /// Whether the messages of a group keep their order.
    pub(super) async fn are_ordered(&self) -> bool {
        match self {
            Self::Queue { queues, name } => queues
                .describe(name)
                .await
                .is_ok_and(|queue| queue.settings.ordered),
            Self::Source(source) => source.origin().ordered,
        }
    }

    /// Carries out what was decided about messages, named by their receipts; tries again when it fails.
    pub(super) async fn settle(
        &self,
        verdicts: Vec<(String, Action)>,
    ) -> Result<(), MessagesError> {
        // Leaving a message to its source needs no word.
        let verdicts: Vec<_> = verdicts
            .into_iter()
            .filter(|(_, action)| *action != Action::Retry(None))
            .collect();
        if verdicts.is_empty() {
            return Ok(());
        }
        let mut pause = PAUSES.0;
        let mut attempt = 1;
        loop {
            match self.try_settle(&verdicts).await {
                Err(_) if attempt < SETTLE_ATTEMPTS => sleep(pause).await,
                result => return result,
            }
            attempt += 1;
            pause *= 2;
        }
    }

    /// Gives messages back that nobody was told of; where that is possible, they were not received.
    pub(super) async fn give_back(&self, messages: Vec<Message>) -> Result<(), MessagesError> {
        let receipts = messages.into_iter().map(|message| message.receipt);
        match self {
            Self::Queue { queues, name } => {
                let given_back = queues.give_back(name, receipts.collect()).await;
                given_back
                    .map(drop)
                    .map_err(|error| queue_error(name, error))
            }
            Self::Source(_) => {
                let at_once = receipts.map(|receipt| (receipt, Action::Retry(Some(0))));
                self.settle(at_once.collect()).await
            }
        }
    }

    async fn try_settle(&self, verdicts: &[(String, Action)]) -> Result<(), MessagesError> {
        let (queues, name) = match self {
            Self::Queue { queues, name } => (queues, name),
            Self::Source(source) => return Ok(source.settle(verdicts).await?),
        };
        let mut done = Vec::new();
        let mut again = Vec::new();
        let mut dead = Vec::new();
        for (receipt, action) in verdicts {
            match action {
                Action::Ack => done.push(receipt.clone()),
                Action::Retry(after) => {
                    again.push((receipt.clone(), u64::from(after.unwrap_or(0))));
                }
                Action::DeadLetter(reason) => {
                    tracing::warn!("a message of queue {name} is a dead letter: {reason}");
                    dead.push(receipt.clone());
                }
            }
        }
        let failed = |error| queue_error(name, error);
        if !done.is_empty() {
            queues.remove(name, done).await.map_err(failed)?;
        }
        if !again.is_empty() {
            queues.change_leases(name, again).await.map_err(failed)?;
        }
        if !dead.is_empty() {
            queues.dead_letter(name, dead).await.map_err(failed)?;
        }
        Ok(())
    }
}

fn queue_error(name: &str, error: QueueError) -> MessagesError {
    MessagesError::Queue {
        name: name.to_owned(),
        error,
    }
}
