//! The gateway's own answers: bodies of HTTP responses and text messages.

use alloc::format;
use alloc::string::String;

use http_event::contract::{NOTE, Response, ResponseBody};
use http_event::json::write;

/// Why the gateway answers instead of the function. The messages are AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayError {
    /// No route, stage or path fits.
    Forbidden,
    /// The function failed, or its result has no `statusCode`.
    InternalServerError,
    /// The function did not answer within the integration's timeout.
    TimedOut,
    /// The function is throttled.
    TooManyRequests,
    /// The body has ended early, or its chunked encoding is not valid.
    BadRequest,
    /// The client has paused for too long within the body.
    RequestTimeout,
    /// The headers of the request are too long.
    HeadersTooLarge,
    /// The request is not one for a WebSocket connection.
    UpgradeRequired,
}

impl GatewayError {
    fn parts(self) -> (u16, &'static str) {
        match self {
            Self::Forbidden => (403, "Forbidden"),
            Self::InternalServerError => (502, "Internal server error"),
            Self::TimedOut => (504, "Endpoint request timed out"),
            Self::TooManyRequests => (429, "Too Many Requests"),
            Self::BadRequest => (400, "Bad Request"),
            Self::RequestTimeout => (408, "Request Timeout"),
            Self::HeadersTooLarge => (431, "Request Header Fields Too Large"),
            Self::UpgradeRequired => (426, "Upgrade Required"),
        }
    }

    /// The text message that the client of a connection receives.
    pub fn message(self, connection_id: &str, request_id: &str) -> String {
        let (_, message) = self.parts();
        let mut text = String::from("{\"message\": ");
        for (part, value) in [
            ("", message),
            (", \"connectionId\":", connection_id),
            (", \"requestId\":", request_id),
        ] {
            text.push_str(part);
            text.push_str(&write::quoted(value));
        }
        text.push('}');
        text
    }

    /// The response to a request for a connection.
    pub fn response(self, connection_id: &str, request_id: &str) -> Response {
        let (status, message) = self.parts();
        let why = match self {
            Self::Forbidden => {
                Some("the path is not that of the API, or the authorizer denies the connection")
            }
            Self::HeadersTooLarge => Some("the headers are too long"),
            Self::UpgradeRequired => Some("the request asks for no WebSocket connection"),
            // Said otherwise.
            Self::BadRequest
            | Self::RequestTimeout
            | Self::InternalServerError
            | Self::TimedOut
            | Self::TooManyRequests => None,
        };
        let body = ResponseBody::Text(self.message(connection_id, request_id));
        let mut response = Response::new(status, body);
        response.push_header("content-type", "application/json");
        response.push_header("x-amzn-requestid", request_id);
        let note = why.map(|why| (String::from(NOTE), format!("{status} {message}: {why}")));
        response.extra.extend(note);
        response
    }
}
