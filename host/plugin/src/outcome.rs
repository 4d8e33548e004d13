//! How an invocation ended, for the plugins of triggers.

/// The outcome of an invocation, as a trigger's plugin receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerOutcome {
    /// The function's result.
    Completed(String),
    /// A streamed response has begun; this is its prelude, empty if it has none.
    StreamOpened(String),
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
    /// The function cannot be invoked; the text gives the reason.
    Unavailable(String),
}

impl TriggerOutcome {
    /// The bytes of its texts.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Completed(text) | Self::StreamOpened(text) | Self::Unavailable(text) => {
                text.len()
            }
            Self::Failed { kind, payload } => kind.len() + payload.len(),
            Self::TimedOut | Self::Expired | Self::Throttled => 0,
        }
    }
}
