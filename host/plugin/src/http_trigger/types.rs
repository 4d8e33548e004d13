//! The values that HTTP trigger plugins return, independent of the contract's version.

use std::time::Duration;

use lambkin_model::HttpResponse;

/// The result of `configure`.
#[derive(Debug)]
pub(crate) struct Setup {
    pub state: String,
    pub functions: Vec<String>,
    pub max_body_bytes: usize,
    pub summary: Vec<String>,
}

/// The plugin's decision about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Answer now, without a function.
    Reply(HttpResponse),
    /// Invoke a function, then call [`respond`](super::HttpTrigger::respond).
    Invoke(Shaped),
}

/// The invocation for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaped {
    /// One of [`HttpTrigger::functions`](super::HttpTrigger::functions). A qualifier may follow the name:
    /// `orders:live`.
    pub function: String,
    /// The event, which is JSON text.
    pub event: String,
    /// The token for [`HttpTrigger::respond`](super::HttpTrigger::respond), up to
    /// [`TOKEN_BYTES`](crate::limits::TOKEN_BYTES).
    pub token: String,
    /// The longest time that the trigger waits for the function. `None`: no limit but the function's own timeout.
    pub wait: Option<Duration>,
    /// Whether the client receives a streamed response while the function produces it.
    pub streaming: bool,
}
