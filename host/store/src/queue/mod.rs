//! Queues.

mod types;

pub use types::{
    Counts, DeadLetter, Description, Entry, Move, MoveStatus, Page, QueueError, Receive, Sent,
    Settings, Settled,
};

use lambkin_model::Message;

use crate::{SharedClock, Store};

/// All queues of a store. Cheap to clone. Names follow [`Queues::is_name`].
#[derive(Debug, Clone)]
pub struct Queues {
    _store: Store,
    _clock: SharedClock,
}

#[allow(
    clippy::unimplemented,
    clippy::unused_async,
    missing_docs,
    unused_variables,
    reason = "base"
)]
impl Queues {
    pub fn new(store: Store, clock: SharedClock) -> Self {
        Self {
            _store: store,
            _clock: clock,
        }
    }

    /// Creates a queue.
    pub async fn create(&self, name: &str, settings: Settings) -> Result<(), QueueError> {
        unimplemented!()
    }
    /// Creates it, or changes its settings to these: what a configuration says of a queue that may be there already.
    pub async fn define(&self, name: &str, settings: Settings) -> Result<(), QueueError> {
        unimplemented!()
    }
    pub async fn describe(&self, queue: &str) -> Result<Description, QueueError> {
        unimplemented!()
    }
    pub async fn counts(&self, queue: &str) -> Result<Counts, QueueError> {
        unimplemented!()
    }
    pub async fn change(&self, queue: &str, settings: Settings) -> Result<(), QueueError> {
        unimplemented!()
    }
    pub async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Page, QueueError> {
        unimplemented!()
    }
    pub async fn delete(&self, queue: &str) -> Result<(), QueueError> {
        unimplemented!()
    }
    pub async fn deleted_at(&self, queue: &str) -> Result<Option<u64>, QueueError> {
        unimplemented!()
    }
    pub async fn purge(&self, queue: &str) -> Result<(), QueueError> {
        unimplemented!()
    }
    pub async fn send(&self, queue: &str, entries: Vec<Entry>) -> Result<Vec<Sent>, QueueError> {
        unimplemented!()
    }
    /// Leases messages; waits for the first one as long as `receive.wait_ms`. Dropped, it takes nothing.
    pub async fn receive(&self, queue: &str, receive: Receive) -> Result<Vec<Message>, QueueError> {
        unimplemented!()
    }
    pub async fn remove(
        &self,
        queue: &str,
        receipts: Vec<String>,
    ) -> Result<Vec<Settled>, QueueError> {
        unimplemented!()
    }
    pub async fn extend(
        &self,
        queue: &str,
        changes: Vec<(String, u64)>,
    ) -> Result<Vec<Settled>, QueueError> {
        unimplemented!()
    }
    /// Moves leased messages to the queue's dead letters at once. Where there are none, nothing happens and the result is
    /// `Settled::Gone` for none of them but `Settled::NotLeased`.
    pub async fn dead_letter(
        &self,
        queue: &str,
        receipts: Vec<String>,
    ) -> Result<Vec<Settled>, QueueError> {
        unimplemented!()
    }
    /// Ends the leases that consumers inside a host that is no more held; see `Receive::consumer`.
    pub async fn end_consumer_leases(&self) -> Result<usize, QueueError> {
        unimplemented!()
    }
    pub async fn dead_letter_sources(
        &self,
        queue: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Page, QueueError> {
        unimplemented!()
    }
    pub async fn start_move(
        &self,
        source: &str,
        destination: Option<String>,
        per_second: Option<u32>,
    ) -> Result<String, QueueError> {
        unimplemented!()
    }
    pub async fn moves(&self, source: &str, most: usize) -> Result<Vec<Move>, QueueError> {
        unimplemented!()
    }
    pub async fn cancel_move(&self, handle: &str) -> Result<u64, QueueError> {
        unimplemented!()
    }
    /// The move of this handle.
    pub async fn find_move(&self, handle: &str) -> Result<Move, QueueError> {
        unimplemented!()
    }
    /// Runs the moves that are under way, those of a former host too. To be spawned once; never ends by itself.
    pub async fn run_moves(&self) {
        unimplemented!()
    }
}
