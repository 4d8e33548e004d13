//! Object triggers: the changes of a bucket, plugins that shape them into events, and who gets those.
//!
//! A change is told to each of the bucket's triggers, in the order the changes happened. An event for a function is an
//! asynchronous invocation, kept and retried as AWS does; an event for a queue is a message. Only then is the change
//! forgotten, so whatever happens to the host, it is told at least once.
//!
//! On failure: a trigger that could not be told is told again a little later, without the others hearing of the change
//! twice while this host runs. After [`TELL_ATTEMPTS`] the change is given up for that trigger, and the log says what it
//! was.

use std::collections::HashMap;

use bytes::Bytes;
use lambkin_http::StopSignal;
use lambkin_lambda::{Lambda, new_request_id, new_trace_id, now_ms};
use lambkin_model::{Invocation, ObjectChange};
use lambkin_plugin::{ObjectTrigger, Target};
use lambkin_store::object::{LeasedChange, ObjectError, Objects};
use lambkin_store::queue::{Entry, Queues};
use tokio::time::sleep;

use crate::limits::{PAUSES, TELL_AGAIN, TELL_ATTEMPTS};

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
    attempts: u32,
    /// Triggers that have heard of it, by their place.
    told: Vec<usize>,
}

impl ObjectWatcher {
    /// Tells changes until the signal comes. What is not told then is told by the next host.
    pub async fn serve(self, mut stop: StopSignal) {
        let mut unfinished = HashMap::new();
        loop {
            let next = tokio::select! {
                () = stop.stopped() => return,
                next = self.objects.next_change(&self.bucket) => next,
            };
            let told = match next {
                Ok(change) => self.tell(&change, &mut unfinished).await,
                Err(error) => Err(error),
            };
            if let Err(error) = told {
                tracing::error!("the changes of bucket {} wait: {error}", self.bucket);
                tokio::select! {
                    () = stop.stopped() => return,
                    () = sleep(PAUSES.1) => {}
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
        let mut state = unfinished.remove(&change.id).unwrap_or_default();
        state.attempts += 1;
        for (place, trigger) in self.triggers.iter().enumerate() {
            if state.told.contains(&place) {
                continue;
            }
            match self.tell_one(trigger, change).await {
                Ok(()) => state.told.push(place),
                Err(reason) if state.attempts >= TELL_ATTEMPTS => {
                    tracing::error!(
                        "{}: given up telling {} of {}/{}: {reason}",
                        trigger.name(),
                        change.event,
                        self.bucket,
                        change.key
                    );
                    state.told.push(place);
                }
                Err(reason) => tracing::warn!(
                    "{}: {} of {}/{} is told again in {TELL_AGAIN:?}: {reason}",
                    trigger.name(),
                    change.event,
                    self.bucket,
                    change.key
                ),
            }
        }
        if state.told.len() == self.triggers.len() {
            return self.objects.told(leased).await;
        }
        unfinished.insert(change.id.clone(), state);
        let after = TELL_AGAIN.as_millis() as u64;
        self.objects.tell_again(leased, after).await
    }

    /// The error is for the log.
    async fn tell_one(&self, trigger: &ObjectTrigger, change: &ObjectChange) -> Result<(), String> {
        let shaped = trigger.shape(change).await;
        let Some(event) = shaped.map_err(|error| error.to_string())? else {
            return Ok(());
        };
        match trigger.target() {
            Target::Function(function) => {
                let accepted = self.lambda.accept_named(function, invocation(event)).await;
                accepted.map_err(|error| error.to_string())
            }
            Target::Queue(queue) => {
                let entry = Entry {
                    body: Bytes::from(event),
                    ..Entry::default()
                };
                let sent = self.queues.send(queue, vec![entry]).await;
                sent.map(drop)
                    .map_err(|error| format!("queue {queue}: {error}"))
            }
        }
    }
}

fn invocation(event: String) -> Invocation {
    Invocation {
        request_id: new_request_id(),
        event: Bytes::from(event),
        qualifier: None,
        trace_id: new_trace_id(now_ms()),
        client_context: None,
        cognito_identity: None,
        tenant_id: None,
        wants_log_tail: false,
    }
}
