//! The values that batch trigger plugins receive and return, independent of the contract's version.

use std::time::Duration;

use crate::surroundings::FunctionReference;

/// The result of `configure`.
#[derive(Debug)]
pub(crate) struct Setup {
    pub state: String,
    pub function: FunctionReference,
    pub batching: Batching,
    pub reusable: bool,
    pub summary: Vec<String>,
    pub warnings: Vec<String>,
}

/// How the host gathers batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// The largest number of messages in a batch, 1 to 10,000.
    pub max_messages: usize,
    /// The largest size of a batch (bodies, attributes and `extra` of its messages), in bytes, 1 to 6 MiB. A single
    /// message may be larger.
    pub max_bytes: usize,
    /// How long to wait for a batch to fill, up to 5 minutes.
    pub window: Duration,
    /// The largest number of batches in progress at a time, at least 1. `None`: the host's default.
    pub max_concurrency: Option<usize>,
}

/// The event for a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapedBatch {
    /// The event, which is JSON text. `None` if all messages are skipped.
    pub event: Option<String>,
    /// The ids of messages that are to be removed at once.
    pub skipped: Vec<String>,
    /// The token for [`BatchTrigger::settle`](super::BatchTrigger::settle).
    pub token: String,
}
