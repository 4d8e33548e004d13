//! What the host has accepted: durable queues in one SQLite file, and objects beside it.
//!
//! A [`Store`] has one writer, a thread of its own. Callers hand it operations and wait; it takes everything that
//! waits, runs it in one transaction, commits, and answers everyone (group commit). So an operation that was answered is
//! committed, and sixteen callers at once cost little more than one.
//!
//! There are two kinds of queues. Those of [`queue::Queues`] are Amazon SQS's. The queues of functions' events, and of
//! objects' changes, are the store's own and simpler: a message belongs to a queue, which is nothing but a name, and is
//! due at a time. A consumer *leases* what is due, works, and then completes or reschedules it; a lease that runs out
//! makes the message due again. A consumer never polls: [`Store::bell`] rings when a queue has something new, and every
//! lease says when the next message is due. The time is always the caller's, in milliseconds since the Unix epoch, so
//! tests need not wait.
//!
//! Objects are plain files, with rows in the same SQLite file: see [`object`].
//!
//! **What survives.** A commit is in the operating system's hands before it is answered (write-ahead log,
//! `synchronous = NORMAL`), so it survives a kill of the host at any moment. It is on the disk itself a few
//! megabytes of writes later: a power cut may take the last moments' commits, and never damages the file. Waiting for the
//! disk on each commit would cost milliseconds per event and wear, to protect from an accident that takes the
//! developer's callers with it.
//!
//! On failure: every error says which file, what was tried, why it failed and what to do. An operation that was answered
//! with an error has changed nothing. One that fails does not take those committed with it along: they are run
//! again, each alone.

mod clock;
mod error;
mod file;
mod message;
pub mod object;
pub mod queue;
mod queues;
mod reader;
mod schema;
mod store;
mod writer;

pub use clock::{Clock, ManualClock, SharedClock, SystemClock};
pub use error::StoreError;
pub use message::{FollowUp, Leased, Message, NewMessage, Receipt, Statistics, Waiting};
pub use reader::Reader;
pub use store::Store;
