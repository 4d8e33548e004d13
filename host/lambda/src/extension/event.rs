//! The two events that an extension can subscribe to, in AWS's JSON.

use bytes::Bytes;
use serde::Serialize;

/// A type of event that an extension may subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum EventType {
    Invoke,
    Shutdown,
}

impl EventType {
    /// AWS's name for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Invoke => "INVOKE",
            Self::Shutdown => "SHUTDOWN",
        }
    }
}

/// An invocation without its payload.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "eventType", rename = "INVOKE", rename_all = "camelCase")]
pub(crate) struct InvokeEvent<'a> {
    /// In milliseconds since the Unix epoch.
    pub deadline_ms: u64,
    pub request_id: &'a str,
    pub invoked_function_arn: &'a str,
    pub tracing: Tracing<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<&'a str>,
}

/// The X-Ray trace of an invocation.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "type", rename = "X-Amzn-Trace-Id")]
pub(crate) struct Tracing<'a> {
    /// `Root=…;Parent=…;Sampled=…`
    pub value: &'a str,
}

/// The shutdown of an environment, or its reset after a failure.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "eventType", rename = "SHUTDOWN", rename_all = "camelCase")]
pub(crate) struct ShutdownEvent {
    /// When the processes that still run are killed, in milliseconds since the Unix epoch.
    pub deadline_ms: u64,
    pub shutdown_reason: ShutdownReason,
}

/// Why an environment is shut down or reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ShutdownReason {
    /// It is no longer needed.
    Spindown,
    /// The function timed out.
    Timeout,
    /// The runtime or an extension crashed.
    Failure,
}

pub(super) fn json(value: &impl Serialize) -> Bytes {
    // Structs of strings and numbers always serialize.
    serde_json::to_vec(value).unwrap_or_default().into()
}
