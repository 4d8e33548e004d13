//! One invocation of a function, from the caller's wish to its outcome.

use std::fmt;

use bytes::Bytes;

/// A Lambda request id: a UUID (version 4) in its usual spelling.
///
/// The same id is in `Lambda-Runtime-Aws-Request-Id`, in `x-amzn-RequestId` and in every log line of the invocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// Takes the text as it is; whoever makes the id makes it unique.
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
    /// Made by whoever received the call.
    pub request_id: RequestId,
    /// JSON text; whoever received the call has checked that.
    pub event: Bytes,
    /// The version or alias asked for; `None` is `$LATEST`.
    pub qualifier: Option<String>,
    /// `Root=…;Parent=…;Sampled=…`, handed to the runtime as `Lambda-Runtime-Trace-Id`.
    pub trace_id: String,
    /// Decoded JSON of `X-Amz-Client-Context`.
    pub client_context: Option<String>,
    /// JSON of the caller's Cognito identity: `{"cognitoIdentityId":…,"cognitoIdentityPoolId":…}`
    pub cognito_identity: Option<String>,
    /// `X-Amz-Tenant-Id`, of functions whose tenants are isolated.
    pub tenant_id: Option<String>,
    /// Whether the caller wants the end of the invocation's log (`LogType=Tail`).
    pub wants_log_tail: bool,
}

/// What became of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The function's result, or why there is none.
    pub result: Result<Bytes, Failure>,
    /// The last 4 KiB of the invocation's log, if the caller wanted it and the function ran.
    pub log_tail: Option<Bytes>,
}

/// Why an invocation has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The function ran, or tried to: the caller gets the payload and the mark `Unhandled`.
    Function(Fault),
    /// The function has reached its concurrency limit, and its queue is full.
    Throttled,
    /// No function of this name.
    UnknownFunction,
    /// The host is stopping.
    ShuttingDown,
}

/// A function's failure, as AWS reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Who says so.
    pub kind: FaultKind,
    /// The answer's body: what the runtime posted, or `{"errorType":…,"errorMessage":…}` made by the platform.
    pub payload: Bytes,
}

/// Who reported a [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The function's own code or its runtime client, through `/error`.
    Reported,
    /// The function's runtime client, through `/init/error`: it never came to serving.
    ReportedInInit,
    /// The platform: the function's time-out went by (`Sandbox.Timedout`).
    TimedOut,
    /// The platform, with AWS's error type: `Runtime.ExitError`, `Function.ResponseSizeTooLarge`, …
    Platform(&'static str),
}
