//! The values of WebSocket triggers, independent of the contract's version.

use std::time::Duration;

/// How the host treats the connections of a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocketSetup {
    /// How long a connection may be without a frame in either direction. `None`: without limit.
    pub idle_timeout: Option<Duration>,
    /// How long a connection may last. `None`: without limit.
    pub max_duration: Option<Duration>,
    /// The reason of the close frame after one of these times.
    pub timeout_reason: String,
    /// The largest message that a client may send, in bytes.
    pub max_message_bytes: usize,
    /// The largest frame that a client may send, in bytes.
    pub max_frame_bytes: usize,
}

/// An open connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenConnection {
    /// The plugin's id of it: printable ASCII.
    pub id: String,
    /// The plugin's data about it.
    pub data: String,
    /// When it was opened, in milliseconds since the Unix epoch.
    pub connected_at_ms: u64,
}

/// What happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// A UUID that the host generated; it is also the request id of the first invocation.
    pub id: String,
    /// The X-Ray trace header, `Root=1-…;Parent=…;Sampled=0`.
    pub trace_id: String,
    /// When it happened, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The close code of RFC 6455; 1005 without one, 1006 without a close frame.
    pub code: u16,
    /// The reason; empty without one.
    pub reason: String,
}
