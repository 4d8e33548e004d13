//! What the service needs of the host's queues, in plain types.
//!
//! In the component it is `lambkin:store/queues`; the native tests have queues in memory. Both keep the promises of that
//! contract: what was answered is kept, and a fault has changed nothing.

use crate::attribute::Attribute;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreFault {
    /// There is no such queue or move.
    Missing,
    /// The service may not create a queue of this name.
    Denied,
    /// There is such a queue or move already.
    Exists,
    /// Too many messages are in flight.
    Crowded,
    /// The arguments contradict the queue or each other.
    Invalid(String),
    /// The host can not write.
    Unavailable(String),
}

/// A result of the store.
pub type Stored<T> = Result<T, StoreFault>;

/// Where messages go that were received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The dead-letter queue's name.
    pub queue: String,
    /// The most receives.
    pub max_receives: u32,
}

/// How a queue works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// FIFO.
    pub ordered: bool,
    /// The visibility timeout.
    pub lease_ms: u64,
    /// The delay of a message without one of its own.
    pub delay_ms: u64,
    /// The retention period.
    pub retention_ms: u64,
    /// Whether the deduplication scope is the message group.
    pub deduplication_by_group: bool,
    /// The redrive policy.
    pub dead_letter: Option<DeadLetter>,
    /// The queue's other attributes under AWS's names, and its tags as `tag:KEY`.
    pub attributes: Vec<(String, String)>,
}

/// A queue as it is.
#[derive(Debug, Clone)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// How it works.
    pub settings: Settings,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// Milliseconds since 1970.
    pub changed_at_ms: u64,
    /// When it was purged last, if ever.
    pub purged_at_ms: Option<u64>,
}

/// How many messages a queue has.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// To be received.
    pub visible: u64,
    /// In flight.
    pub leased: u64,
    /// Not to be received yet.
    pub delayed: u64,
}

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The body.
    pub body: Vec<u8>,
    /// User attributes.
    pub attributes: Vec<Attribute>,
    /// System attributes that the service adds.
    pub extra: Vec<(String, String)>,
    /// None is the queue's.
    pub delay_ms: Option<u64>,
    /// The message group id.
    pub group: Option<String>,
    /// The deduplication id.
    pub deduplication: Option<String>,
}

/// What became of a message that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The message id.
    pub id: String,
    /// The sequence number, in a FIFO queue.
    pub sequence: Option<String>,
}

/// A message as it is received.
#[derive(Debug, Clone)]
pub struct Message {
    /// The message id.
    pub id: String,
    /// The receipt handle.
    pub receipt: String,
    /// The body.
    pub body: Vec<u8>,
    /// User attributes.
    pub attributes: Vec<Attribute>,
    /// System attributes that the service added.
    pub extra: Vec<(String, String)>,
    /// The message group id.
    pub group: Option<String>,
    /// The deduplication id.
    pub deduplication: Option<String>,
    /// The sequence number.
    pub sequence: Option<String>,
    /// Milliseconds since 1970.
    pub sent_at_ms: u64,
    /// Milliseconds since 1970.
    pub first_received_at_ms: u64,
    /// This receive included.
    pub receives: u32,
    /// The queue whose dead letter it is.
    pub source: Option<String>,
}

/// What became of a receipt handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was done.
    Done,
    /// There is no such message any more.
    Gone,
    /// Received again since; in a FIFO queue also: expired.
    Stale,
    /// Not in flight.
    NotLeased,
    /// Beyond 12 hours in all.
    TooLong,
    /// No receipt handle of this queue.
    Malformed,
}

/// How far a move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "AWS's words for a task's status")]
pub enum MoveStatus {
    Running,
    Completed,
    Cancelling,
    Cancelled,
    Failed,
}

/// Messages on their way from a dead-letter queue.
#[derive(Debug, Clone)]
pub struct Move {
    /// The store's name for it.
    pub handle: String,
    /// The dead-letter queue.
    pub source: String,
    /// None is where each message came from.
    pub destination: Option<String>,
    /// The most messages per second.
    pub per_second: Option<u32>,
    /// How far it has come.
    pub status: MoveStatus,
    /// Messages moved.
    pub moved: u64,
    /// Messages there were at the start.
    pub expected: u64,
    /// Milliseconds since 1970.
    pub started_at_ms: u64,
    /// Why it failed.
    pub failure: Option<String>,
}

/// A part of a list of queues.
#[derive(Debug)]
pub struct Page {
    /// By name.
    pub queues: Vec<Description>,
    /// Whether there are more.
    pub more: bool,
}

/// All queues that the service may see.
pub trait Store {
    /// The queue of this name.
    fn open(&self, name: &str) -> Stored<Box<dyn Queue>>;
    /// Makes a queue.
    fn create(&self, name: &str, settings: &Settings) -> Stored<Box<dyn Queue>>;
    /// Queues whose names start so, after the one named.
    fn queues(&self, prefix: &str, after: Option<&str>, most: u32) -> Stored<Page>;
    /// Removes a queue and its messages.
    fn delete(&self, name: &str) -> Stored<()>;
    /// When a queue of this name was deleted, within the last minute.
    fn deleted_at(&self, name: &str) -> Option<u64>;
    /// Ends a move; returns how many messages it had moved.
    fn cancel_move(&self, handle: &str) -> Stored<u64>;
}

/// One queue.
pub trait Queue {
    /// As it is.
    fn describe(&self) -> Stored<Description>;
    /// How many messages it has.
    fn counts(&self) -> Stored<Counts>;
    /// Replaces its settings.
    fn change(&self, settings: &Settings) -> Stored<()>;
    /// Sends all messages or none.
    fn send(&self, entries: Vec<Entry>) -> Stored<Vec<Sent>>;
    /// Receives up to `most` messages, and waits for the first; or, in a FIFO queue, what an attempt of this name received.
    fn receive(
        &self,
        attempt: Option<&str>,
        most: u32,
        lease_ms: Option<u64>,
        wait_ms: u32,
    ) -> Stored<Vec<Message>>;
    /// Removes messages.
    fn remove(&self, receipts: &[String]) -> Stored<Vec<Settled>>;
    /// Makes leases end so many milliseconds from now.
    fn extend(&self, changes: &[(String, u64)]) -> Stored<Vec<Settled>>;
    /// Drops all messages.
    fn purge(&self) -> Stored<()>;
    /// The queues that have this one for their dead letters.
    fn dead_letter_sources(&self, after: Option<&str>, most: u32) -> Stored<Page>;
    /// Starts to move its messages.
    fn start_move(&self, destination: Option<&str>, per_second: Option<u32>) -> Stored<String>;
    /// Its moves, the latest first.
    fn moves(&self, most: u32) -> Stored<Vec<Move>>;
}
