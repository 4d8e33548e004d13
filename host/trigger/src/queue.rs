//! Queue triggers, `queue = "orders"`: messages of a queue in the store.

use std::time::Duration;

use lambkin_http::Listener;
use lambkin_model::{Action, Message};
use lambkin_plugin::{BatchTrigger, EventOrigin, FunctionReference};
use lambkin_store::queue::{QueueError, Queues, ReceiptResult, Receive};

use crate::batch::preview::preview;
use crate::batch::{BatchConsumer, MessageSource, ReceiptAction};
use crate::event_source::{BoxFuture, ConfiguredTrigger, EventSource, Setup, SetupError};
use crate::preview::{Outcomes, Preview, PreviewError, Sample};
use crate::trigger_context::TriggerContext;

/// A queue that is defined in `lambkin.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSource {
    /// The queue's name.
    pub name: String,
    /// Whether it is a FIFO queue.
    pub is_fifo: bool,
    /// How long a received message stays hidden from other consumers, unless it is removed before.
    pub visibility_timeout: Duration,
}

impl EventSource for QueueSource {
    fn configure<'a>(
        &'a self,
        setup: Setup<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn ConfiguredTrigger>, SetupError>> {
        Box::pin(async move {
            let origin = EventOrigin {
                ordered: self.is_fifo,
                lease_ms: u64::try_from(self.visibility_timeout.as_millis()).ok(),
                ..setup.origin(&self.name)
            };
            let trigger = setup
                .plugin
                .plugin
                .batch_trigger(
                    setup.plugin.settings,
                    &setup.surroundings(),
                    &origin,
                    setup.grants.reuse,
                )
                .await
                .map_err(SetupError::Trigger)?;
            Ok(Box::new(ConfiguredQueue {
                queue: self.clone(),
                trigger,
            }) as Box<dyn ConfiguredTrigger>)
        })
    }
}

/// A queue trigger whose plugin has accepted its settings.
struct ConfiguredQueue {
    queue: QueueSource,
    trigger: BatchTrigger,
}

impl ConfiguredTrigger for ConfiguredQueue {
    fn functions(&self) -> Vec<&FunctionReference> {
        vec![self.trigger.function()]
    }

    fn description(&self) -> String {
        format!("queue {}", self.queue.name)
    }

    fn summary(&self) -> &[String] {
        self.trigger.summary()
    }

    fn warnings(&self) -> &[String] {
        self.trigger.warnings()
    }

    fn preview<'a>(
        &'a self,
        sample: &'a Sample,
        outcomes: &'a mut Outcomes,
    ) -> BoxFuture<'a, Result<Preview, PreviewError>> {
        Box::pin(preview(&self.trigger, self.queue.is_fifo, sample, outcomes))
    }

    fn spawn(self: Box<Self>, context: &mut TriggerContext<'_>, _listener: Option<Listener>) {
        // A defined queue implies a store.
        let Some(queues) = context.queues().cloned() else {
            return;
        };
        let consumer = BatchConsumer {
            trigger: self.trigger,
            source: QueueMessages {
                queues,
                name: self.queue.name,
            },
            lambda: context.lambda().clone(),
        };
        context.spawn(|stop| consumer.serve(stop));
    }
}

/// The messages of one queue of the store.
#[derive(Debug)]
struct QueueMessages {
    queues: Queues,
    name: String,
}

/// An operation on a queue of the store failed.
#[derive(Debug, thiserror::Error)]
#[error("queue {name}: {error}")]
struct QueueMessagesError {
    name: String,
    error: QueueError,
}

impl QueueMessages {
    fn named(&self, error: QueueError) -> QueueMessagesError {
        QueueMessagesError {
            name: self.name.clone(),
            error,
        }
    }
}

impl QueueMessages {
    fn log_dead_letter(&self, result: ReceiptResult, reason: &str) {
        let queue = &self.name;
        match result {
            ReceiptResult::Done => {
                tracing::warn!("queue {queue}: moved a message to the dead-letter queue: {reason}");
            }
            // It was deleted meanwhile.
            ReceiptResult::Gone => {}
            _ => tracing::warn!(
                "queue {queue}: a message is not moved to a dead-letter queue, as the queue has none or the message's \
                 lease has ended; it is received again: {reason}"
            ),
        }
    }
}

impl MessageSource for QueueMessages {
    type Error = QueueMessagesError;

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Message>, Self::Error> {
        let receive = Receive {
            max_messages: max,
            lease_ms: None,
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            consumer: true,
        };
        let received = self.queues.receive(&self.name, receive).await;
        received.map_err(|error| self.named(error))
    }

    fn can_renew_leases(&self) -> bool {
        true
    }

    async fn is_ordered(&self) -> bool {
        let described = self.queues.describe(&self.name).await;
        described.is_ok_and(|queue| queue.settings.ordered)
    }

    async fn apply(&self, verdicts: &[ReceiptAction]) -> Result<(), Self::Error> {
        let (mut done, mut again, mut dead) = (Vec::new(), Vec::new(), Vec::new());
        for (receipt, action) in verdicts {
            match action {
                Action::Ack => done.push(receipt.clone()),
                Action::Retry(after) => {
                    again.push((receipt.clone(), u64::from(after.unwrap_or(0))));
                }
                Action::DeadLetter(reason) => dead.push((receipt.clone(), reason)),
            }
        }
        if !done.is_empty() {
            let removed = self.queues.remove(&self.name, done).await;
            removed.map_err(|error| self.named(error))?;
        }
        if !again.is_empty() {
            let extended = self.queues.change_leases(&self.name, again).await;
            extended.map_err(|error| self.named(error))?;
        }
        if !dead.is_empty() {
            let (receipts, reasons): (Vec<_>, Vec<_>) = dead.into_iter().unzip();
            let moved = self.queues.dead_letter(&self.name, receipts).await;
            let moved = moved.map_err(|error| self.named(error))?;
            for (result, reason) in moved.iter().zip(reasons) {
                self.log_dead_letter(*result, reason);
            }
        }
        Ok(())
    }

    async fn give_back(&self, receipts: Vec<String>) -> Result<(), Self::Error> {
        let given_back = self.queues.give_back(&self.name, receipts).await;
        given_back.map(drop).map_err(|error| self.named(error))
    }
}
