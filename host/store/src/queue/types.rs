//! The types of queues: the records of the WIT interface `lambkin:store/queues`, one by one.

use bytes::Bytes;
use lambkin_model::Attribute;

use crate::StoreError;

/// Where messages go that were received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// A queue of the same kind. While it does not exist, messages stay where they are.
    pub queue: String,
    /// The most receives, at least 1.
    pub max_receives: u32,
}

/// How a queue works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Order and deduplication; chosen at creation.
    pub ordered: bool,
    /// The lease of a receive that does not ask for another one, in milliseconds.
    pub lease_ms: u64,
    /// The delay of a message that does not ask for another one, in milliseconds.
    pub delay_ms: u64,
    /// A message is dropped this long after it was first sent, in milliseconds.
    pub retention_ms: u64,
    /// Whether a deduplication id counts within its group only.
    pub deduplication_by_group: bool,
    /// Where messages go that were received too often.
    pub dead_letter: Option<DeadLetter>,
    /// Whatever a service keeps with the queue; the store does not look into it.
    pub attributes: Vec<(String, String)>,
}

impl Default for Settings {
    /// AWS's defaults: 30 s of visibility time-out, no delay, 4 days of retention.
    fn default() -> Self {
        Self {
            ordered: false,
            lease_ms: 30_000,
            delay_ms: 0,
            retention_ms: 345_600_000,
            deduplication_by_group: false,
            dead_letter: None,
            attributes: Vec::new(),
        }
    }
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// How it works.
    pub settings: Settings,
    /// In milliseconds since the Unix epoch.
    pub created_at: u64,
    /// When its settings were changed last.
    pub changed_at: u64,
    /// When it was purged last.
    pub purged_at: Option<u64>,
}

/// How many messages a queue has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Due.
    pub visible: u64,
    /// Handed out.
    pub leased: u64,
    /// Not due yet.
    pub delayed: u64,
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Kept byte for byte.
    pub body: Bytes,
    /// What the sender attached.
    pub attributes: Vec<Attribute>,
    /// What else is to reach the receiver.
    pub extra: Vec<(String, String)>,
    /// `None` is the queue's.
    pub delay_ms: Option<u64>,
    /// Required in an ordered queue.
    pub group: Option<String>,
    /// Required in an ordered queue.
    pub deduplication: Option<String>,
}

/// A message was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// A UUID. Of a duplicate: the first one's.
    pub id: String,
    /// In an ordered queue: 20 digits, rising. Of a duplicate: the first one's.
    pub sequence: Option<String>,
    /// Whether it was sent before, and so not again.
    pub duplicate: bool,
}

/// What to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receive {
    /// 1 to 10,000.
    pub max_messages: usize,
    /// `None` is the queue's; 0 hands out without hiding.
    pub lease_ms: Option<u64>,
    /// How long to wait for the first message.
    pub wait_ms: u64,
    /// Whether the lease is of a consumer inside the host, which ends with the host.
    pub consumer: bool,
}

/// What became of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// As asked.
    Done,
    /// The message is not there any more.
    Gone,
    /// The message was handed out again since; in an ordered queue also: the lease has ended.
    Stale,
    /// The lease has ended, so it can not be changed.
    NotLeased,
    /// The lease would last longer than 12 hours in all.
    TooLong,
    /// The text is no receipt of this queue.
    Malformed,
}

/// A part of a list of queues.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// By name.
    pub queues: Vec<Description>,
    /// Whether there is more after the last.
    pub more: bool,
}

/// How far a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "said by their names")]
pub enum MoveStatus {
    Running,
    Completed,
    Cancelling,
    Cancelled,
    Failed,
}

/// Messages on their way from a dead-letter queue to where they came from, or elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Tells moves apart.
    pub handle: String,
    /// Whose messages are moved.
    pub source: String,
    /// `None` is each message's own source.
    pub destination: Option<String>,
    /// The most messages of a second.
    pub per_second: Option<u32>,
    /// How far it is.
    pub status: MoveStatus,
    /// How many messages it has moved.
    pub moved: u64,
    /// How many there were at the start.
    pub expected: u64,
    /// In milliseconds since the Unix epoch.
    pub started_at: u64,
    /// Why it failed.
    pub failure: Option<String>,
}

/// Why something was not done with a queue. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// There is no such queue or move.
    #[error("there is no such queue")]
    Missing,
    /// There is a queue of this name already, or a move of its messages is under way.
    #[error("there is one already")]
    Exists,
    /// More messages are leased than a queue may have at a time.
    #[error("too many messages are in flight")]
    TooManyInFlight,
    /// The arguments contradict the queue or each other.
    #[error("{0}")]
    Invalid(String),
    /// The store can not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
