//! Calls on their way to an environment, and the replies to their callers.

use bytes::Bytes;
use lambkin_model::{Invocation, InvokeError, Outcome};
use tokio::sync::{mpsc, oneshot};

/// The reply to a caller that accepts a streamed response.
#[derive(Debug)]
pub enum Reply {
    /// The function's whole response, or an error.
    Whole(Outcome),
    /// A streamed response.
    Stream(ResponseStream),
}

/// A response that the runtime is still sending.
#[derive(Debug)]
pub struct ResponseStream {
    /// The runtime's `Content-Type`.
    pub content_type: Option<String>,
    /// The chunks of the body in order; the channel closes after the last one.
    pub chunks: mpsc::Receiver<Bytes>,
    /// How the stream ended, sent after the last chunk. A closed channel means that the host is shutting down.
    pub end: oneshot::Receiver<StreamEnd>,
}

/// The end of a [`ResponseStream`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEnd {
    /// The error that ended the stream early, if any.
    pub error: Option<StreamError>,
    /// The end of the invocation's log; see [`Outcome::log_tail`].
    pub log_tail: Option<Bytes>,
}

/// An error in the middle of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamError {
    /// The error type, from AWS or from the runtime: `Sandbox.Timedout`, `Runtime.ExitError`,
    /// `Function.ResponseSizeTooLarge`, …
    pub error_type: String,
    /// The error's body, usually JSON.
    pub payload: Bytes,
}

/// One call on its way to an environment.
#[derive(Debug)]
pub(crate) struct Call {
    pub invocation: Invocation,
    /// Whether the caller accepts a streamed response; otherwise it gets [`Reply::Whole`].
    pub wants_stream: bool,
    /// Where the reply is sent, once.
    pub answer: oneshot::Sender<Reply>,
}

/// The outcome of a call that was not made.
pub(crate) fn refused(error: InvokeError) -> Outcome {
    Outcome {
        result: Err(error),
        log_tail: None,
    }
}

/// The reply to a call that the host refuses because it is shutting down.
pub(crate) fn shutting_down() -> Reply {
    Reply::Whole(refused(InvokeError::ShuttingDown))
}
