//! Errors of the Runtime, Extensions, Telemetry and Logs APIs, with AWS's statuses, types and messages.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use lambkin_http::{Response, json};

use crate::function_error;

/// An error response of one of the APIs at the Runtime API's address.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub status: StatusCode,
    /// The member `errorType`.
    pub error_type: &'static str,
    /// The member `errorMessage`.
    pub message: Cow<'static, str>,
}

impl ApiError {
    pub(crate) const INVALID_REQUEST_ID: Self = Self::fixed(
        StatusCode::BAD_REQUEST,
        "InvalidRequestID",
        "Invalid request ID",
    );
    pub(crate) const INVALID_RESPONSE_MODE: Self = Self::fixed(
        StatusCode::BAD_REQUEST,
        "InvalidFunctionResponseMode",
        "Invalid function response mode",
    );
    pub(crate) const TRUNCATED: Self = Self::fixed(
        StatusCode::BAD_REQUEST,
        "TruncatedHTTPRequest",
        "HTTP request detected as truncated",
    );
    pub(crate) const TOO_LARGE: Self = Self::fixed(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLarge",
        "Exceeded maximum allowed payload size (6291556 bytes).",
    );
    /// The invocation has timed out, or the response is for an earlier delivery of the same event.
    pub(crate) const TOO_LATE: Self =
        Self::fixed(StatusCode::GONE, "InvokeTimeout", "Invoke timeout");
    /// More requests wait for the next event than the environment runs invocations at a time.
    pub(crate) const TOO_MANY_IDLE: Self = Self::fixed(
        StatusCode::BAD_REQUEST,
        "Runtime.TooManyIdleRuntimes",
        "Too many idle runtimes",
    );
    /// The process does not belong to the environment. AWS has no such error, because nothing else can connect there.
    pub(crate) const STRANGER: Self = Self::fixed(
        StatusCode::FORBIDDEN,
        "AccessDeniedException",
        "Only the processes of this execution environment may connect to its Runtime API",
    );
    pub(crate) const INTERNAL: Self = Self::fixed(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalServerError",
        "Internal Server Error",
    );

    const fn fixed(status: StatusCode, error_type: &'static str, message: &'static str) -> Self {
        Self {
            status,
            error_type,
            message: Cow::Borrowed(message),
        }
    }

    pub(crate) fn new(
        status: StatusCode,
        error_type: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            error_type,
            message: message.into(),
        }
    }

    pub(crate) fn into_response(self) -> Response {
        let body = function_error::api_error_body(self.error_type, &self.message);
        json(self.status, body)
    }
}

/// 202 with AWS's body, or the error.
pub(crate) fn accepted_or_error(result: Result<(), ApiError>) -> Response {
    match result {
        Ok(()) => json(
            StatusCode::ACCEPTED,
            Bytes::from_static(b"{\"status\":\"OK\"}\n"),
        ),
        Err(error) => error.into_response(),
    }
}
