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
    world: "http-trigger",
    path: "../../../wit/http-trigger",
    additional_derives: [PartialEq, Eq],
    pub_export_macro: true,
    default_bindings_module: "http_event::contract",
});

pub use exports::lambkin::http_trigger::shaper::*;

/// The key of a response's `extra` for a text that the host logs as a warning.
pub const WARNING: &str = "warning";

impl Body {
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
    /// The values of a header, in order. `name` is in lower case.
    pub fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The client's `User-Agent`; empty without one, as AWS's front ends have it.
    pub fn user_agent(&self) -> &str {
        self.header("user-agent").last().unwrap_or_default()
    }
}

impl Response {
    /// A response without headers.
    pub fn new(status: u16, body: Body) -> Self {
        Self {
            status,
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
