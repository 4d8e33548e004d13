//! HTTP requests and responses as a trigger's plugin sees them: text and bytes, without framing.
//!
//! The listener builds an [`HttpRequest`] from what it received and turns an [`HttpResponse`] into what it sends. The
//! plugin crate copies both across the WebAssembly boundary. Neither type guarantees that its parts are valid HTTP;
//! code that sends them validates them.

use std::borrow::Cow;

use bytes::Bytes;

/// The body of a request or a response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Body {
    /// No bytes.
    #[default]
    Empty,
    /// Valid UTF-8.
    Text(String),
    /// Bytes that are not valid UTF-8.
    Binary(Bytes),
}

impl Body {
    /// Classifies bytes by their content alone: empty, valid UTF-8, or binary. The content type is not considered.
    pub fn from_bytes(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        match String::from_utf8(bytes.into()) {
            Ok(text) => Self::Text(text),
            Err(not_text) => Self::Binary(not_text.into_bytes().into()),
        }
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The body's bytes.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::Text(text) => text.into(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// One HTTP request: the WIT record `request` of `lambkin:http-trigger`, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// A UUID that the host generated; it is also the Lambda request id.
    pub id: String,
    /// The X-Ray trace header, `Root=1-…;Parent=…;Sampled=0`.
    pub trace_id: String,
    /// The time of arrival, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The client's IP address, without the port.
    pub peer: String,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The port of the listener that received the request.
    pub port: u16,
    /// The protocol version: `HTTP/1.1` or `HTTP/1.0`.
    pub protocol: String,
    /// The host and port from the request, as in the `Host` header.
    pub authority: String,
    /// The method, as sent.
    pub method: String,
    /// The path as sent, still percent-encoded. It may have characters that a URL must not have.
    pub path: String,
    /// The query string as sent, still percent-encoded, without the leading `?`.
    pub query: String,
    /// The headers; a repeated header has one entry per value.
    pub headers: Vec<HttpHeader>,
    /// The body, classified by [`Body::from_bytes`]. `None`: it is larger than the trigger accepts, and was dropped; or
    /// it did not arrive as a whole, as [`INCOMPLETE_BODY`](Self::INCOMPLETE_BODY) or
    /// [`STALLED_BODY`](Self::STALLED_BODY) says.
    pub body: Option<Body>,
    /// Further facts: those that are constants here, and for a timer those of [`of_timer`](Self::of_timer).
    pub extra: Vec<Fact>,
}

/// A fact about a request: a key and its value.
pub type Fact = (&'static str, Cow<'static, str>);

/// One header of an [`HttpRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpHeader {
    /// The name in lower case.
    pub name: String,
    /// The name as the client sent it. `None`: in lower case.
    pub name_as_sent: Option<String>,
    /// The value, as UTF-8 if it is valid UTF-8, otherwise as ISO-8859-1.
    pub value: String,
}

impl HttpHeader {
    fn size(&self) -> usize {
        let as_sent = self.name_as_sent.as_ref().map_or(0, String::len);
        self.name.len() + as_sent + self.value.len()
    }
}

impl HttpRequest {
    /// The client asks for a WebSocket connection, and the trigger may open one.
    pub const WEBSOCKET: Fact = ("websocket", Cow::Borrowed(""));
    /// It is a test of the API, as of AWS's console, which no client has sent. Listeners receive none.
    pub const TEST: Fact = ("test-invoke", Cow::Borrowed(""));
    /// The client speaks HTTP/2.
    pub const HTTP_2: Fact = ("http-version", Cow::Borrowed("2"));
    /// The value of a header is not UTF-8.
    pub const LATIN_1_HEADER: Fact = ("header-encoding", Cow::Borrowed("iso-8859-1"));
    /// The body has ended early, or its chunked encoding is not valid.
    pub const INCOMPLETE_BODY: Fact = ("body-error", Cow::Borrowed("incomplete"));
    /// The client has paused for too long within the body.
    pub const STALLED_BODY: Fact = ("body-error", Cow::Borrowed("stalled"));

    const TIMER: &'static str = "timer";

    /// The facts of a request for a timer of the plugin, which no client has sent. `memory` is what the plugin returned
    /// the last time.
    pub fn of_timer(name: &str, memory: Option<&str>) -> Vec<Fact> {
        let memory = memory.map(|memory| ("memory", Cow::Owned(memory.to_owned())));
        let mut facts = vec![(Self::TIMER, Cow::Owned(name.to_owned()))];
        facts.extend(memory);
        facts
    }

    /// The name of the timer that the request is for; `None` if a client has sent it.
    pub fn timer(&self) -> Option<&str> {
        let fact = self.extra.iter().find(|(key, _)| *key == Self::TIMER);
        fact.map(|(_, name)| name.as_ref())
    }

    /// The bytes of its path, query, headers and body: all that a client can make large.
    pub fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers.map(HttpHeader::size).sum();
        self.path.len() + self.query.len() + headers + self.body.as_ref().map_or(0, Body::len)
    }
}

/// One HTTP response as a plugin returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code, 200 to 999.
    pub status: u16,
    /// The reason phrase. `None`: the standard one of the status.
    pub reason: Option<String>,
    /// The headers in the order in which they are sent, with the names as the client is to see them.
    pub headers: Vec<(String, String)>,
    /// The body, sent unchanged.
    pub body: Body,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_text_exactly_when_it_is_utf_8() {
        assert_eq!(Body::from_bytes(Bytes::new()), Body::Empty);
        assert_eq!(
            Body::from_bytes(Bytes::from_static("é".as_bytes())),
            Body::Text("é".into())
        );
        assert_eq!(
            Body::from_bytes(Bytes::from_static(b"\xff\xfe")),
            Body::Binary(Bytes::from_static(b"\xff\xfe"))
        );
    }

    #[test]
    fn a_body_keeps_its_bytes() {
        for bytes in [&b""[..], b"text", b"\0\xff"] {
            assert_eq!(
                Body::from_bytes(Bytes::copy_from_slice(bytes)).into_bytes(),
                bytes
            );
        }
    }
}
