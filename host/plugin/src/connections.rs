//! The open WebSocket connections of a trigger, as its plugin's calls reach them.
//!
//! The crate that owns the sockets implements [`Connections`]; the plugin's imported functions end there. No call waits.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// A message of a WebSocket connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebSocketMessage {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
}

impl WebSocketMessage {
    /// The number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the host knows about an open connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The plugin's data about it.
    pub data: String,
    /// When it was opened, in milliseconds since the Unix epoch.
    pub connected_at_ms: u64,
    /// When the last message was received or sent, in the same unit.
    pub last_active_at_ms: u64,
}

/// Why a message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// There is no open connection with this id.
    Gone,
    /// The client does not read.
    Busy,
}

/// The open connections of one trigger, by the ids that its plugin gave them.
pub trait Connections: fmt::Debug + Send + Sync {
    /// An open connection.
    fn get(&self, id: &str) -> Option<ConnectionInfo>;

    /// Queues a message for a client.
    ///
    /// # Errors
    ///
    /// The connection is not open, or too much is queued already.
    fn send(&self, id: &str, message: WebSocketMessage) -> Result<(), SendError>;

    /// Closes a connection, after what is queued for it has been sent. Whether it was open.
    fn close(&self, id: &str, code: u16, reason: &str) -> bool;
}

/// The connections that a call reaches; `None` if its trigger has none.
pub(crate) type ReachableConnections = Option<Arc<dyn Connections>>;
