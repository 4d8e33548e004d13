//! What [`Reader`](crate::Reader) shows of queues, without taking anything from them.

/// The number of messages in one queue, by their state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueStatistics {
    /// The queue's name.
    pub queue: String,
    /// Messages that can be received now.
    pub due: u64,
    /// Messages that are due later and not leased.
    pub delayed: u64,
    /// Messages that are leased to a consumer.
    pub leased: u64,
}

/// A message that waits in a queue. Times are in milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingMessage {
    /// The message's row, unique within its kind of queue and never used again.
    pub id: i64,
    /// The UUID that senders and receivers know; `None` in an event queue.
    pub message_id: Option<String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// The attributes: of a message of [`Queues`](crate::queue::Queues) as the JSON that SQS shows, of an event as the
    /// consumer's own text.
    pub attributes: String,
    /// When the message was sent to this queue.
    pub sent_at: u64,
    /// When the message can be received next: the end of its delay or of its lease; when it was sent, or another past
    /// time, if it can be received now.
    pub due_at: u64,
    /// How often the message has been handed out.
    pub receives: u32,
}
