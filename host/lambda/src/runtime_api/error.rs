//! What the Runtime API refuses, in AWS's statuses and words.

use std::borrow::Cow;

use http::StatusCode;

use super::state::TransitionError;

/// An answer of the Runtime API that is not a success.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub status: StatusCode,
    pub error_type: &'static str,
    pub message: Cow<'static, str>,
}

impl ApiError {
    pub(crate) const INVALID_REQUEST_ID: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "InvalidRequestID",
        "Invalid request ID",
    );
    pub(crate) const INVALID_RESPONSE_MODE: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "InvalidFunctionResponseMode",
        "Invalid function response mode",
    );
    pub(crate) const TRUNCATED: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "TruncatedHTTPRequest",
        "HTTP request detected as truncated",
    );
    pub(crate) const TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLarge",
        "Exceeded maximum allowed payload size (6291556 bytes).",
    );
    /// The invocation has timed out, or the answer is for another attempt at it.
    pub(crate) const TOO_LATE: Self =
        Self::new(StatusCode::GONE, "InvokeTimeout", "Invoke timeout");
    /// More requests for the next event than the environment runs invocations at a time.
    pub(crate) const TOO_MANY_IDLE: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "Runtime.TooManyIdleRuntimes",
        "Too many idle runtimes",
    );
    pub(crate) const INTERNAL: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalServerError",
        "Internal Server Error",
    );

    const fn new(status: StatusCode, error_type: &'static str, message: &'static str) -> Self {
        Self {
            status,
            error_type,
            message: Cow::Borrowed(message),
        }
    }
}

impl From<TransitionError> for ApiError {
    fn from(refused: TransitionError) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            error_type: "InvalidStateTransition",
            message: Cow::Owned(refused.to_string()),
        }
    }
}
