//! The gateway's own error responses: a status and `{"message":"…"}`.

use http_event::contract::{Response, ResponseBody};

/// The header that returns the id of the request to the caller.
pub const REQUEST_ID: &str = "apigw-requestid";

/// Why the gateway answers instead of the function. The messages are AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayError {
    /// The request does not identify its caller, or not with a valid token.
    Unauthorized,
    /// The caller may not do this.
    Forbidden,
    /// The ARN that a policy would be compared with is too long.
    RequestUriTooLong,
    /// No route matches, or the stage does not exist. HTTP APIs do not answer 403 or 405 here.
    NotFound,
    /// The body is too large.
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
            Self::Unauthorized => (401, "Unauthorized"),
            Self::Forbidden => (403, "Forbidden"),
            Self::RequestUriTooLong => (414, "Request URI too long"),
            Self::NotFound => (404, "Not Found"),
            Self::EntityTooLarge => (413, "Request Entity Too Large"),
            Self::UriTooLong => (414, "URI Too Long"),
            Self::HeadersTooLarge => (431, "Request Header Fields Too Large"),
            Self::InternalServerError => (500, "Internal Server Error"),
            Self::ServiceUnavailable => (503, "Service Unavailable"),
        };
        let body = ResponseBody::Text(["{\"message\":\"", message, "\"}"].concat());
        let mut response = Response::new(status, body);
        response.push_header("content-type", "application/json");
        response.push_header(REQUEST_ID, request_id);
        response
    }
}
