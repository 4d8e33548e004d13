//! Accepts events: an event that was accepted is in the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lambkin_model::Invocation;
use lambkin_store::{Store, StoreError};
use tokio::sync::{OnceCell, watch};

use super::config::AsynchronousConfig;
use super::event::Event;
use crate::function::Function;
use crate::time::now_ms;

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

    /// Commits what is under way and closes the store.
    pub(crate) async fn close(&self) {
        if let Some(store) = self.0.store.get() {
            store.close().await;
        }
    }

    pub(super) fn config(&self) -> &AsynchronousConfig {
        &self.0.config
    }

    /// The store, once there is a reason to open it.
    pub(super) async fn opened(&self) -> Store {
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
