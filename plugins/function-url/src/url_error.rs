//! The URL's own error responses.
//!
//! The bodies for 403 and 502 are recorded from AWS. Those for 413 and 429 are the ones that the Invoke API returns;
//! none are recorded for function URLs, and none for 400 and 408, which have the form of that for 403.

use http_event::contract::{Response, ResponseBody};

/// Why the URL answers instead of the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlError {
    /// The body has ended early, or its chunked encoding is not valid.
    BadRequest,
    /// The client has paused for too long within the body.
    RequestTimeout,
    /// The request has to be signed and is not.
    Forbidden,
    /// The body, or the event made of the request, is larger than Lambda allows.
    TooLarge,
    /// The function has no free environment.
    Throttled,
    /// The function failed, timed out, could not be invoked, or returned something that is not a response.
    BadGateway,
}

impl UrlError {
    /// The error as a response. The headers of all responses are still to be added.
    pub fn response(self) -> Response {
        let (status, kind, body) = match self {
            Self::BadRequest => (400, "BadRequestException", "{\"Message\":\"Bad Request\"}"),
            Self::RequestTimeout => (
                408,
                "RequestTimeoutException",
                "{\"Message\":\"Request Timeout\"}",
            ),
            Self::Forbidden => (
                403,
                "AccessDeniedException",
                "{\"Message\":\"Forbidden. For troubleshooting Function URL authorization issues, see: \
                 https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html\"}",
            ),
            Self::TooLarge => (
                413,
                "RequestTooLargeException",
                "{\"Type\":\"User\",\"message\":\"Request must be smaller than 6291456 bytes for the InvokeFunction \
                 operation\"}",
            ),
            Self::Throttled => (
                429,
                "TooManyRequestsException",
                "{\"Reason\":\"ConcurrentInvocationLimitExceeded\",\"Type\":\"User\",\"message\":\"Rate Exceeded.\"}",
            ),
            Self::BadGateway => (502, "", "Internal Server Error"),
        };
        let mut response = Response::new(status, ResponseBody::Text(body.into()));
        response.push_header("content-type", "application/json");
        if !kind.is_empty() {
            response.push_header("x-amzn-ErrorType", kind);
        }
        response
    }
}
