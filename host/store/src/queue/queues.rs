//! The handle of all queues, and how an operation on them is run.

use std::sync::Arc;

use super::tx::{Abort, QueueTx, with_tx};
use super::types::QueueError;
use crate::clock::SharedClock;
use crate::store::Store;

/// All queues of a store, with the semantics of Amazon SQS. Cheap to clone.
///
/// Durations and times are in milliseconds, times since the Unix epoch and on the clock that was passed to
/// [`Queues::new`]. Names follow [`Queues::is_name`]. Each method that takes the name of a queue fails with
/// [`QueueError::Missing`] if there is no such queue, and with [`QueueError::Store`] if the store cannot be written.
///
/// | limit | value | SQS |
/// |---|---|---|
/// | messages of one receive | 10,000 | 10; a Lambda event source mapping: 10,000 |
/// | bytes of one receive | 16 MiB | – |
/// | leased messages of a queue | 120,000 | 120,000 (standard queue) |
/// | duration of a lease with all its extensions | 12 h | 12 h |
/// | deduplication of a sent message, and of a named receive | 5 min | 5 min |
/// | attributes that a service keeps with a queue | 64 KiB | – |
#[derive(Debug, Clone)]
pub struct Queues {
    pub(super) store: Store,
    pub(super) clock: SharedClock,
}

impl Queues {
    /// The queues of `store`. All handles to the queues of one store must have the same clock.
    pub fn new(store: Store, clock: SharedClock) -> Self {
        Self { store, clock }
    }

    /// A handle for operations that store something new.
    pub(super) fn growing(&self) -> Self {
        Self {
            store: self.store.growing(),
            clock: Arc::clone(&self.clock),
        }
    }

    /// Runs `work` in a transaction of the store's writer and returns its result once that is committed. `work` may
    /// be run more than once.
    pub(super) async fn transact<T, F>(&self, work: F) -> Result<T, QueueError>
    where
        T: Send + 'static,
        F: FnMut(&mut QueueTx<'_>) -> Result<T, Abort> + Send + 'static,
    {
        self.transact_then(work, |result| result).await
    }

    /// Like `transact`. `then` converts the result once it is committed, also if the caller has gone away.
    pub(super) async fn transact_then<T, U, F, G>(
        &self,
        mut work: F,
        then: G,
    ) -> Result<U, QueueError>
    where
        T: Send + 'static,
        U: Send + 'static,
        F: FnMut(&mut QueueTx<'_>) -> Result<T, Abort> + Send + 'static,
        G: FnOnce(T) -> U + Send + 'static,
    {
        let clock = Arc::clone(&self.clock);
        self.store
            .submit_then(
                move |connection, notifications| {
                    with_tx(connection, notifications, clock.now(), &mut work)
                },
                |result: Result<T, QueueError>| result.map(then),
            )
            .await?
    }

    /// Like `transact`, without waiting for the result. Does nothing if the store is closed.
    pub(super) fn transact_detached<F>(&self, mut work: F)
    where
        F: FnMut(&mut QueueTx<'_>) -> Result<(), Abort> + Send + 'static,
    {
        let clock = Arc::clone(&self.clock);
        self.store
            .submit_detached(move |connection, notifications| {
                with_tx(connection, notifications, clock.now(), &mut work).map(drop)
            });
    }
}
