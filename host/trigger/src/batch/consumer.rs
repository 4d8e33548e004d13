//! Consuming messages: batches, a plugin that shapes them into events, and the function that handles them.
//!
//! The consumer gathers batches as the plugin's settings say and processes several at the same time. The plugin decides
//! what becomes of each message after the function has run; the consumer applies that.
//!
//! When the consumer stops, it gives back the messages that it has gathered and not yet processed.
//!
//! On failure (of the plugin, the store or the whole host) a message without an applied verdict is received again when
//! its lease ends, so a message is processed at least once.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use lambkin_lambda::{Lambda, now_ms};
use lambkin_model::{Action, Message, Settlement};
use lambkin_plugin::{BatchTrigger, Ending, PluginError, ShapedBatch, TriggerOutcome};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::gatherer::Gatherer;
use super::source::{self, MessageSource, ReceiptAction};
use crate::invocation::continue_trace;
use crate::limits::{DEFAULT_CONCURRENCY, LEASE_RENEWAL, RENEWED_LEASE_MS};
use crate::outcome::to_ending;

/// The consumer of one batch trigger.
#[derive(Debug)]
pub struct BatchConsumer<S> {
    /// The configured plugin.
    pub trigger: BatchTrigger,
    /// Where the messages come from.
    pub source: S,
    /// The functions, among them the trigger's.
    pub lambda: Lambda,
}

impl<S: MessageSource> BatchConsumer<S> {
    /// Consumes until `stop` is cancelled, then waits for the batches under way.
    pub async fn serve(self, stop: CancellationToken) {
        let concurrency = self.concurrency();
        let consumer = Arc::new(self);
        let mut gatherer = Gatherer::new(consumer.trigger.name(), consumer.trigger.batching());
        let mut running = JoinSet::new();
        loop {
            while running.try_join_next().is_some() {}
            if running.len() >= concurrency {
                tokio::select! {
                    () = stop.cancelled() => break,
                    _ = running.join_next() => continue,
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                batch = gatherer.next(&consumer.source) => {
                    running.spawn(Arc::clone(&consumer).process(batch));
                }
            }
        }
        gatherer.give_back(&consumer.source).await;
        while running.join_next().await.is_some() {}
    }

    /// The maximum number of batches at the same time. It never exceeds the function's concurrency: further batches
    /// would only wait for the function while their leases run out.
    fn concurrency(&self) -> usize {
        let wanted = self.trigger.batching().max_concurrency;
        let function = self.lambda.function(&self.trigger.function().name);
        let max = function.map_or(usize::MAX, |function| function.spec().concurrency);
        let source = self.source.max_concurrency().unwrap_or(usize::MAX);
        wanted
            .unwrap_or(DEFAULT_CONCURRENCY)
            .min(max)
            .min(source)
            .max(1)
    }

    async fn process(self: Arc<Self>, batch: Vec<Message>) {
        if let Err(error) = self.try_process(&batch).await {
            tracing::error!(
                "{}: could not process {} message(s); they are received again when their leases end: {error}",
                self.trigger.name(),
                batch.len()
            );
        }
    }

    async fn try_process(&self, batch: &[Message]) -> Result<(), PluginError> {
        let ShapedBatch {
            event,
            skipped,
            token,
        } = self.trigger.shape(batch).await?;
        let skipped: HashSet<&str> = skipped.iter().map(String::as_str).collect();
        let (done, left): (Vec<_>, Vec<_>) = batch
            .iter()
            .partition(|message| skipped.contains(message.id.as_str()));
        let done = done
            .into_iter()
            .map(|message| (message.receipt.clone(), Action::Ack));
        self.apply(done.collect()).await;
        let Some(event) = event else {
            return Ok(());
        };
        let outcome = self.invoke(event, &left).await;
        if outcome.ending == Ending::Throttled {
            tracing::warn!(
                "{}: function {} is throttled; {} message(s) were not processed",
                self.trigger.name(),
                self.trigger.function().name,
                left.len()
            );
        }
        let ids: Vec<&str> = left.iter().map(|message| message.id.as_str()).collect();
        let Settlement { otherwise, but } = self.trigger.settle(&token, &ids, &outcome).await?;
        let mut but: HashMap<String, Action> = but
            .into_iter()
            .map(|verdict| (verdict.id, verdict.action))
            .collect();
        let actions = left.into_iter().map(|message| {
            let action = but.remove(&message.id);
            let action = action.unwrap_or_else(|| otherwise.clone());
            (message.receipt.clone(), action)
        });
        self.apply(actions.collect()).await;
        Ok(())
    }

    /// Invokes the function, unless that would continue a loop.
    async fn invoke(&self, event: String, batch: &[&Message]) -> TriggerOutcome {
        let extra = batch.iter().flat_map(|message| &message.extra);
        let function = &self.trigger.function().name;
        let ending = match continue_trace(&self.lambda, function, event, extra) {
            Some(invocation) => {
                let invoked = self.lambda.invoke(function, invocation);
                let outcome = tokio::select! {
                    outcome = invoked => outcome,
                    never = self.keep_leases(function, batch) => match never {},
                };
                to_ending(outcome, function)
            }
            None => Ending::Unavailable("it calls itself in a loop".to_owned()),
        };
        TriggerOutcome {
            ending,
            at_ms: now_ms(),
            cached: false,
        }
    }

    /// Renews the leases of a batch from the moment on that the function's clock is paused: a message that is being debugged
    /// is not received again, and neither is one whose function goes on after that.
    async fn keep_leases(&self, function: &str, batch: &[&Message]) -> Infallible {
        let function = self.lambda.function(function);
        let function = function.filter(|function| function.spec().debug.is_some());
        let Some(function) = function.filter(|_| self.source.can_renew_leases()) else {
            return std::future::pending().await;
        };
        let mut was_paused = false;
        loop {
            tokio::time::sleep(LEASE_RENEWAL).await;
            was_paused |= function.clock().is_paused();
            if was_paused {
                let renewal = Action::Retry(Some(RENEWED_LEASE_MS));
                let leases = batch.iter();
                let leases = leases.map(|message| (message.receipt.clone(), renewal.clone()));
                self.apply(leases.collect()).await;
            }
        }
    }

    async fn apply(&self, verdicts: Vec<ReceiptAction>) {
        if let Err(error) = source::apply(&self.source, verdicts).await {
            tracing::error!(
                "{}: could not apply verdicts; the messages are received again when their leases end: {error}",
                self.trigger.name()
            );
        }
    }
}
