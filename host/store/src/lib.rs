//! Durable queues and objects: everything that the host has accepted and must not lose.
//!
//! Queues and the rows of objects are in one SQLite file; the bytes of objects are plain files beside it (see
//! [`object`]).
//!
//! **Writing.** A [`Store`] has one writer, which is a thread of its own. Callers submit operations and wait. The
//! writer takes all operations that wait, runs them in one transaction, commits, and then answers each caller (group
//! commit). An answered operation is therefore a committed one, and sixteen concurrent callers cost little more than
//! one.
//!
//! **Queues.** There are two kinds. [`queue::Queues`] has the semantics of Amazon SQS and is what clients and
//! triggers see. [`EventQueues`] is for the host itself: it holds the events of functions that are invoked
//! asynchronously, and the changes of objects that wait for triggers. Nothing polls: the [`Store`] has one
//! [`Notify`](tokio::sync::Notify) per queue name, and every lease reports when the next message is due.
//!
//! **Cursors.** [`Cursors`] says how far logs outside of the host were processed.
//!
//! **Time** is passed in, in milliseconds since the Unix epoch, as an argument or as a [`Clock`]. Tests therefore do
//! not have to wait.
//!
//! **Durability.** A commit has been handed to the operating system before it is answered (write-ahead log,
//! `synchronous = NORMAL`), so it survives a kill of the host at any moment. It reaches the disk a few megabytes of
//! writes later, or half a second after an object was stored: a power failure can lose the commits of the last moments,
//! but does not damage the file, and objects and rows stay consistent (see [`object`]). Waiting for the disk at each
//! commit would cost milliseconds per event, to protect against an accident that ends the developer's callers as well.
//!
//! **Presence.** If the store's file is deleted or replaced while it is open, the operating system would go on taking
//! writes into a file that no later host can open. The writer therefore compares the open files with their paths after
//! each commit, and answers with an error when they differ (see `presence`).
//!
//! **Failures.** Each error names the file, what was attempted, the cause, and what to do next. An operation that was
//! answered with an error has changed nothing. When a group fails, each of its operations is run again in a
//! transaction of its own, so one failing operation does not fail the others.

mod abort;
mod clock;
mod cursors;
mod error;
mod event_queue;
mod file;
pub mod object;
mod presence;
mod private;
pub mod queue;
mod reader;
mod reserve;
mod schema;
mod sql_time;
mod store;
mod view;
mod writer;

pub use clock::{Clock, ManualClock, SharedClock, SystemClock};
pub use cursors::{Cursors, PartProgress};
pub use error::StoreError;
pub use event_queue::{EventQueues, EventReceipt, FollowUp, LeasedEvents, NewEvent, QueuedEvent};
pub use private::private_folder;
pub use reader::Reader;
pub use store::Store;
pub use view::{QueueStatistics, WaitingMessage};
