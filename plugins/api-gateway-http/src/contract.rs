//! The shapes of the contract `lambkin:http-trigger@0.1.0` as plain types, so that the plugin's logic is tested without
//! WebAssembly.
//!
//! Each type has the fields of the WIT type of its name; what they mean is said there. The `extra` lists are left
//! out: this plugin reads none and writes none.

use alloc::string::String;
use alloc::vec::Vec;

/// The body of a request or a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// No bytes.
    Empty,
    /// Valid UTF-8.
    Text(String),
    /// Any bytes.
    Binary(Vec<u8>),
}

impl Body {
    /// The bytes, whatever they are.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// One HTTP request, as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// A UUID.
    pub id: String,
    /// `Root=1-…;Parent=…;Sampled=0`.
    pub trace_id: String,
    /// Arrival in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The client's address without its port.
    pub peer: String,
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub protocol: String,
    /// Host and port asked for.
    pub authority: String,
    /// As sent.
    pub method: String,
    /// As sent, percent-encoded.
    pub path: String,
    /// As sent, percent-encoded, without `?`.
    pub query: String,
    /// Names in lower case; a repeated header once per value, its values side by side.
    pub headers: Vec<(String, String)>,
    /// Text exactly when it is valid UTF-8.
    pub body: Body,
}

impl Request {
    /// The values of a header, in order; `name` is in lower case.
    pub fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A call of a Lambda function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The function's name in `lambkin.toml`.
    pub function: String,
    /// JSON text.
    pub event: String,
    /// Comes back to [`respond`](crate::respond()).
    pub token: String,
    /// The longest this trigger waits, in milliseconds.
    pub wait_ms: Option<u32>,
    /// Whether to pass a streamed response on while it is produced.
    pub streaming: bool,
}

/// An HTTP response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 100 to 999.
    pub status: u16,
    /// In the order to send.
    pub headers: Vec<(String, String)>,
    /// Sent as is.
    pub body: Body,
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Answer now.
    Reply(Response),
    /// Invoke a function.
    Invoke(Invocation),
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The function's result.
    Completed(String),
    /// The prelude of a streamed response.
    StreamOpened(String),
    /// The function failed; API Gateway never shows how.
    Failed,
    /// The function ran into its own time-out.
    TimedOut,
    /// The trigger's own wait went by.
    Expired,
    /// The function has reached its concurrency limit.
    Throttled,
    /// The function can not be invoked; the host logs why.
    Unavailable,
}

/// A trigger's configuration, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Comes back to [`shape`](crate::shape()) and [`respond`](crate::respond()).
    pub state: String,
    /// Every function that may be invoked, once each.
    pub functions: Vec<String>,
    /// The largest request body that is accepted, in bytes.
    pub max_body_bytes: u32,
    /// What this trigger does, a line each.
    pub summary: Vec<String>,
}
