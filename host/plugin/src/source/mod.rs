//! Sources: components that fetch messages from an external system.
//!
//! A [`Source`] is a plugin, the configuration it has accepted, the origins it may reach and its environment
//! variables. The host asks it for messages ([`poll`](Source::poll)) and reports what became of those of a queue
//! ([`settle`](Source::settle)); for a log it keeps the cursors itself. Between the calls, nothing of it runs.
//!
//! On failure, the source says whether a later attempt can succeed; a defective plugin is a [`SourceError::Plugin`].
//! The external system delivers messages that were not settled again.

mod check;
mod polled;
mod types;
pub(crate) mod v0_2;

pub use polled::Source;
pub use types::{Part, Polled, Position, Progress, SourceError, SourceSetup};
