//! Batch triggers: messages, a plugin that shapes them into events, and the function that gets them.
//!
//! A consumer gathers a batch as large and as long as its plugin asked for, and runs as many batches at a time. Nothing is
//! polled: a wait for messages is woken by the message. What becomes of each message is the plugin's word; the consumer
//! carries it out.
//!
//! At the end, what was gathered and not told is given back as if it had never been received.
//!
//! On failure: a message that was not settled comes back when its lease ends, whatever the reason: a plugin at fault, a
//! store that can not write, a host that was killed. A message source that can not be reached is asked again, less and
//! less often, and the log says so once.

mod gather;
mod messages;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lambkin_lambda::Lambda;
use lambkin_model::{Action, Message};
use lambkin_plugin::{BatchTrigger, PluginError, ShapedBatch, TriggerOutcome};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::invocation::caused;
use crate::limits::BATCHES;
use crate::outcome::translate;
use gather::Gatherer;
pub use messages::Messages;

/// One batch trigger, ready to consume.
#[derive(Debug)]
pub struct BatchConsumer {
    /// The configured plugin.
    pub trigger: BatchTrigger,
    /// Where the messages come from.
    pub messages: Messages,
    /// Where its function is.
    pub lambda: Lambda,
}

impl BatchConsumer {
    /// Consumes until `stop` is cancelled, then lets the batches under way finish.
    pub async fn serve(self, stop: CancellationToken) {
        let limit = self.batches_at_a_time();
        let consumer = Arc::new(self);
        let mut gatherer = Gatherer::new(consumer.trigger.name(), consumer.trigger.batching());
        let mut running = JoinSet::new();
        loop {
            while running.try_join_next().is_some() {}
            if running.len() >= limit {
                tokio::select! {
                    () = stop.cancelled() => break,
                    _ = running.join_next() => continue,
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                batch = gatherer.next(&consumer.messages) => {
                    running.spawn(Arc::clone(&consumer).process(batch));
                }
            }
        }
        gatherer.give_back(&consumer.messages).await;
        while running.join_next().await.is_some() {}
    }

    /// Never more than the function may have environments: further batches would only wait for it, and their leases run.
    fn batches_at_a_time(&self) -> usize {
        let wanted = self.trigger.batching().max_concurrency.unwrap_or(BATCHES);
        let function = self.lambda.function(self.trigger.function());
        let most = function.map_or(usize::MAX, |function| function.spec().concurrency);
        wanted.min(most).max(1)
    }

    async fn process(self: Arc<Self>, batch: Vec<Message>) {
        match self.run(&batch).await {
            Ok(()) => {}
            Err(error) => tracing::error!(
                "{} message(s) of {} will be told again: {error}",
                batch.len(),
                self.trigger.name()
            ),
        }
    }

    async fn run(&self, batch: &[Message]) -> Result<(), PluginError> {
        let ShapedBatch {
            event,
            skipped,
            token,
        } = self.trigger.shape(batch).await?;
        let skipped: HashSet<&str> = skipped.iter().map(String::as_str).collect();
        let (done, left): (Vec<_>, Vec<_>) = batch
            .iter()
            .partition(|message| skipped.contains(message.id.as_str()));
        let done: Vec<_> = done
            .into_iter()
            .map(|message| (message.receipt.clone(), Action::Ack))
            .collect();
        self.settle(done).await;
        let Some(event) = event else {
            return Ok(());
        };
        let function = self.trigger.function();
        let outcome = self.invoke(event, &left).await;
        if let TriggerOutcome::Throttled = outcome {
            tracing::warn!(
                "{}: function {function} is throttled; {} message(s) come back when their leases end",
                self.trigger.name(),
                left.len()
            );
        }
        let ids: Vec<&str> = left.iter().map(|message| message.id.as_str()).collect();
        let verdicts = self.trigger.settle(&token, &ids, &outcome).await?;
        let receipts: HashMap<&str, &String> = left
            .iter()
            .map(|message| (message.id.as_str(), &message.receipt))
            .collect();
        let settled = verdicts
            .into_iter()
            .filter_map(|verdict| {
                let receipt = *receipts.get(verdict.id.as_str())?;
                Some((receipt.clone(), verdict.action))
            })
            .collect();
        self.settle(settled).await;
        Ok(())
    }

    /// Calls the function, unless that would be one more round of a loop.
    async fn invoke(&self, event: String, batch: &[&Message]) -> TriggerOutcome {
        let extra = batch.iter().flat_map(|message| &message.extra);
        let function = self.trigger.function();
        let Some(invocation) = caused(&self.lambda, function, event, extra) else {
            return TriggerOutcome::Unavailable("it calls itself in a loop".to_owned());
        };
        translate(self.lambda.invoke(function, invocation).await, function)
    }

    async fn settle(&self, verdicts: Vec<(String, Action)>) {
        if let Err(error) = self.messages.settle(verdicts).await {
            tracing::error!(
                "{}: messages whose batch is over come back when their leases end: {error}",
                self.trigger.name()
            );
        }
    }
}
