//! The gateway's own answers: a status and `{"message":"…"}`.

use alloc::string::String;
use alloc::vec;

use crate::contract::{Body, Response};

/// The header that repeats the request's id to the caller.
pub const REQUEST_ID: &str = "apigw-requestid";

/// An answer of the gateway. The texts are AWS's, capitals and missing spaces included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gateway {
    /// No route or no such stage. HTTP APIs have neither 403 nor 405.
    NotFound,
    /// The body is too large.
    EntityTooLarge,
    /// The path and query alone are too long.
    UriTooLong,
    /// Request line and headers together are too long.
    HeadersTooLarge,
    /// The function failed, could not be called, or answered with something that is no response.
    InternalServerError,
    /// The integration's time-out went by.
    ServiceUnavailable,
}

impl Gateway {
    /// The answer as a response.
    pub fn response(self, request_id: &str) -> Response {
        let (status, message) = match self {
            Self::NotFound => (404, "Not Found"),
            Self::EntityTooLarge => (413, "Request Entity Too Large"),
            Self::UriTooLong => (414, "URI Too Long"),
            Self::HeadersTooLarge => (431, "Request Header Fields Too Large"),
            Self::InternalServerError => (500, "Internal Server Error"),
            Self::ServiceUnavailable => (503, "Service Unavailable"),
        };
        Response {
            status,
            headers: vec![
                ("content-type".into(), "application/json".into()),
                (REQUEST_ID.into(), request_id.into()),
            ],
            body: Body::Text(["{\"message\":\"", message, "\"}"].concat()),
        }
    }
}

/// A response without a body, for a preflight.
pub fn no_content(request_id: &str) -> Response {
    Response {
        status: 204,
        headers: vec![(REQUEST_ID.into(), String::from(request_id))],
        body: Body::Empty,
    }
}
