//! Messages of queues and of polled sources, as batch triggers see them.

use bytes::Bytes;

/// One attribute that a sender attached to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The attribute's name.
    pub name: String,
    /// The data type as the sender wrote it, with an optional custom label: `String`, `Number.float`, `Binary`.
    pub data_type: String,
    /// The attribute's value.
    pub value: AttributeValue,
}

/// The value of an [`Attribute`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// The value of a `String` or `Number` attribute.
    Text(String),
    /// The value of a `Binary` attribute.
    Binary(Bytes),
}

/// A message as a receiver gets it: the WIT record `message` of `lambkin:store` and `lambkin:batch-trigger`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The message's id, which stays the same each time the message is received.
    pub id: String,
    /// The receipt for this lease; deleting or releasing the message requires it.
    pub receipt: String,
    /// The body, byte for byte as it was sent.
    pub body: Bytes,
    /// The attributes as they were sent.
    pub attributes: Vec<Attribute>,
    /// The message group: messages of one group are received in the order in which they were sent.
    pub group: Option<String>,
    /// The deduplication id: a message with an id sent within the last 5 minutes is a duplicate.
    pub deduplication: Option<String>,
    /// For a message of a log: the key by which its part was chosen.
    pub key: Option<Bytes>,
    /// For a message of a log: its part, such as a shard, and the cursor behind it.
    pub place: Option<Place>,
    /// The sequence number in an ordered queue (20 digits, increasing with each message), or the offset in a part.
    pub sequence: Option<String>,
    /// The time at which the message was sent, in milliseconds since the Unix epoch.
    pub sent_at: u64,
    /// The time at which the message was first received, in milliseconds since the Unix epoch. `None` if the
    /// source does not count deliveries.
    pub first_received_at: Option<u64>,
    /// How many times the message has been received, including this time. `None` if the source does not count that.
    pub receives: Option<u32>,
    /// For a message in a dead-letter queue: the queue from which it was moved.
    pub source: Option<String>,
    /// Key-value pairs that the service which accepted the message added.
    pub extra: Vec<(String, String)>,
}

impl Message {
    /// The bytes of its body, attributes and extra fields: all that a sender can make large.
    pub fn size(&self) -> usize {
        let attributes = self.attributes.iter().map(Attribute::size);
        let extra = self
            .extra
            .iter()
            .map(|(key, value)| key.len() + value.len());
        self.body.len() + attributes.sum::<usize>() + extra.sum::<usize>()
    }
}

impl Attribute {
    fn size(&self) -> usize {
        let value = match &self.value {
            AttributeValue::Text(text) => text.len(),
            AttributeValue::Binary(bytes) => bytes.len(),
        };
        self.name.len() + self.data_type.len() + value
    }
}

/// Where a message of a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The part, such as a shard or a partition.
    pub part: String,
    /// The cursor behind the message.
    pub cursor: String,
}

/// What happens to a message after its batch has been processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The message was processed: delete it.
    Ack,
    /// Make the message available again after this many milliseconds. With `None` it becomes available again when its
    /// lease ends.
    Retry(Option<u32>),
    /// Move the message to the dead-letter queue, giving this reason. If there is no dead-letter queue, the message
    /// becomes available again.
    DeadLetter(String),
}

/// What happens to the messages of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// What happens to each message without a verdict.
    pub otherwise: Action,
    /// What happens to the messages that are treated otherwise, at most one verdict each.
    pub but: Vec<Verdict>,
}

/// The [`Action`] that a plugin chose for one message of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The message's id.
    pub id: String,
    /// What happens to the message.
    pub action: Action,
}
