//! The contract `lambkin:http-trigger`: types generated from its WIT file, where they are documented. They are the same
//! in a component and in native tests; a component implements [`Guest`] and exports it with the macro `export!`.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "generated items are documented in the WIT file, and bindings call foreign functions"
)]

use alloc::string::String;
use alloc::vec::Vec;

wit_bindgen::generate!({
    world: "lambkin:http-trigger/http-trigger",
    path: ["../../../wit/common", "../../../wit/http-trigger"],
    generate_all,
    additional_derives: [PartialEq, Eq],
    pub_export_macro: true,
    default_bindings_module: "http_event::contract",
});

pub use exports::lambkin::http_trigger::http_shaper::*;

/// The key of a response's `extra` for a text that the host logs as a warning.
pub const WARNING: &str = "warning";

/// The key of a response's `extra` for a text that the host logs as information.
pub const NOTE: &str = "note";

/// The key of a request's `extra` for the timer that is due.
pub const TIMER: &str = "timer";

/// The key of a request's and a response's `extra` for what the next request of a timer has.
pub const MEMORY: &str = "memory";

/// The key of a request's `extra` for a test of the method, as of AWS's console.
pub const TEST_INVOKE: &str = "test-invoke";

/// The kind of a failure for an event that is larger than Lambda allows: the function was not invoked.
pub const EVENT_TOO_LARGE: &str = "RequestEntityTooLargeException";

/// The key of a request's `extra` for the version of HTTP if it is not the one of `protocol`: `2`.
pub const HTTP_VERSION: &str = "http-version";

/// The key of a request's `extra` for headers that are not UTF-8.
const HEADER_ENCODING: &str = "header-encoding";

/// The key of a request's `extra` for a body that has not arrived as a whole.
const BODY_ERROR: &str = "body-error";

/// What a setup has in its `extra` if the plugin answers requests with a [`BodyError`] itself.
pub fn answers_body_errors() -> (String, String) {
    (String::from("answers-body-errors"), String::new())
}

/// Why the body of a request has not arrived as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// It has ended early, or its chunked encoding is not valid: status 400.
    Incomplete,
    /// The client has paused for too long: status 408.
    Stalled,
}

/// The key of the surroundings' `extra` for the origins that the host fetches documents from, separated by spaces.
pub const NETWORK: &str = "network";

/// The key of the surroundings' `extra` for the beginning of all paths that the trigger gets.
pub const PATH_PREFIX: &str = "path-prefix";

impl Surroundings {
    /// Surroundings that say nothing, for tests.
    pub fn none() -> Self {
        Self {
            name: String::new(),
            address: None,
            region: String::from("us-east-1"),
            account: String::from("123456789012"),
            environment: Vec::new(),
            functions: Vec::new(),
            extra: Vec::new(),
        }
    }

    /// The value of a key of `extra`.
    pub fn extra(&self, key: &str) -> Option<&str> {
        let found = self.extra.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }
}

impl RequestBody {
    /// The bytes of the body, whether they are text or not. There are none if it is too large.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Empty | Self::TooLarge => &[],
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl ResponseBody {
    /// The bytes of the body, whether they are text or not.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl Request {
    /// A request without headers and body, for tests.
    pub fn get(path: &str) -> Self {
        Self {
            id: String::from("01234567-89ab-4def-8123-456789abcdef"),
            trace_id: String::from("Root=1-0-1;Sampled=0"),
            at_ms: 0,
            peer: String::from("127.0.0.1"),
            scheme: String::from("http"),
            port: 8000,
            protocol: String::from("HTTP/1.1"),
            authority: String::from("localhost:8000"),
            method: String::from("GET"),
            path: String::from(path),
            query: String::new(),
            headers: Vec::new(),
            body: RequestBody::Empty,
            extra: Vec::new(),
        }
    }

    /// The values of a header, in order. `name` is in lower case.
    pub fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |header| header.name == name)
            .map(|header| header.value.as_str())
    }

    /// Whether it is a test of the method, as of AWS's console, which no client has sent.
    pub fn is_test(&self) -> bool {
        self.extra.iter().any(|(key, _)| key == TEST_INVOKE)
    }

    /// The value of a key of `extra`.
    pub fn extra(&self, key: &str) -> Option<&str> {
        let found = self.extra.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the client speaks HTTP/2, in which the names of headers are in lower case.
    pub fn is_http2(&self) -> bool {
        self.extra(HTTP_VERSION) == Some("2")
    }

    /// Whether the value of a header is not UTF-8.
    pub fn has_latin_1_headers(&self) -> bool {
        self.extra(HEADER_ENCODING) == Some("iso-8859-1")
    }

    /// Why the body has not arrived as a whole, if it has not.
    pub fn body_error(&self) -> Option<BodyError> {
        Some(match self.extra(BODY_ERROR)? {
            "stalled" => BodyError::Stalled,
            _ => BodyError::Incomplete,
        })
    }

    /// The client's `User-Agent`; empty without one, as AWS's front ends have it.
    pub fn user_agent(&self) -> &str {
        self.header("user-agent").last().unwrap_or_default()
    }
}

impl Header {
    /// A header with this name, as the client sent it.
    pub fn new(name_as_sent: &str, value: &str) -> Self {
        Self {
            name: name_as_sent.to_ascii_lowercase(),
            name_as_sent: String::from(name_as_sent),
            value: String::from(value),
        }
    }
}

impl Response {
    /// A response without headers.
    pub fn new(status: u16, body: ResponseBody) -> Self {
        Self {
            status,
            reason: None,
            headers: Vec::new(),
            body,
            extra: Vec::new(),
        }
    }

    /// Adds a header at the end. `name` is in lower case.
    pub fn push_header(&mut self, name: &str, value: &str) {
        self.headers.push((String::from(name), String::from(value)));
    }
}

impl From<plugin_kit::settings::Problem> for Problem {
    fn from(problem: plugin_kit::settings::Problem) -> Self {
        Self {
            at: problem.at,
            message: problem.message,
            extra: Vec::new(),
        }
    }
}
