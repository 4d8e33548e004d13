//! The HTTP client of the tests: one request on one connection, byte for byte, and its reply with any status.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use lambkin_tests::wire::Responses;
use serde_json::Value;

/// An HTTP response.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All headers of this name.
    pub fn headers_named(&self, name: &str) -> Vec<&str> {
        let named = self
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The reply with the framing of a chunked body removed.
    #[track_caller]
    pub fn unframed(mut self) -> Self {
        if !self.body.is_empty() && self.header("transfer-encoding") == Some("chunked") {
            let mut responses = Responses::default();
            responses.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            responses.feed(&self.body);
            let response = responses.take().expect("chunks");
            self.body = response.expect("the last chunk").body;
        }
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends a request on a connection of its own. Path, headers and body go out byte for byte.
#[track_caller]
pub fn request(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    let given = |name: &str| {
        headers
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    if !given("host") {
        head.push_str(&format!("host: {}\r\n", url.trim_start_matches("http://")));
    }
    if !given("content-length") && (!body.is_empty() || method == "POST") {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    raw(url, &[head.as_bytes(), body].concat())
}

/// Sends bytes and reads to the end of the connection. The reply's body keeps its framing.
#[track_caller]
pub fn raw(url: &str, bytes: &[u8]) -> Reply {
    let mut stream =
        TcpStream::connect(url.trim_start_matches("http://")).expect("the server listens");
    // A server that hangs fails its test instead of blocking the whole run.
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a timeout");
    let _ = stream.write_all(bytes); // fails if the server refuses the request before it has read all of it
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer); // may be reset after the answer
    let mut responses = Responses::default();
    responses.feed(&answer);
    let response = responses.into_unframed().unwrap_or_else(|error| {
        panic!("{error}: {:?}", String::from_utf8_lossy(&answer));
    });
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Reply {
        status: response.status,
        headers: response.headers().map(owned).collect(),
        body: response.body,
    }
}
