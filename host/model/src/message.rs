//! Messages of queues and other sources, as batch triggers see them.

use bytes::Bytes;

/// What a sender attached to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// As the sender said it: `String`, `Number.float`, `Binary`.
    pub data_type: String,
    /// Its value.
    pub value: AttributeValue,
}

/// The value of an [`Attribute`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// Text, numbers too.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

/// A message as it is handed out: the WIT record `message` of `lambkin:store` and `lambkin:batch-trigger`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same each time it is handed out.
    pub id: String,
    /// The proof of this lease.
    pub receipt: String,
    /// As it was sent.
    pub body: Bytes,
    /// As they were sent.
    pub attributes: Vec<Attribute>,
    /// The group within which order holds.
    pub group: Option<String>,
    /// By what duplicates are told.
    pub deduplication: Option<String>,
    /// In an ordered queue: 20 digits, rising.
    pub sequence: Option<String>,
    /// When it was first sent, in milliseconds since the Unix epoch.
    pub sent_at: u64,
    /// When it was first handed out.
    pub first_received_at: u64,
    /// How often it was handed out, this time included.
    pub receives: u32,
    /// The queue it came from as a dead letter.
    pub source: Option<String>,
    /// What the service that took it added.
    pub extra: Vec<(String, String)>,
}

/// What becomes of a message after its batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Done: it is removed.
    Ack,
    /// It is handed out again after so many milliseconds; `None` leaves it to its source: the end of its lease.
    Retry(Option<u32>),
    /// It moves to the source's dead letters, for this reason; where there are none it is handed out again.
    DeadLetter(String),
}

/// An [`Action`] on a message of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The message's id.
    pub id: String,
    /// What becomes of it.
    pub action: Action,
}
