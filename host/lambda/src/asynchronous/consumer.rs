//! Runs one function's events.
//!
//! A consumer takes from the store what is due, as much as the function may have environments, and never more. It sleeps
//! until the bell of its queue rings, the next event is due, or one of its runs has ended.
//!
//! On failure: when the store can not be written, an event that has ended is kept and its end noted again and again until
//! it succeeds. If the host ends before that, the event runs once more after the next start.

use std::sync::Arc;
use std::time::Duration;

use lambkin_model::{Attribute, InvokeError};
use lambkin_store::queue::Entry;
use lambkin_store::{FollowUp, Message, Receipt, Store, StoreError};
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

/// The consumer of a function's queue.
#[derive(Debug)]
pub(crate) struct Consumer {
    /// In its version `$LATEST`; an event may be for another one.
    function: Arc<Function>,
    lambda: Lambda,
    config: EventInvokeConfig,
    schedule: Schedule,
    store: Store,
    queue: String,
}

/// What is to be written down about an event.
enum Note {
    Again { not_before: u64, errors: u32 },
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
        let time_scale = config.time_scale;
        let config = config
            .functions
            .get(&spec.name)
            .cloned()
            .unwrap_or_default();
        Self {
            schedule: Schedule::new(&config, spec.concurrency, time_scale),
            queue: queue_of(&spec.name),
            config,
            store,
            lambda,
            function,
        }
    }

    /// Runs until `stop` is cancelled, then lets the events under way finish.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let consumer = Arc::new(self);
        let notifier = consumer.store.notifier(&consumer.queue);
        // With a concurrency of 0 there is nothing to run, but something to end.
        let limit = consumer.function.spec().concurrency.max(1);
        let mut running = JoinSet::new();
        tokio::select! {
            () = stop.cancelled() => return,
            () = consumer.free_what_a_former_host_held() => {}
        }
        loop {
            while running.try_join_next().is_some() {}
            let mut sleep = Duration::MAX;
            if running.len() < limit {
                sleep = consumer.take(limit - running.len(), &mut running).await;
            }
            let waits = running.len() < limit;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = woken(&notifier, sleep), if waits => {}
                Some(_) = running.join_next() => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// There is one host per store, so every lease is a former one's.
    async fn free_what_a_former_host_held(&self) {
        while let Err(error) = self.store.end_leases(&self.queue, now_ms()).await {
            if !self.pause("resume the events", &error).await {
                return;
            }
        }
    }

    /// Starts up to `most` events that are due; returns how long nothing will be.
    async fn take(self: &Arc<Self>, most: usize, running: &mut JoinSet<()>) -> Duration {
        let now = now_ms();
        let until = now.saturating_add(EVENT_LEASE.as_millis() as u64);
        let leased = match self.store.lease(&self.queue, now, until, most).await {
            Ok(leased) => leased,
            Err(error) => {
                let try_again = self.pause("take events", &error).await;
                return if try_again {
                    Duration::ZERO
                } else {
                    Duration::MAX
                };
            }
        };
        for message in leased.messages {
            running.spawn(Arc::clone(self).process(message));
        }
        match leased.next_due {
            Some(due) => Duration::from_millis(due.saturating_sub(now_ms())).min(LONGEST_SLEEP),
            None => Duration::MAX,
        }
    }

    async fn process(self: Arc<Self>, message: Message) {
        let receipt = message.receipt();
        let progress = Progress {
            accepted_at: message.sent_at,
            receives: message.receives,
            errors: message.attempts,
        };
        let event = Event::from_message(message);
        let note = match self.schedule.before_run(progress, now_ms()) {
            Some(condition) => {
                let invoke_count = progress.receives.saturating_sub(1);
                self.end(&event, condition, invoke_count, None)
            }
            None => self.invoke(&event, progress).await,
        };
        self.write_down(receipt, note).await;
    }

    async fn invoke(&self, event: &Event, progress: Progress) -> Note {
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
            Next::Again { not_before, errors } => Note::Again { not_before, errors },
            Next::End(condition) => self.end(event, condition, progress.receives, response),
        }
    }

    /// What the end of an event sends: records to destinations, the event itself to the dead-letter queue.
    fn end(
        &self,
        event: &Event,
        condition: Condition,
        invoke_count: u32,
        response: Option<Response>,
    ) -> Note {
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
                "function {}: the event of request {} is given up after {invoke_count} attempt(s), {}; \
                 with `on-failure` or `dead-letter` it would be kept",
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
            messages.extend(self.addressed(target, event, record, Vec::new(), now));
        }
        if let Some(target) = dead_letter {
            let attributes = record::dead_letter_attributes(event, &end);
            let payload = event.payload.to_vec();
            messages.extend(self.addressed(target, event, payload, attributes, now));
        }
        Note::End(messages)
    }

    async fn write_down(&self, receipt: Receipt, note: Note) {
        loop {
            let written = match &note {
                Note::Again { not_before, errors } => {
                    self.store.reschedule(receipt, *not_before, *errors).await
                }
                Note::End(messages) => {
                    self.store
                        .complete(receipt, messages.clone(), now_ms())
                        .await
                }
            };
            match written {
                Ok(_) => return,
                Err(error) if self.pause("note what became of an event", &error).await => {}
                Err(_) => return,
            }
        }
    }

    /// After a failure of the store: says so and waits. `false` if the store is closed and there is no use in waiting.
    async fn pause(&self, attempt: &str, error: &StoreError) -> bool {
        if matches!(error, StoreError::Closed { .. }) {
            return false;
        }
        let name = &self.function.spec().name;
        tracing::error!("function {name}: can not {attempt}, trying again: {error}");
        tokio::time::sleep(STORE_RETRY_PAUSE).await;
        true
    }

    /// A message for a target. A function takes the body as its event; attributes are for queues. A chain of functions
    /// that call each other without end is cut, as AWS cuts it: then there is none.
    fn addressed(
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

/// Returns when the bell rings or the time is up.
async fn woken(notifier: &Notify, sleep: Duration) {
    tokio::select! {
        () = notifier.notified() => {}
        () = tokio::time::sleep(sleep) => {}
    }
}
