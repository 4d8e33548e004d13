//! Distributing events to their subscribers.
//!
//! During the init phase all events are kept, so that an extension that subscribes late still gets the earlier ones.
//! Afterwards only events with a subscriber are recorded. [`Telemetry::wants`] is a single atomic load, so callers
//! check it before they build an event.
//!
//! Recording never waits. Events that do not fit are counted, and each subscriber gets a report of those it misses.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::StatusCode;
use tokio::task::JoinSet;

use super::delivery;
use super::event::{Event, Kind};
use super::queue::{Dropped, Queue};
use super::subscription::Subscription;
use crate::api_error::ApiError;
use crate::limits::TELEMETRY_REPLAY_BYTES;

/// The telemetry of one sandbox. Delivery ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Telemetry {
    own_port: u16,
    /// A bit for each kind of event that has, or may still get, a subscriber.
    wanted: AtomicU8,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The events so far; present while extensions may still subscribe.
    replay: Option<Replay>,
    subscribers: Vec<Subscriber>,
    deliveries: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Replay {
    events: Vec<Event>,
    bytes: usize,
    /// The events that did not fit, of any kind.
    dropped: Dropped,
}

#[derive(Debug)]
struct Subscriber {
    extension: String,
    subscription: Subscription,
    queue: Arc<Queue>,
}

const ALL_KINDS: u8 = bit(Kind::Platform) | bit(Kind::Function) | bit(Kind::Extension);

impl Telemetry {
    /// Starts to record. `own_port` is the port of the sandbox's APIs, which no subscriber can listen on.
    pub(crate) fn new(own_port: u16) -> Arc<Self> {
        Arc::new(Self {
            own_port,
            wanted: AtomicU8::new(ALL_KINDS),
            state: Mutex::new(State {
                replay: Some(Replay::default()),
                subscribers: Vec::new(),
                deliveries: JoinSet::new(),
            }),
        })
    }

    pub(crate) fn own_port(&self) -> u16 {
        self.own_port
    }

    /// Whether events of this kind have, or may still get, a subscriber.
    pub(crate) fn wants(&self, kind: Kind) -> bool {
        self.wanted.load(Ordering::Acquire) & bit(kind) != 0
    }

    /// Adds an event.
    pub(crate) fn record(&self, event: Event) {
        if !self.wants(event.kind) {
            return;
        }
        let mut state = self.lock();
        for subscriber in &state.subscribers {
            subscriber.push(&event);
        }
        if let Some(replay) = &mut state.replay {
            replay.keep(event);
        }
    }

    /// Starts delivery to an extension, beginning with the events so far.
    pub(crate) fn subscribe(
        &self,
        extension: &str,
        subscription: Subscription,
    ) -> Result<(), ApiError> {
        let mut state = self.lock();
        let Some(replay) = &state.replay else {
            return Err(subscription.api.closed_error());
        };
        if let Some(first) = state.subscribers.first()
            && first.subscription.api != subscription.api
        {
            let message = format!(
                "the extension {} has subscribed through the {}; a function cannot use the {} as well",
                first.extension,
                first.subscription.api.name(),
                subscription.api.name()
            );
            return Err(subscription.api.validation_error(message));
        }
        if state
            .subscribers
            .iter()
            .any(|subscriber| subscriber.extension == extension)
        {
            return Err(subscribed_twice(extension));
        }
        let subscriber = Subscriber {
            extension: extension.to_owned(),
            queue: Arc::new(Queue::new(subscription.buffering)),
            subscription,
        };
        subscriber.queue.count_dropped(replay.dropped);
        for event in &replay.events {
            subscriber.push(event);
        }
        let delivery = delivery::deliver(
            subscriber.extension.clone(),
            Arc::clone(&subscriber.queue),
            subscriber.subscription.destination.clone(),
        );
        state.deliveries.spawn(delivery);
        state.subscribers.push(subscriber);
        Ok(())
    }

    /// The init phase is over: refuses later subscriptions and records only events with a subscriber.
    pub(crate) fn close_subscriptions(&self) {
        let mut state = self.lock();
        state.replay = None;
        let wanted = state
            .subscribers
            .iter()
            .flat_map(|subscriber| &subscriber.subscription.types)
            .fold(0, |wanted, kind| wanted | bit(*kind));
        self.wanted.store(wanted, Ordering::Release);
    }

    /// Delivers the remaining events without waiting for full batches; returns when all have been delivered, or at
    /// `until`. Events that are recorded later are delivered at once.
    pub(crate) async fn flush(&self, until: Instant) {
        let queues: Vec<Arc<Queue>> = {
            let state = self.lock();
            let subscribers = state.subscribers.iter();
            subscribers
                .map(|subscriber| Arc::clone(&subscriber.queue))
                .collect()
        };
        for queue in &queues {
            queue.set_urgent();
        }
        let all_drained = async {
            for queue in &queues {
                queue.drained().await;
            }
        };
        let _ = tokio::time::timeout_at(until.into(), all_drained).await; // returns after either
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replay {
    fn keep(&mut self, event: Event) {
        if self.bytes + event.json.len() > TELEMETRY_REPLAY_BYTES {
            return self.dropped.count(&event.json);
        }
        self.bytes += event.json.len();
        self.events.push(event);
    }
}

impl Subscriber {
    fn push(&self, event: &Event) {
        if self.subscription.wants(event) {
            self.queue.push(event.json.clone());
        }
    }
}

const fn bit(kind: Kind) -> u8 {
    1 << kind as u8
}

fn subscribed_twice(extension: &str) -> ApiError {
    let message = format!(
        "the extension {extension} has subscribed already; one subscription can contain all types"
    );
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalServerError",
        message,
    )
}
