//! Queues, with the semantics of Amazon SQS: leases, receive counts, delays, order and deduplication, dead letters, moves.
//!
//! A message is visible, delayed or leased. A lease that ends without the message being removed makes it visible again; every lease
//! counts as a receive, and what would be received too often becomes a dead letter instead. An ordered queue hands the messages of
//! a group out in their order, and none that comes after one that is leased. Time is the [`Clock`](crate::Clock)'s.
//!
//! Every operation is one turn at the store's writer and costs the same whether a queue holds one message or a million, whether they
//! are visible, delayed, leased or blocked behind one of their group: see `schema` for how.
//!
//! On failure: an error means that nothing has changed. What was answered survives a kill of the host; see the crate's own
//! words on that.

mod deduplication;
mod details;
mod generation;
mod group;
mod limits;
mod look;
mod maintenance;
mod moves;
mod receipt;
mod receive;
mod receive_attempt;
mod redrive;
pub(crate) mod schema;
mod send;
mod settings;
mod settle;
mod take;
mod tx;
mod types;

pub(crate) use look::{messages, statistics};
pub(crate) use receive::either;
pub(crate) use send::deliver;
pub(crate) use tx::with_tx;
pub use types::{
    Counts, DeadLetter, Description, Entry, Move, MoveStatus, Page, QueueError, ReceiptOutcome,
    Receive, Sent, Settings,
};

use std::sync::Arc;

use crate::{SharedClock, Store};
use tx::{Abort, QueueTx};

/// All queues of a store. Cheap to clone. Names follow [`Queues::is_name`].
#[derive(Debug, Clone)]
pub struct Queues {
    store: Store,
    clock: SharedClock,
}

impl Queues {
    /// The queues of this store. All handles to a store's queues are to be given the same clock.
    pub fn new(store: Store, clock: SharedClock) -> Self {
        Self { store, clock }
    }

    /// Runs an operation as a turn at the writer and returns its result once that is committed.
    async fn transact<T, F>(&self, work: F) -> Result<T, QueueError>
    where
        T: Send + 'static,
        F: FnMut(&mut QueueTx<'_>) -> Result<T, Abort> + Send + 'static,
    {
        self.transact_then(work, |done| done).await
    }

    /// The same; `then` is what is made of the result when it is committed, whether or not somebody still waits.
    async fn transact_then<T, U, F, G>(&self, mut work: F, then: G) -> Result<U, QueueError>
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
                |done: Result<T, QueueError>| done.map(then),
            )
            .await?
    }

    /// The same for work whose result concerns nobody.
    fn transact_detached<F>(&self, mut work: F)
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
