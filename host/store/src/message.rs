//! Messages, on their way in and on their way out.

use crate::queue::Entry;

/// What follows from the completion of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowUp {
    /// A message of the same kind.
    Enqueue(NewMessage),
    /// A message to a queue of [`Queues`](crate::queue::Queues), which is made with default settings if there is none.
    Send {
        /// Its name; see [`Queues::is_name`](crate::queue::Queues::is_name). To another name nothing is sent.
        queue: String,
        /// The message.
        entry: Entry,
    },
}

/// A message to be put into a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The queue's name; a queue is there when a message is.
    pub queue: String,
    /// Kept and given back byte for byte.
    pub body: Vec<u8>,
    /// What else the consumer is to know; the store does not look into it.
    pub attributes: String,
    /// Not handed out before this time.
    pub not_before: u64,
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Tells messages apart, also after they are gone.
    pub id: i64,
    /// As it was sent.
    pub body: Vec<u8>,
    /// As they were sent.
    pub attributes: String,
    /// When it was put into this queue.
    pub sent_at: u64,
    /// When it is handed out at the earliest: its `not_before`, or the end of its lease.
    pub due_at: u64,
    /// How often it was handed out.
    pub receives: u32,
    /// The consumer's own count, 0 at first; see `Store::reschedule`.
    pub attempts: u32,
}

/// A message that waits, as one sees it who looks without taking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The message. Its attributes are JSON; of a message of [`Queues`](crate::queue::Queues), as SQS writes them.
    pub message: Message,
    /// The id that senders and receivers know, of a message of [`Queues`](crate::queue::Queues): a UUID.
    pub message_id: Option<String>,
}

/// The proof of a lease. It is worth nothing any more once the message was handed out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    pub(crate) id: i64,
    pub(crate) receives: u32,
}

impl Message {
    /// The proof of the lease by which this message was handed out.
    pub fn receipt(&self) -> Receipt {
        Receipt {
            id: self.id,
            receives: self.receives,
        }
    }
}

/// What a consumer gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// The messages that were due, the one due first before the others.
    pub messages: Vec<Message>,
    /// When the next one is due, of those that are left and those that are leased; `None` for an empty queue.
    pub next_due: Option<u64>,
}

/// How many messages a queue holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// The queue's name.
    pub queue: String,
    /// Due now.
    pub due: u64,
    /// Not due yet.
    pub delayed: u64,
    /// Leased to a consumer.
    pub leased: u64,
}
