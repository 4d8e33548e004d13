//! Runs the events of one function.
//!
//! A consumer leases events that are due, at most as many as the function may have environments. It sleeps until its
//! queue is notified of a new event, the next event is due, or a running event has finished.
//!
//! On failure: if the result of a run cannot be written to the store, writing it is tried again until it succeeds. If
//! the host ends before that, the event runs once more after the next start.

use std::sync::Arc;
use std::time::Duration;

use lambkin_model::{Attribute, InvokeError};
use lambkin_store::queue::Entry;
use lambkin_store::{EventQueues, EventReceipt, FollowUp, QueuedEvent, Store, StoreError};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::config::{AsynchronousConfig, EventInvokeConfig, Target};
use super::event::{Event, queue_of};
use super::record::{self, End, Executed, Response};
use super::schedule::{Condition, Next, Progress, Schedule};
use crate::function::Function;
use crate::lambda::Lambda;
use crate::limits::{EVENT_LEASE, LONGEST_SLEEP, STORE_RETRY_PAUSE};
use crate::time::now_ms;

/// The consumer of one function's events.
#[derive(Debug)]
pub(crate) struct Consumer {
    /// The function's version `$LATEST`; an event may be for another version.
    function: Arc<Function>,
    lambda: Lambda,
    config: EventInvokeConfig,
    schedule: Schedule,
    queues: EventQueues,
    queue: String,
}

/// What is written to the store after a run.
enum Update {
    Retry { not_before: u64, errors: u32 },
    End(Vec<FollowUp>),
}

impl Consumer {
    pub(crate) fn new(
        function: Arc<Function>,
        lambda: Lambda,
        config: &AsynchronousConfig,
        store: Store,
    ) -> Self {
        let spec = function.spec();
        let configured = config.functions.get(&spec.name);
        let own = configured.cloned().unwrap_or_default();
        Self {
            schedule: Schedule::new(&own, spec.concurrency, config.time_scale),
            queue: queue_of(&spec.name),
            config: own,
            queues: EventQueues::new(store),
            lambda,
            function,
        }
    }

    /// Runs events until `stop` is cancelled. Then returns when the running events have finished.
    pub(crate) async fn consume(self, stop: CancellationToken) {
        let consumer = Arc::new(self);
        let notifier = consumer.queues.notifier(&consumer.queue);
        // With a concurrency of 0 no event runs, but each one is ended.
        let limit = consumer.function.spec().concurrency.max(1);
        let mut running = JoinSet::new();
        tokio::select! {
            () = stop.cancelled() => return,
            () = consumer.free_leases() => {}
        }
        loop {
            while running.try_join_next().is_some() {}
            let mut sleep = Duration::MAX;
            if running.len() < limit {
                sleep = consumer
                    .start_due(limit - running.len(), &mut running)
                    .await;
            }
            let has_capacity = running.len() < limit;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = wait(&notifier, sleep), if has_capacity => {}
                Some(_) = running.join_next() => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Ends all leases. There is one host per store, so they are those of an earlier host.
    async fn free_leases(&self) {
        while let Err(error) = self.queues.end_leases(&self.queue, now_ms()).await {
            if !self.pause("resume its events", &error).await {
                return;
            }
        }
    }

    /// Starts up to `max` events that are due. Returns the time until the next event is due.
    async fn start_due(self: &Arc<Self>, max: usize, running: &mut JoinSet<()>) -> Duration {
        let now = now_ms();
        let until = now.saturating_add(EVENT_LEASE.as_millis() as u64);
        let leased = match self.queues.lease(&self.queue, now, until, max).await {
            Ok(leased) => leased,
            Err(error) => {
                let try_again = self.pause("lease events", &error).await;
                return if try_again {
                    Duration::ZERO
                } else {
                    Duration::MAX
                };
            }
        };
        for message in leased.events {
            running.spawn(Arc::clone(self).process(message));
        }
        match leased.next_due {
            Some(due) => Duration::from_millis(due.saturating_sub(now_ms())).min(LONGEST_SLEEP),
            None => Duration::MAX,
        }
    }

    async fn process(self: Arc<Self>, message: QueuedEvent) {
        let receipt = message.receipt();
        let progress = Progress {
            accepted_at: message.sent_at,
            receives: message.receives,
            errors: message.attempts,
        };
        let event = Event::from_message(message);
        let update = match self.schedule.before_run(progress, now_ms()) {
            Some(condition) => {
                let invoke_count = progress.receives.saturating_sub(1);
                self.end(&event, condition, invoke_count, None)
            }
            None => self.invoke(&event, progress).await,
        };
        self.write(receipt, update).await;
    }

    async fn invoke(&self, event: &Event, progress: Progress) -> Update {
        let outcome = self
            .lambda
            .invoke(&self.function.spec().name, event.invocation())
            .await;
        let (next, response) = match outcome.result {
            Ok(payload) => {
                let response = Response {
                    payload,
                    failed: false,
                };
                (Next::End(Condition::Success), Some(response))
            }
            Err(InvokeError::Function(error)) => {
                let response = Response {
                    payload: error.payload,
                    failed: true,
                };
                (
                    self.schedule.after_error(progress, now_ms()),
                    Some(response),
                )
            }
            Err(
                InvokeError::Throttled | InvokeError::UnknownFunction | InvokeError::ShuttingDown,
            ) => (self.schedule.after_throttle(progress, now_ms()), None),
        };
        match next {
            Next::Retry { not_before, errors } => Update::Retry { not_before, errors },
            Next::End(condition) => self.end(event, condition, progress.receives, response),
        }
    }

    /// What the end of an event sends: a record to the destination, and the event itself to the dead-letter queue.
    fn end(
        &self,
        event: &Event,
        condition: Condition,
        invoke_count: u32,
        response: Option<Response>,
    ) -> Update {
        let now = now_ms();
        let spec = self.function.spec();
        let end = End {
            condition,
            invoke_count,
            response,
        };
        let (destination, dead_letter) = match condition {
            Condition::Success => (&self.config.on_success, &None),
            _ => (&self.config.on_failure, &self.config.dead_letter),
        };
        if condition != Condition::Success && destination.is_none() && dead_letter.is_none() {
            tracing::warn!(
                "function {}: the event of request {} is discarded after {invoke_count} attempt(s): {}; \
                 set `on-failure` or `dead-letter` to keep such events",
                spec.name,
                event.request_id,
                condition.as_str(),
            );
        }
        let mut messages = Vec::new();
        if let Some(target) = destination {
            let qualifier = event.qualifier.as_deref().unwrap_or(&spec.version);
            let version = self.lambda.version(&spec.name, qualifier);
            let executed = Executed {
                arn: &self.function.arn(Some(qualifier)),
                version: version.unwrap_or(qualifier),
            };
            let record = record::record(event, &end, executed, now);
            messages.extend(self.follow_up(target, event, record, Vec::new(), now));
        }
        if let Some(target) = dead_letter {
            let attributes = record::dead_letter_attributes(event, &end);
            let payload = event.payload.to_vec();
            messages.extend(self.follow_up(target, event, payload, attributes, now));
        }
        Update::End(messages)
    }

    async fn write(&self, receipt: EventReceipt, update: Update) {
        loop {
            let written = match &update {
                Update::Retry { not_before, errors } => {
                    self.queues.reschedule(receipt, *not_before, *errors).await
                }
                Update::End(messages) => {
                    self.queues
                        .complete(receipt, messages.clone(), now_ms())
                        .await
                }
            };
            match written {
                Ok(_) => return,
                Err(error) if self.pause("record the result of an event", &error).await => {}
                Err(_) => return,
            }
        }
    }

    /// Logs an error of the store and waits before the next attempt. Returns `false` if the store is closed.
    async fn pause(&self, attempt: &str, error: &StoreError) -> bool {
        if matches!(error, StoreError::Closed { .. }) {
            return false;
        }
        let name = &self.function.spec().name;
        tracing::error!(
            "function {name}: cannot {attempt}: {error}; trying again in {STORE_RETRY_PAUSE:?}"
        );
        tokio::time::sleep(STORE_RETRY_PAUSE).await;
        true
    }

    /// The message to a destination. A function gets the body as its event; only queues get the attributes. `None` if a
    /// recursive loop is detected, as on AWS.
    fn follow_up(
        &self,
        target: &Target,
        cause: &Event,
        body: Vec<u8>,
        attributes: Vec<Attribute>,
        now: u64,
    ) -> Option<FollowUp> {
        let (name, qualifier) = match target {
            Target::Function { name, qualifier } => (name, qualifier),
            Target::Queue(queue) => {
                return Some(FollowUp::Send {
                    queue: queue.clone(),
                    entry: Entry {
                        body: body.into(),
                        attributes,
                        ..Entry::default()
                    },
                });
            }
        };
        let mut event = Event::caused_by(cause, body, qualifier.clone());
        if !self.lambda.check_recursion(name, &mut event.trace_id) {
            return None;
        }
        Some(FollowUp::Enqueue(event.into_message(name, now)))
    }
}

/// Returns when the queue is notified or when the time has passed.
async fn wait(notifier: &Notify, sleep: Duration) {
    tokio::select! {
        () = notifier.notified() => {}
        () = tokio::time::sleep(sleep) => {}
    }
}
