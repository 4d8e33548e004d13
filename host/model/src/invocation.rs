//! One invocation of a function, from the caller's request to its outcome.

use std::fmt;

use bytes::Bytes;

/// A Lambda request id: a UUID (version 4) in its usual form of 36 characters.
///
/// The same id is in `Lambda-Runtime-Aws-Request-Id`, in `x-amzn-RequestId` and in every log line of the invocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// Wraps the text without checking it; the caller guarantees that the id is unique.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a caller asks of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The request id, made where the call was received.
    pub request_id: RequestId,
    /// The event: JSON text, which was validated where the call was received.
    pub event: Bytes,
    /// The version or alias that the caller named; `None` is `$LATEST`.
    pub qualifier: Option<String>,
    /// The X-Ray trace header, `Root=…;Parent=…;Sampled=…`, passed to the runtime as `Lambda-Runtime-Trace-Id`.
    pub trace_id: String,
    /// The decoded JSON of `X-Amz-Client-Context`.
    pub client_context: Option<String>,
    /// The caller's Cognito identity as JSON: `{"cognitoIdentityId":…,"cognitoIdentityPoolId":…}`.
    pub cognito_identity: Option<String>,
    /// The value of `X-Amz-Tenant-Id`, which only functions with tenant isolation accept.
    pub tenant_id: Option<String>,
    /// Whether the caller wants the last 4 KiB of the invocation's log (`LogType=Tail`).
    pub wants_log_tail: bool,
}

impl Invocation {
    /// An invocation of `$LATEST` without contexts, tenant or log tail.
    pub fn new(
        request_id: RequestId,
        event: impl Into<Bytes>,
        trace_id: impl Into<String>,
    ) -> Self {
        Self {
            request_id,
            event: event.into(),
            qualifier: None,
            trace_id: trace_id.into(),
            client_context: None,
            cognito_identity: None,
            tenant_id: None,
            wants_log_tail: false,
        }
    }
}

/// The result of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The function's response, or the reason why there is none.
    pub result: Result<Bytes, InvokeError>,
    /// The last 4 KiB of the invocation's log, if the caller asked for it and the function ran.
    pub log_tail: Option<Bytes>,
}

/// Why an invocation has no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The function ran, or an attempt was made to start it. The caller gets the error's payload, marked
    /// `X-Amz-Function-Error: Unhandled`.
    #[error("the function failed")]
    Function(FunctionError),
    /// The function has reached its concurrency limit, and its queue is full.
    #[error("the function is throttled: it has reached its concurrency limit")]
    Throttled,
    /// There is no function of this name.
    #[error("there is no function of this name")]
    UnknownFunction,
    /// The host is shutting down.
    #[error("the host is shutting down")]
    ShuttingDown,
}

/// The error of a function that ran, or could not be started, as AWS reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// Where the error was detected.
    pub kind: FunctionErrorKind,
    /// The body for the caller: what the runtime posted, or `{"errorType":…,"errorMessage":…}` from the platform.
    pub payload: Bytes,
}

/// Where a [`FunctionError`] was detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionErrorKind {
    /// The function's code or its runtime client reported it through `/invocation/{id}/error`.
    Reported,
    /// The runtime client reported it through `/init/error`, before it asked for an event.
    ReportedInInit,
    /// The platform: the function did not answer within its timeout (`Sandbox.Timedout`).
    TimedOut,
    /// The platform, with AWS's error type: `Runtime.ExitError`, `Function.ResponseSizeTooLarge`, …
    Platform(&'static str),
}
