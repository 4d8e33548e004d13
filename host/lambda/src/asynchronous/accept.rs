//! Accepts events: an accepted event is in the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lambkin_model::Invocation;
use lambkin_store::{EventQueues, Store, StoreError};
use tokio::sync::{OnceCell, watch};

use super::config::AsynchronousConfig;
use super::event::Event;
use crate::function::Function;
use crate::time::now_ms;

/// Accepts events and, while [`Asynchronous::serve`] runs, runs them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Asynchronous(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    config: AsynchronousConfig,
    store: OnceCell<Store>,
    /// The store once it is open, for [`Asynchronous::opened`].
    opened: watch::Sender<Option<Store>>,
}

/// Why an event was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The host has no store, because it runs a single invocation.
    #[error(
        "asynchronous invocation is not available: this command has no store for events; use `lambkin serve`"
    )]
    NoStore,
    /// There is no function of this name.
    #[error("there is no function {0:?}")]
    UnknownFunction(String),
    /// The event could not be stored.
    #[error("the event could not be stored: {0}")]
    Store(#[from] StoreError),
}

impl Asynchronous {
    /// Asynchronous invocation with a store at this path, which is created when the first event is accepted.
    pub fn new(store: &Path, config: AsynchronousConfig) -> Self {
        Self(Arc::new(Shared {
            path: store.to_owned(),
            config,
            store: OnceCell::new(),
            opened: watch::Sender::new(None),
        }))
    }

    /// Asynchronous invocation with a store that is already open; `path` is the path of its file.
    #[must_use]
    pub fn with_store(path: &Path, config: AsynchronousConfig, store: Store) -> Self {
        Self(Arc::new(Shared {
            path: path.to_owned(),
            config,
            opened: watch::Sender::new(Some(store.clone())),
            store: OnceCell::from(store),
        }))
    }

    /// Accepts an event. When this returns `Ok`, the event is stored and will run.
    pub(crate) async fn accept(
        &self,
        function: &Function,
        invocation: Invocation,
    ) -> Result<(), StoreError> {
        let store = self.store().await?;
        let now = now_ms();
        let message = Event::new(invocation).into_message(&function.spec.name, now);
        EventQueues::new(store.clone()).enqueue(message, now).await
    }

    /// Commits all pending writes and closes the store.
    pub(crate) async fn close(&self) {
        if let Some(store) = self.0.store.get() {
            store.close().await;
        }
    }

    pub(super) fn config(&self) -> &AsynchronousConfig {
        &self.0.config
    }

    /// Waits until the store is open. Opens it at once if its file exists.
    pub(super) async fn opened(&self) -> Store {
        if self.0.path.exists()
            && let Err(error) = self.store().await
        {
            tracing::error!(
                "the store of asynchronous events cannot be opened: {error}; accepted events wait and new ones are \
                 refused until it can be"
            );
        }
        let mut opened = self.0.opened.subscribe();
        loop {
            if let Some(store) = opened.borrow_and_update().clone() {
                return store;
            }
            let _ = opened.changed().await; // the sender lives as long as `self`
        }
    }

    /// Opens the store if it is not open. After an error, the next call tries again.
    async fn store(&self) -> Result<&Store, StoreError> {
        let open = || async {
            let store = Store::open(&self.0.path).await?;
            self.0.opened.send_replace(Some(store.clone()));
            Ok(store)
        };
        self.0.store.get_or_try_init(open).await
    }
}
