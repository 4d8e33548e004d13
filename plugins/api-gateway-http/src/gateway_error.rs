//! The gateway's own error responses: a status and `{"message":"…"}`. Why it answers is a line of the host's log.

use alloc::borrow::ToOwned as _;
use alloc::format;

use http_event::contract::{NOTE, Response, ResponseBody};

/// The header that returns the id of the request to the caller.
pub const REQUEST_ID: &str = "apigw-requestid";

/// Why the gateway answers instead of the function. The messages are AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayError {
    /// The body has ended early, or its chunked encoding is not valid.
    BadRequest,
    /// The client has paused for too long within the body.
    RequestTimeout,
    /// The request does not identify its caller, or not with a valid token.
    Unauthorized,
    /// The caller may not do this.
    Forbidden,
    /// The route's throttle refuses the request.
    TooManyRequests,
    /// The ARN that a policy would be compared with is too long.
    RequestUriTooLong,
    /// No route matches, or the stage does not exist. HTTP APIs do not answer 403 or 405 here.
    NotFound,
    /// The body, or the event made of the request, is too large.
    EntityTooLarge,
    /// The request line is too long.
    UriTooLong,
    /// The request line and the headers together are too long.
    HeadersTooLarge,
    /// The function failed, could not be invoked, or returned something that is not a response.
    InternalServerError,
    /// The function did not answer within the integration's timeout.
    ServiceUnavailable,
}

impl GatewayError {
    /// The error as a response.
    pub fn response(self, request_id: &str) -> Response {
        let (status, message) = match self {
            Self::BadRequest => (400, "Bad Request"),
            Self::RequestTimeout => (408, "Request Timeout"),
            Self::Unauthorized => (401, "Unauthorized"),
            Self::Forbidden => (403, "Forbidden"),
            Self::TooManyRequests => (429, "Too Many Requests"),
            Self::RequestUriTooLong => (414, "Request URI too long"),
            Self::NotFound => (404, "Not Found"),
            Self::EntityTooLarge => (413, "Request Entity Too Large"),
            Self::UriTooLong => (414, "URI Too Long"),
            Self::HeadersTooLarge => (431, "Request Header Fields Too Large"),
            Self::InternalServerError => (500, "Internal Server Error"),
            Self::ServiceUnavailable => (503, "Service Unavailable"),
        };
        let why = match self {
            Self::Unauthorized => Some("the request has no identity that the authorizer accepts"),
            Self::Forbidden => Some("the authorizer does not allow the request"),
            Self::TooManyRequests => Some("the route's throttle refuses the request"),
            Self::RequestUriTooLong => Some("the ARN of the request has more than 1,600 bytes"),
            Self::NotFound => Some("no route has this path and method in the stage of the API"),
            Self::EntityTooLarge => {
                Some("the body is larger than 10 MiB, or its event larger than 6 MiB")
            }
            Self::UriTooLong | Self::HeadersTooLarge => {
                Some("the request line and the headers have more than 10,240 bytes")
            }
            // Said otherwise.
            Self::BadRequest
            | Self::RequestTimeout
            | Self::InternalServerError
            | Self::ServiceUnavailable => None,
        };
        let body = ResponseBody::Text(["{\"message\":\"", message, "\"}"].concat());
        let mut response = Response::new(status, body);
        response.push_header("content-type", "application/json");
        response.push_header(REQUEST_ID, request_id);
        let note = why.map(|why| (NOTE.to_owned(), format!("{status} {message}: {why}")));
        response.extra.extend(note);
        response
    }
}
