//! Queues with the semantics of Amazon SQS: visibility timeouts, receive counts, delays, FIFO order and
//! deduplication, dead letters, and redrive.
//!
//! The store's words for SQS's: a *lease* is what a receive gives (SQS: the message is in flight until its visibility
//! timeout ends), an *ordered* queue is a FIFO queue, a *group* a message group, and a *move* a message move task
//! (redrive).
//!
//! A message is visible, delayed or leased. When a lease ends before the message is removed, the message is visible
//! again. Each lease counts as a receive, and a message that would be received more often than its queue allows
//! becomes a dead letter instead. An ordered queue hands out the messages of a group in their order, and none that
//! comes after a leased one.
//!
//! **Cost.** Each operation is one transaction of the store's writer. Its cost does not depend on the number of
//! messages in the queue, whether they are visible, delayed, leased or blocked behind another one of their group;
//! `schema` says how.
//!
//! **Failures.** An operation that returns an error has changed nothing. An answered operation survives a kill of the
//! host; see the crate's documentation on durability.

mod apply;
mod deduplication;
mod details;
mod generation;
mod group;
mod hand_out;
pub(crate) mod inspect;
mod lease;
mod limits;
mod maintenance;
mod moves;
mod queues;
mod receipt;
mod receive;
mod receive_attempt;
mod redrive;
mod row;
pub(crate) mod schema;
pub(crate) mod send;
mod settings;
pub(crate) mod tx;
mod types;
mod visible;

pub use queues::Queues;
pub use types::{
    Counts, DeadLetter, Description, Entry, Move, MoveStatus, Page, QueueError, ReceiptResult,
    Receive, Sent, Settings,
};
