//! Object triggers: the changes of a bucket, plugins that shape them into events, and who gets those.
//!
//! A change is told to each of the bucket's triggers, in the order the changes happened. An event for a function is an
//! asynchronous invocation, kept and retried as AWS does; an event for a queue is a message. Only then is the change
//! forgotten, so whatever happens to the host, it is told at least once.
//!
//! On failure: a trigger that could not be told is told again a little later, without the others hearing of the change
//! twice while this host runs. After [`TELL_ATTEMPTS`] the change is given up for that trigger, and the log says what it
//! was. A change that a function made which is called in a loop is not told to it any more. A store that can not write is
//! nobody's fault: everything waits until it can.

use std::collections::HashMap;

use bytes::Bytes;
use lambkin_lambda::{AcceptError, Lambda};
use lambkin_model::ObjectChange;
use lambkin_plugin::{ObjectTrigger, Target};
use lambkin_store::StoreError;
use lambkin_store::object::{LeasedChange, ObjectError, Objects};
use lambkin_store::queue::{Entry, QueueError, Queues};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::invocation::caused;
use crate::limits::{STORE_PAUSE, TELL_AGAIN, TELL_ATTEMPTS};

/// A bucket and its triggers, ready to be told.
#[derive(Debug)]
pub struct ObjectWatcher {
    /// The bucket's name.
    pub bucket: String,
    /// The configured plugins.
    pub triggers: Vec<ObjectTrigger>,
    /// Where the changes are.
    pub objects: Objects,
    /// Where events for queues go.
    pub queues: Queues,
    /// Where events for functions go.
    pub lambda: Lambda,
}

/// A change that could not be told to every trigger yet.
#[derive(Debug, Default)]
struct Unfinished {
    /// Those that failed.
    attempts: u32,
    /// Triggers that have heard of it, by their place.
    told: Vec<usize>,
}

/// Why a trigger was not told.
#[derive(Debug)]
enum Untold {
    /// The store can not write.
    Store(StoreError),
    /// The change, its event or its target is at fault; in words for the log.
    Failed(String),
}

impl ObjectWatcher {
    /// Tells changes until `stop` is cancelled. What is not told then is told by the next host.
    pub async fn serve(self, stop: CancellationToken) {
        let mut unfinished = HashMap::new();
        // Its lease lasts as long as the host, so it is not let go before it was told.
        let mut held: Option<LeasedChange> = None;
        loop {
            let next = match held.take() {
                Some(change) => Ok(change),
                None => tokio::select! {
                    () = stop.cancelled() => return,
                    next = self.objects.next_change(&self.bucket) => next,
                },
            };
            let told = match next {
                Ok(change) => {
                    let told = self.tell(&change, &mut unfinished).await;
                    held = told.is_err().then_some(change);
                    told
                }
                Err(error) => Err(error),
            };
            if let Err(error) = told {
                tracing::error!("the changes of bucket {} wait: {error}", self.bucket);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(STORE_PAUSE) => {}
                }
            }
        }
    }

    async fn tell(
        &self,
        leased: &LeasedChange,
        unfinished: &mut HashMap<String, Unfinished>,
    ) -> Result<(), ObjectError> {
        let change = &leased.change;
        let state = unfinished.entry(change.id.clone()).or_default();
        let is_last = state.attempts + 1 >= TELL_ATTEMPTS;
        for (place, trigger) in self.triggers.iter().enumerate() {
            if state.told.contains(&place) {
                continue;
            }
            match self.tell_one(trigger, change).await {
                Ok(()) => state.told.push(place),
                Err(Untold::Store(error)) => return Err(error.into()),
                Err(Untold::Failed(reason)) => {
                    self.complain(trigger, change, is_last, &reason);
                    if is_last {
                        state.told.push(place);
                    }
                }
            }
        }
        if state.told.len() < self.triggers.len() {
            let after = TELL_AGAIN.as_millis() as u64;
            self.objects.tell_again(leased, after).await?;
            state.attempts += 1;
            return Ok(());
        }
        self.objects.told(leased).await?;
        unfinished.remove(&change.id);
        Ok(())
    }

    fn complain(&self, trigger: &ObjectTrigger, change: &ObjectChange, is_last: bool, why: &str) {
        let (name, event) = (trigger.name(), &change.event);
        let object = format!("{}/{}", self.bucket, change.key);
        if is_last {
            tracing::error!("{name}: given up telling {event} of {object}: {why}");
        } else {
            tracing::warn!("{name}: {event} of {object} is told again in {TELL_AGAIN:?}: {why}");
        }
    }

    async fn tell_one(&self, trigger: &ObjectTrigger, change: &ObjectChange) -> Result<(), Untold> {
        let shaped = trigger.shape(change).await;
        let Some(event) = shaped.map_err(|error| Untold::Failed(error.to_string()))? else {
            return Ok(());
        };
        match trigger.target() {
            Target::Function(function) => {
                let extra = change.extra.iter();
                let Some(invocation) = caused(&self.lambda, function, event, extra) else {
                    return Ok(());
                };
                let accepted = self.lambda.accept_named(function, invocation).await;
                accepted.map_err(|error| match error {
                    AcceptError::Store(error) => Untold::Store(error),
                    error => Untold::Failed(error.to_string()),
                })
            }
            Target::Queue(queue) => {
                let entry = Entry {
                    body: Bytes::from(event),
                    ..Entry::default()
                };
                let sent = self.queues.send(queue, vec![entry]).await;
                sent.map(drop).map_err(|error| match error {
                    QueueError::Store(error) => Untold::Store(error),
                    error => Untold::Failed(format!("queue {queue}: {error}")),
                })
            }
        }
    }
}
