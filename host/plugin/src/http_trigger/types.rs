//! The values that HTTP trigger plugins return, independent of the contract's version.

use std::time::Duration;

use lambkin_model::HttpResponse;

use crate::fetch::{CacheEntry, Fetch, Resumption};
use crate::surroundings::FunctionReference;

/// The result of `configure`.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub state: String,
    pub functions: Vec<FunctionReference>,
    pub max_body_bytes: usize,
    pub reusable: bool,
    /// Whether a response may have status 101 and open a WebSocket connection.
    pub has_websockets: bool,
    /// Whether the plugin answers requests whose body is broken, rather than the host.
    pub answers_body_errors: bool,
    pub timers: Vec<Timer>,
    pub summary: Vec<String>,
    pub warnings: Vec<String>,
}

/// Something that the plugin does by itself at intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Its name, which no other timer of the trigger has, as a displayable line.
    pub name: String,
    /// The time from the beginning of one request to the beginning of the next.
    pub interval: Duration,
}

/// What the plugin wants the host to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Answer the client.
    Reply(Answer),
    /// Invoke a function, then call [`resume`](super::HttpTrigger::resume).
    Invoke(Shaped),
    /// Fetch a document, then call [`resume`](super::HttpTrigger::resume).
    Fetch(Fetch),
}

/// The response for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The response. It has none of the [`FRAMING_HEADERS`](super::FRAMING_HEADERS): the listener sets them.
    pub response: HttpResponse,
    /// The WebSocket connection that the response opens. If there is one, the status is 101 and the body is empty.
    pub connection: Option<NewConnection>,
    /// What the plugin says is wrong with the function's result, as displayable lines for the log.
    pub warnings: Vec<String>,
    /// What the plugin says about the response otherwise, such as why it refuses a request, as displayable lines.
    pub notes: Vec<String>,
    /// In an answer to a timer, what its next request has.
    pub memory: Option<String>,
}

/// A WebSocket connection that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConnection {
    /// The plugin's id of it: printable ASCII.
    pub id: String,
    /// The plugin's data about it, which later calls receive.
    pub data: String,
}

/// How a function is invoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvocationMode {
    /// The plugin receives the whole result.
    Buffered,
    /// The client receives a streamed response while the function produces it.
    Streamed,
    /// The event is stored, and the function runs later.
    Asynchronous,
}

/// The invocation for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaped {
    /// One of [`HttpTrigger::functions`](super::HttpTrigger::functions). A qualifier may follow the name:
    /// `orders:live`.
    pub function: String,
    /// The event, which is JSON text.
    pub event: String,
    /// How the function is invoked.
    pub mode: InvocationMode,
    /// The longest time that the trigger waits for the function. `None`: no limit but the function's own timeout.
    pub wait: Option<Duration>,
    /// Only if the mode is [`Buffered`](InvocationMode::Buffered).
    pub cache: Option<CacheEntry>,
    /// How the plugin goes on.
    pub resumption: Resumption,
}
