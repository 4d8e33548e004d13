//! The host's queues as the service uses them.
//!
//! In the component [`Store`] is the import `lambkin:store/queues`; the native tests have queues in memory. Both keep
//! the promises of that contract: what was answered is kept, and a failed call has changed nothing.

pub use crate::service::contract::queues::{
    Attribute, Counts, DeadLetter, Description, Entry, Error as StoreError, Message, Move,
    MoveStatus, Page, ReceiptResult, Sent, Settings, Value,
};

/// The result of a call to the store.
pub type Stored<T> = Result<T, StoreError>;

/// All queues that the service may see.
pub trait Store {
    /// Opens the queue with this name.
    fn open(&self, name: &str) -> Stored<Box<dyn Queue>>;
    /// Creates a queue.
    fn create(&self, name: &str, settings: &Settings) -> Stored<Box<dyn Queue>>;
    /// Up to `max` queues whose names start with `prefix`, sorted by name, starting after the name `after`.
    fn queues(&self, prefix: &str, after: Option<&str>, max: u32) -> Stored<Page>;
    /// Deletes a queue and its messages.
    fn delete(&self, name: &str) -> Stored<()>;
    /// When a queue with this name was deleted, in milliseconds since the Unix epoch, if that was within the last
    /// minute.
    fn deleted_at(&self, name: &str) -> Option<u64>;
    /// Cancels a move; returns the number of messages that it had moved.
    fn cancel_move(&self, handle: &str) -> Stored<u64>;
}

/// One queue.
pub trait Queue {
    /// The queue's name, settings and times.
    fn describe(&self) -> Stored<Description>;
    /// The number of messages in each state.
    fn counts(&self) -> Stored<Counts>;
    /// Replaces the settings.
    fn change(&self, settings: &Settings) -> Stored<()>;
    /// Sends all messages, or none if it fails.
    fn send(&self, entries: &[Entry]) -> Stored<Vec<Sent>>;
    /// Receives up to `max` messages; waits up to `wait_ms` for the first one. In a FIFO queue, repeating an `attempt`
    /// returns the messages that this attempt received before.
    fn receive(
        &self,
        attempt: Option<&str>,
        max: u32,
        lease_ms: Option<u64>,
        wait_ms: u32,
    ) -> Stored<Vec<Message>>;
    /// Removes messages by their receipts.
    fn remove(&self, receipts: &[String]) -> Stored<Vec<ReceiptResult>>;
    /// Makes the lease of each receipt end the given number of milliseconds from now.
    fn change_leases(&self, changes: &[(String, u64)]) -> Stored<Vec<ReceiptResult>>;
    /// Removes all messages.
    fn purge(&self) -> Stored<()>;
    /// Up to `max` queues whose dead-letter queue is this one, sorted by name, starting after the name `after`.
    fn dead_letter_sources(&self, after: Option<&str>, max: u32) -> Stored<Page>;
    /// Starts to move this queue's messages; returns the move's handle.
    fn start_move(&self, destination: Option<&str>, per_second: Option<u32>) -> Stored<String>;
    /// Up to `max` of this queue's moves, the latest first.
    fn moves(&self, max: u32) -> Stored<Vec<Move>>;
}
