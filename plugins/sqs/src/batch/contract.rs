//! The shapes of the contract `lambkin:batch-trigger@0.1.0` as plain types, so that the plugin's logic is tested without
//! WebAssembly.
//!
//! Each type has the fields of the WIT type of its name; what they mean is said there. `extra` lists that this plugin
//! neither reads nor writes are left out.

pub use plugin_kit::settings::Problem;

pub use crate::attribute::{Attribute, Value};

/// Where the messages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The queue's name.
    pub name: String,
    /// Whether it is a FIFO queue.
    pub ordered: bool,
    /// The queue\'s visibility timeout, in milliseconds. `None` for a queue outside the host.
    pub lease_ms: Option<u64>,
    /// As in ARNs.
    pub region: String,
    /// As in ARNs.
    pub account: String,
}

/// A function that a trigger may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionInfo {
    /// The name, with a qualifier for versions and aliases.
    pub name: String,
    /// In milliseconds.
    pub timeout_ms: u32,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same each time it is told.
    pub id: String,
    /// Another one each time.
    pub receipt: String,
    /// As it was sent.
    pub body: Value,
    /// As they were sent.
    pub attributes: Vec<Attribute>,
    /// The message group.
    pub group: Option<String>,
    /// The deduplication id.
    pub deduplication: Option<String>,
    /// 20 digits.
    pub sequence: Option<String>,
    /// In milliseconds since the Unix epoch.
    pub sent_at_ms: u64,
    /// In milliseconds since the Unix epoch.
    pub first_received_at_ms: u64,
    /// This time included.
    pub receives: u32,
    /// The queue it came from as a dead letter, by name or by ARN.
    pub dead_letter_of: Option<String>,
    /// `SenderId` and `AWSTraceHeader`.
    pub extra: Vec<(String, String)>,
}

/// How the host is to gather.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// 1 to 10,000.
    pub max_messages: u32,
    /// Of bodies and attributes together.
    pub max_bytes: u32,
    /// How long to wait for a batch to be full.
    pub window_ms: u32,
    /// The most batches at a time.
    pub max_concurrency: Option<u32>,
}

/// A trigger's configuration, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Comes back to [`shape`](super::shape()) and [`settle`](super::settle()).
    pub state: String,
    /// The function that gets the batches.
    pub function: String,
    /// How the host is to gather.
    pub batching: Batching,
    /// What this trigger does, a line each.
    pub summary: Vec<String>,
    /// What may not do what was intended, one line per item.
    pub warnings: Vec<String>,
}

/// A batch, shaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// JSON text; none if no message is left.
    pub event: Option<String>,
    /// The ids of messages that are not wanted.
    pub skipped: Vec<String>,
    /// Comes back to [`settle`](super::settle()).
    pub token: String,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The function's result.
    Completed(String),
    /// The function failed, timed out, was throttled or can not be invoked: to a queue all the same.
    Failed,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is removed.
    Ack,
    /// It is told again after so many milliseconds; none: at the end of its visibility timeout.
    Retry(Option<u32>),
}

/// An [`Action`] on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The message's id.
    pub id: String,
    /// What becomes of it.
    pub action: Action,
}
