//! The delivery of a bucket's changes to its triggers.
//!
//! Each change is delivered to all triggers of the bucket, oldest change first: those of `lambkin.toml`, and those that
//! the bucket has of its own ([`own_triggers`](crate::own_triggers)); a change that is tried again does not
//! hold up later ones. What a trigger's plugin shapes for a function becomes an asynchronous invocation, which is
//! stored and retried as on AWS; for a queue it becomes a message. Only then is the change removed from the store, so a
//! change is delivered at least once, even if the host is killed.
//!
//! On failure of one trigger, the change is delivered to that trigger again after [`REDELIVERY_PAUSE`]; within one run
//! of the host the other triggers do not receive it twice. After [`DELIVERY_ATTEMPTS`] it is dropped for that trigger,
//! which is logged. A change that would continue a loop of functions is dropped, too. While the store cannot be written
//! to, all deliveries wait.

use std::collections::HashMap;

use bytes::Bytes;
use lambkin_lambda::{AcceptError, Lambda};
use lambkin_model::ObjectChange;
use lambkin_plugin::{FunctionReference, ObjectTrigger, QueueReference, Target};
use lambkin_store::StoreError;
use lambkin_store::object::{LeasedChange, ObjectError, Objects, TRIGGERS_CHANGED};
use lambkin_store::queue::{Entry, QueueError, Queues};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::invocation::{TRACE_HEADER, continue_trace};
use crate::limits::{DELIVERY_ATTEMPTS, REDELIVERY_PAUSE, STORE_PAUSE};
use crate::own_triggers::{OwnTriggerSetup, OwnTriggers};

/// What changes are delivered with.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// The buckets' changes are here.
    pub(crate) objects: Objects,
    /// Events for queues are sent here.
    pub(crate) queues: Queues,
    /// Events for functions are sent here.
    pub(crate) lambda: Lambda,
    /// What the buckets' own triggers are configured with.
    pub(crate) own: OwnTriggerSetup,
}

/// The triggers of one bucket.
#[derive(Debug)]
pub(crate) struct ObjectWatcher {
    bucket: String,
    /// The triggers of `lambkin.toml`.
    triggers: Vec<ObjectTrigger>,
    own_triggers: OwnTriggers,
    delivery: Delivery,
}

/// The progress of a change that has not been delivered to every trigger.
#[derive(Debug, Default)]
struct Progress {
    /// The number of failed attempts.
    attempts: u32,
    /// The names of the triggers that need no further delivery. Those of a bucket's own triggers contain a space.
    delivered: Vec<String>,
}

/// Why a change was not delivered to a trigger.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    /// The store cannot be written to.
    #[error(transparent)]
    Store(StoreError),
    /// The plugin, the event or the target failed.
    #[error("{0}")]
    Failed(String),
}

impl ObjectWatcher {
    /// A watcher of a bucket that has these triggers in `lambkin.toml`.
    pub(crate) fn new(bucket: &str, triggers: Vec<ObjectTrigger>, delivery: &Delivery) -> Self {
        Self {
            bucket: bucket.to_owned(),
            triggers,
            own_triggers: OwnTriggers::new(bucket, &delivery.objects, &delivery.own),
            delivery: delivery.clone(),
        }
    }

    /// Delivers changes until `stop` is cancelled. The next run of the host delivers the rest.
    pub(crate) async fn serve(mut self, stop: CancellationToken) {
        let mut unfinished = HashMap::new();
        // A lease lasts until the host ends, so a leased change is kept here until it has been delivered.
        let mut leased: Option<LeasedChange> = None;
        loop {
            let next = match leased.take() {
                Some(change) => Ok(change),
                None => tokio::select! {
                    () = stop.cancelled() => return,
                    next = self.delivery.objects.next_change(&self.bucket) => next,
                },
            };
            let delivered = match next {
                Ok(change) => {
                    let delivered = self.deliver(&change, &mut unfinished).await;
                    leased = delivered.is_err().then_some(change);
                    delivered
                }
                Err(error) => Err(error),
            };
            if let Err(error) = delivered {
                tracing::error!(
                    "bucket {}: cannot deliver changes; trying again in {STORE_PAUSE:?}: {error}",
                    self.bucket
                );
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(STORE_PAUSE) => {}
                }
            }
        }
    }

    /// Delivers a change to the triggers that have not received it. An error means that the store failed.
    async fn deliver(
        &mut self,
        leased: &LeasedChange,
        unfinished: &mut HashMap<String, Progress>,
    ) -> Result<(), ObjectError> {
        let change = &leased.change;
        let progress = unfinished.entry(change.id.clone()).or_default();
        let is_last_attempt = progress.attempts + 1 >= DELIVERY_ATTEMPTS;
        let own = self.own_triggers.current().await?;
        // What was changed is no business of the others.
        let others = match change.event.as_str() {
            TRIGGERS_CHANGED => &[],
            _ => self.triggers.as_slice(),
        };
        let mut is_delivered = true;
        for trigger in others.iter().chain(own) {
            let name = trigger.name();
            if progress.delivered.iter().any(|known| known == name) {
                continue;
            }
            match self.delivery.deliver_to(trigger, change).await {
                Ok(()) => progress.delivered.push(name.to_owned()),
                Err(DeliveryError::Store(error)) => return Err(error.into()),
                Err(DeliveryError::Failed(reason)) => {
                    report(trigger, change, is_last_attempt, &reason);
                    if is_last_attempt {
                        progress.delivered.push(name.to_owned());
                    } else {
                        is_delivered = false;
                    }
                }
            }
        }
        let objects = &self.delivery.objects;
        if !is_delivered {
            let after = REDELIVERY_PAUSE.as_millis() as u64;
            objects.retry_change(leased, after).await?;
            progress.attempts += 1;
            return Ok(());
        }
        objects.ack_change(leased).await?;
        unfinished.remove(&change.id);
        Ok(())
    }
}

fn report(trigger: &ObjectTrigger, change: &ObjectChange, is_last: bool, reason: &str) {
    let (name, event) = (trigger.name(), &change.event);
    let object = format!("{}/{}", change.bucket, change.key);
    if is_last {
        tracing::error!(
            "{name}: could not deliver {event} of {object} in {DELIVERY_ATTEMPTS} attempts; dropped: {reason}"
        );
    } else {
        tracing::warn!(
            "{name}: could not deliver {event} of {object}; trying again in {REDELIVERY_PAUSE:?}: {reason}"
        );
    }
}

impl Delivery {
    async fn deliver_to(
        &self,
        trigger: &ObjectTrigger,
        change: &ObjectChange,
    ) -> Result<(), DeliveryError> {
        let shaped = trigger.shape(change).await;
        let Some(event) = shaped.map_err(|error| DeliveryError::Failed(error.to_string()))? else {
            return Ok(());
        };
        match trigger.target() {
            Target::Function(FunctionReference { name: function, .. }) => {
                let extra = change.extra.iter();
                let Some(invocation) = continue_trace(&self.lambda, function, event, extra) else {
                    return Ok(());
                };
                let accepted = self.lambda.accept_named(function, invocation).await;
                accepted.map_err(|error| match error {
                    AcceptError::Store(error) => DeliveryError::Store(error),
                    error => DeliveryError::Failed(error.to_string()),
                })
            }
            Target::Queue(QueueReference { name: queue, .. }) => {
                let extra = change.extra.iter();
                let entry = Entry {
                    body: Bytes::from(event),
                    extra: extra
                        .filter(|(key, _)| key == TRACE_HEADER)
                        .cloned()
                        .collect(),
                    ..Entry::default()
                };
                let sent = self.queues.send(queue, vec![entry]).await;
                sent.map(drop).map_err(|error| match error {
                    QueueError::Store(error) => DeliveryError::Store(error),
                    error => DeliveryError::Failed(format!("queue {queue}: {error}")),
                })
            }
        }
    }
}
