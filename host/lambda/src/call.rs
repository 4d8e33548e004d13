//! A call on its way to an environment, and the answer to its caller.

use bytes::Bytes;
use lambkin_model::{Invocation, InvokeError, Outcome};
use tokio::sync::{mpsc, oneshot};

/// The answer to a caller that takes a response as it is made.
#[derive(Debug)]
pub enum Reply {
    /// The runtime answered with one piece, or there is a failure.
    Whole(Outcome),
    /// The runtime streams.
    Stream(ResponseStream),
}

/// A response that is still being made.
#[derive(Debug)]
pub struct ResponseStream {
    /// The runtime's `Content-Type`.
    pub content_type: Option<String>,
    /// The body's pieces, in order, until the channel closes.
    pub chunks: mpsc::Receiver<Bytes>,
    /// How it ended; arrives after the last piece. An error here means that the host is shutting down.
    pub end: oneshot::Receiver<StreamEnd>,
}

/// The end of a [`ResponseStream`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEnd {
    /// What went wrong midway, if anything did.
    pub error: Option<StreamError>,
    /// As in [`Outcome::log_tail`].
    pub log_tail: Option<Bytes>,
}

/// What went wrong in the middle of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamError {
    /// AWS's or the runtime's error type: `Sandbox.Timedout`, `Runtime.ExitError`, `Function.ResponseSizeTooLarge`, …
    pub error_type: String,
    /// The error, usually JSON.
    pub payload: Bytes,
}

/// One call on its way to an environment.
#[derive(Debug)]
pub(crate) struct Call {
    pub invocation: Invocation,
    /// Whether the caller takes a response as it is made; else it gets a [`Reply::Whole`].
    pub wants_stream: bool,
    pub answer: oneshot::Sender<Reply>,
}

/// An outcome without an invocation.
pub(crate) fn refused(error: InvokeError) -> Outcome {
    Outcome {
        result: Err(error),
        log_tail: None,
    }
}

/// The reply to a call that nobody will serve any more.
pub(crate) fn shutting_down() -> Reply {
    Reply::Whole(refused(InvokeError::ShuttingDown))
}
