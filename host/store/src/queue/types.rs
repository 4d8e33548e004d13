//! The types of queues. They mirror the records of the WIT interface `lambkin:store/queues`.

use bytes::Bytes;
use lambkin_model::Attribute;

use crate::error::StoreError;

/// Where messages go that were received too often (SQS: `RedrivePolicy`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The name of a queue that is ordered if this one is. While it does not exist, messages stay where they are.
    pub queue: String,
    /// The maximum number of receives, at least 1 (SQS: `maxReceiveCount`).
    pub max_receives: u32,
}

/// The settings of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether the queue has order and deduplication (SQS: a FIFO queue). Fixed when the queue is created.
    pub ordered: bool,
    /// The duration of a lease in milliseconds, unless the receive sets one (SQS: `VisibilityTimeout`).
    pub lease_ms: u64,
    /// The delay of a message in milliseconds, unless the message sets one (SQS: `DelaySeconds`).
    pub delay_ms: u64,
    /// The time in milliseconds after which a message is deleted, counted from when it was first sent (SQS:
    /// `MessageRetentionPeriod`).
    pub retention_ms: u64,
    /// Whether a deduplication id applies within its group only (SQS: `DeduplicationScope = messageGroup`).
    pub deduplication_by_group: bool,
    /// Where messages go that were received too often.
    pub dead_letter: Option<DeadLetter>,
    /// Attributes that a service keeps with the queue, up to 64 KiB. The store does not interpret them.
    pub attributes: Vec<(String, String)>,
}

impl Default for Settings {
    /// The defaults of SQS: a standard queue with a visibility timeout of 30 s, no delay, and a retention of 4 days.
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

/// A queue with its settings and dates. Times are in milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The queue's name.
    pub name: String,
    /// The queue's settings.
    pub settings: Settings,
    /// When the queue was created.
    pub created_at: u64,
    /// When its settings last changed.
    pub changed_at: u64,
    /// When it was last purged, if ever.
    pub purged_at: Option<u64>,
}

/// The numbers of a queue's messages, by their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Messages that are due.
    pub visible: u64,
    /// Messages that are handed out (SQS: in flight).
    pub leased: u64,
    /// Messages whose delay has not ended.
    pub delayed: u64,
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The body. It is given back byte for byte.
    pub body: Bytes,
    /// The message attributes that the sender has set.
    pub attributes: Vec<Attribute>,
    /// Further facts for the receiver, such as the sender's id. The store does not interpret them.
    pub extra: Vec<(String, String)>,
    /// The delay in milliseconds; `None` for the queue's.
    pub delay_ms: Option<u64>,
    /// The message group. Required in an ordered queue; a standard queue keeps it without effect.
    pub group: Option<String>,
    /// The deduplication id. Required in an ordered queue.
    pub deduplication: Option<String>,
}

/// The result of sending one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message's id, a UUID. For a duplicate: the id of the first message.
    pub id: String,
    /// In an ordered queue the sequence number: 20 digits, increasing. For a duplicate: the number of the first
    /// message.
    pub sequence: Option<String>,
    /// Whether the message is a duplicate and therefore was not sent again.
    pub duplicate: bool,
}

/// The parameters of a receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receive {
    /// The maximum number of messages, 1 to 10,000.
    pub max_messages: usize,
    /// The duration of the lease in milliseconds; `None` for the queue's. With 0 the messages stay visible.
    pub lease_ms: Option<u64>,
    /// How long to wait for a first message, in milliseconds (SQS: `WaitTimeSeconds`).
    pub wait_ms: u64,
    /// Whether the receiver is a consumer inside the host. Its leases end when the host does; see
    /// [`Queues::end_consumer_leases`](super::Queues::end_consumer_leases).
    pub consumer: bool,
}

/// What became of an action on the message that a receipt names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptResult {
    /// The action was carried out.
    Done,
    /// The message no longer exists.
    Gone,
    /// The message has been handed out again since. In an ordered queue also: its lease has ended.
    Stale,
    /// The lease has ended, so it cannot be changed.
    NotLeased,
    /// The lease would last longer than 12 hours in total.
    TooLong,
    /// The text is not a receipt of this queue.
    Malformed,
}

/// A page of a list of queues.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The queues, by name.
    pub queues: Vec<Description>,
    /// Whether there are further queues after the last one.
    pub more: bool,
}

/// The status of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the names are those of SQS's ListMessageMoveTasks"
)]
pub enum MoveStatus {
    Running,
    Completed,
    Cancelling,
    Cancelled,
    Failed,
}

/// A move of messages from a dead-letter queue to the queues they came from, or to another queue (SQS: a message move
/// task).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The move's unique handle.
    pub handle: String,
    /// The name of the queue that messages are moved from.
    pub source: String,
    /// The name of the queue that messages are moved to; `None` for the queue that each message came from.
    pub destination: Option<String>,
    /// The maximum number of messages per second; `None` for no maximum.
    pub per_second: Option<u32>,
    /// The move's status.
    pub status: MoveStatus,
    /// The number of messages that were moved.
    pub moved: u64,
    /// The number of messages that were visible when the move started.
    pub expected: u64,
    /// When the move started, in milliseconds since the Unix epoch.
    pub started_at: u64,
    /// Why the move failed, as SQS words it.
    pub failure_reason: Option<String>,
}

/// Why an operation on queues was refused or failed. It has changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The queue or the move does not exist.
    #[error("there is no such queue")]
    Missing,
    /// A queue with this name exists already, or the queue has a move that is running.
    #[error("there is one already")]
    Exists,
    /// The queue has 120,000 leased messages, the maximum.
    #[error("too many messages are in flight")]
    OverLimit,
    /// The arguments contradict the queue or each other; the text says how.
    #[error("{0}")]
    Invalid(String),
    /// The store cannot be written or is closed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
