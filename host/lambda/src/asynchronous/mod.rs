//! Asynchronous invocation: events that were accepted run later, at least once, whatever happens to the host.
//!
//! Accepting an event means that the store has committed it. Each function has a queue of its own there and one
//! consumer here, which takes no more events than the function may have environments; all others wait in the store, not
//! in memory. AWS's rules decide when an event runs again and how it ends ([`schedule`]); the record of its end goes to
//! the function's destinations and dead-letter queue in the same commit that removes the event.
//!
//! The store is opened when there is something to resume or something to accept, not before.
//!
//! On failure: an event that can not be stored is refused, and the caller told why. One that was taken from the store and
//! not finished, because the host was stopped or killed, is free again when the next host starts.

mod config;
mod consumer;
mod event;
mod record;
mod schedule;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lambkin_model::Invocation;
use lambkin_store::{Store, StoreError};
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use config::{AsynchronousConfig, EventInvokeConfig, Target};
use consumer::Consumer;
use event::Event;

use crate::function::Function;
use crate::lambda::{Lambda, now_ms};

/// Accepts events and runs them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Asynchronous(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    config: AsynchronousConfig,
    store: OnceCell<Store>,
    /// Tells the consumers that the store is open.
    opened: watch::Sender<Option<Store>>,
}

/// Why an event was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// This host runs single invocations only.
    #[error("this host keeps no events: asynchronous invocation needs `lambkin serve`")]
    NoStore,
    /// There is no function of this name.
    #[error("there is no function {0:?}")]
    UnknownFunction(String),
    /// It could not be stored.
    #[error("the event was not accepted: {0}")]
    Store(#[from] StoreError),
}

impl Asynchronous {
    /// A service whose store is at this path, or will be.
    pub fn new(store: &Path, config: AsynchronousConfig) -> Self {
        Self(Arc::new(Shared {
            path: store.to_owned(),
            config,
            store: OnceCell::new(),
            opened: watch::Sender::new(None),
        }))
    }

    /// The same with a store that is open already, at this path.
    #[must_use]
    pub fn with_store(path: &Path, config: AsynchronousConfig, store: Store) -> Self {
        Self(Arc::new(Shared {
            path: path.to_owned(),
            config,
            opened: watch::Sender::new(Some(store.clone())),
            store: OnceCell::from(store),
        }))
    }

    /// Accepts an event: when this returns, it will run.
    pub(crate) async fn accept(
        &self,
        function: &Function,
        invocation: Invocation,
    ) -> Result<(), StoreError> {
        let store = self.store().await?;
        let now = now_ms();
        let message = Event::of(invocation).into_message(&function.spec.name, now);
        store.enqueue(message, now).await
    }

    /// Runs what was accepted, in former runs of the host too, until `stop` is cancelled; then lets what is under way
    /// finish. What waits stays in the store.
    pub async fn serve(self, lambda: Lambda, stop: CancellationToken) {
        let store = tokio::select! {
            () = stop.cancelled() => return,
            store = self.opened() => store,
        };
        if let Err(error) = name_orphans(&store, &lambda).await {
            tracing::error!("can not see what waits for functions that are gone: {error}");
        }
        let mut consumers = JoinSet::new();
        for function in lambda.functions() {
            let config = &self.0.config;
            let consumer =
                Consumer::new(Arc::clone(function), lambda.clone(), config, store.clone());
            consumers.spawn(consumer.run(stop.clone()));
        }
        while consumers.join_next().await.is_some() {}
    }

    /// Commits what is under way and closes the store.
    pub(crate) async fn close(&self) {
        if let Some(store) = self.0.store.get() {
            store.close().await;
        }
    }

    /// The store, once there is a reason to open it.
    async fn opened(&self) -> Store {
        if self.0.path.exists()
            && let Err(error) = self.store().await
        {
            tracing::error!(
                "asynchronous invocations that were accepted earlier wait, and new ones are refused: {error}"
            );
        }
        let mut opened = self.0.opened.subscribe();
        loop {
            if let Some(store) = opened.borrow_and_update().clone() {
                return store;
            }
            // The sender is a part of this service, so it is there.
            let _sender_is_there = opened.changed().await;
        }
    }

    /// Opens the store if it is not open. A failure is the caller's; the next caller tries again.
    async fn store(&self) -> Result<&Store, StoreError> {
        let open = || async {
            let store = Store::open(&self.0.path).await?;
            self.0.opened.send_replace(Some(store.clone()));
            Ok(store)
        };
        self.0.store.get_or_try_init(open).await
    }
}

/// Says once which events wait for functions that are not there any more.
async fn name_orphans(store: &Store, lambda: &Lambda) -> Result<(), StoreError> {
    for queue in store.statistics(now_ms()).await? {
        let Some(function) = event::function_of(&queue.queue) else {
            continue;
        };
        if lambda.function(function).is_none() {
            let waiting = queue.due + queue.delayed + queue.leased;
            tracing::warn!(
                "{waiting} accepted event(s) wait for the function {function:?}, which is not defined any more; \
                 they are kept in case it comes back"
            );
        }
    }
    Ok(())
}
