//! How an invocation or a fetch ended, for the plugins of triggers.

use bytes::Bytes;

/// The outcome of an invocation or a fetch, as a trigger's plugin receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerOutcome {
    /// How it ended.
    pub ending: Ending,
    /// The time of the end, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Whether the ending comes from the trigger's cache.
    pub cached: bool,
}

/// How an invocation or a fetch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The function's result.
    Completed(String),
    /// A streamed response has begun.
    StreamOpened(StreamHead),
    /// The event of an asynchronous invocation is stored.
    Accepted,
    /// The function failed.
    Failed {
        /// `handler`, or the platform's error type.
        kind: String,
        /// The error as Lambda returns it.
        payload: String,
    },
    /// The function exceeded its own timeout.
    TimedOut,
    /// The longest time that the trigger waits elapsed first.
    Expired,
    /// The function has reached its concurrency limit.
    Throttled,
    /// The function cannot be invoked or the document cannot be fetched; the text gives the reason.
    Unavailable(String),
    /// The response to a fetch.
    Fetched(Fetched),
}

/// The beginning of a streamed response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamHead {
    /// The prelude, which is JSON. `None` if the content type shows that the stream has no prelude.
    pub prelude: Option<String>,
    /// The content type that the function gave the stream.
    pub content_type: Option<String>,
}

/// The response to a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The status code.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, up to [`FETCHED_BYTES`](crate::limits::FETCHED_BYTES).
    pub body: Bytes,
}

impl TriggerOutcome {
    /// The bytes of its texts and documents.
    pub(crate) fn size(&self) -> usize {
        match &self.ending {
            Ending::Completed(text) | Ending::Unavailable(text) => text.len(),
            Ending::StreamOpened(head) => head.prelude.as_ref().map_or(0, String::len),
            Ending::Failed { kind, payload } => kind.len() + payload.len(),
            Ending::Fetched(fetched) => {
                let headers = fetched.headers.iter();
                let headers = headers.map(|(name, value)| name.len() + value.len());
                fetched.body.len() + headers.sum::<usize>()
            }
            Ending::Accepted | Ending::TimedOut | Ending::Expired | Ending::Throttled => 0,
        }
    }
}
