//! Where events go in and subscribers take them out.
//!
//! During the init phase everything is kept, so that an extension that subscribes late in it still gets what happened
//! before. After it only what somebody subscribed to is taken, which callers learn from [`Telemetry::wants`] at the
//! price of one load, before they word an event.
//!
//! Recording never waits. What does not fit is counted, and each subscriber is told what it misses.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::StatusCode;
use tokio::task::JoinSet;

use super::delivery;
use super::event::{Event, Kind};
use super::queue::{Dropped, Queue};
use super::subscription::Subscription;
use crate::limits::TELEMETRY_REPLAY_BYTES;
use crate::runtime_api::error::ApiError;

/// The telemetry of one life of an environment. When it is dropped, delivery ends.
#[derive(Debug)]
pub(crate) struct Telemetry {
    own_port: u16,
    /// A bit for each kind of event that anybody could want.
    wanted: AtomicU8,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What has happened, while it is still possible to subscribe.
    replay: Option<Replay>,
    subscribers: Vec<Subscriber>,
    deliveries: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Replay {
    events: Vec<Event>,
    bytes: usize,
    /// What did not fit, of whatever kind.
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
    /// Begins to record. `own_port` is where the life's APIs are, which no subscriber can listen on.
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

    /// Whether events of this kind are of use to anybody.
    pub(crate) fn wants(&self, kind: Kind) -> bool {
        self.wanted.load(Ordering::Acquire) & bit(kind) != 0
    }

    /// Takes an event.
    pub(crate) fn record(&self, event: Event) {
        if !self.wants(event.kind) {
            return;
        }
        let mut state = self.lock();
        for subscriber in &state.subscribers {
            subscriber.offer(&event);
        }
        if let Some(replay) = &mut state.replay {
            replay.keep(event);
        }
    }

    /// Begins to deliver to an extension, first of all what has happened so far.
    pub(crate) fn subscribe(
        &self,
        extension: &str,
        subscription: Subscription,
    ) -> Result<(), ApiError> {
        let mut state = self.lock();
        let Some(replay) = &state.replay else {
            return Err(subscription.api.closed());
        };
        if let Some(first) = state.subscribers.first()
            && first.subscription.api != subscription.api
        {
            let message = format!(
                "the extension {} has subscribed by the {}; a function can not use the {} as well",
                first.extension,
                first.subscription.api.name(),
                subscription.api.name()
            );
            return Err(subscription.api.invalid(message));
        }
        if state
            .subscribers
            .iter()
            .any(|one| one.extension == extension)
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
            subscriber.offer(event);
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

    /// The init phase is over: from here on only what was subscribed to is recorded.
    pub(crate) fn close_subscriptions(&self) {
        let mut state = self.lock();
        state.replay = None;
        let kinds = state.subscribers.iter();
        let kinds = kinds.flat_map(|one| &one.subscription.types);
        let wanted = kinds.fold(0, |wanted, kind| wanted | bit(*kind));
        self.wanted.store(wanted, Ordering::Release);
    }

    /// The end: delivers what is left as fast as the subscribers take it, and returns when they have it all, or at
    /// `until`. Events recorded later are delivered at once.
    pub(crate) async fn flush(&self, until: Instant) {
        let queues: Vec<Arc<Queue>> = {
            let state = self.lock();
            let queues = state.subscribers.iter().map(|one| &one.queue);
            queues.map(Arc::clone).collect()
        };
        for queue in &queues {
            queue.hurry();
        }
        let all_settled = async {
            for queue in &queues {
                queue.settled().await;
            }
        };
        let _time_is_up = tokio::time::timeout_at(until.into(), all_settled).await;
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
    fn offer(&self, event: &Event) {
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
        "the extension {extension} has subscribed already; one subscription takes all types"
    );
    ApiError {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        error_type: "InternalServerError",
        message: message.into(),
    }
}
