//! The values that source plugins receive and return, independent of the contract's version.

use lambkin_model::Message;

use crate::error::PluginError;
use crate::event_origin::EventOrigin;
use crate::surroundings::Surroundings;

/// The configuration of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSetup {
    /// The `poll` table without the host's own keys, as JSON.
    pub settings: String,
    /// The origins that it may reach: `http://127.0.0.1:9324`.
    pub network: Vec<String>,
    /// What it learns about the host. Its environment variables are those that its calls see as well.
    pub surroundings: Surroundings,
}

/// The result of `configure`.
#[derive(Debug)]
pub(crate) struct Setup {
    pub state: String,
    pub origin: EventOrigin,
    pub max_messages: u32,
    pub progress: Progress,
    pub warnings: Vec<String>,
}

/// How the external system learns which messages are processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A queue: each message is acknowledged by its receipt.
    Receipts,
    /// A log: messages stay where they are, and the host keeps a cursor for each part.
    Cursors,
}

/// A part of a log, such as a shard or a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The part's id.
    pub id: String,
    /// The parts that must be read to their end before this one. Those that are not listed count as read.
    pub after: Vec<String>,
}

/// Where a poll continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position<'a> {
    /// The part of a log. `None` for a queue.
    pub part: Option<&'a str>,
    /// The cursor that the host keeps for the part, if it has one yet.
    pub cursor: Option<&'a str>,
}

/// The result of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polled {
    /// The messages. Those of a log have a [`Place`](lambkin_model::Place), those of a queue do not.
    pub messages: Vec<Message>,
    /// For a log: the cursor from which the next poll continues. `None`: the last message's, or the one before the poll.
    pub cursor: Option<String>,
    /// For a log: whether the part has no more messages, ever.
    pub ended: bool,
}

/// Why a source did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A later attempt may succeed.
    #[error("{0}")]
    Transient(String),
    /// A later attempt cannot succeed until something is changed.
    #[error("{0}")]
    Permanent(String),
    /// The plugin is defective or could not be run.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}
