//! Rules for the heads of requests that RFC 9112 asks of every server and hyper leaves to its users.
//!
//! A head that breaks one is answered with 400, or 501 for a transfer coding other than `chunked`, and the connection
//! is closed: where its next request begins is not certain. The texts are those of Go's server, in which AWS's Runtime
//! API and its emulator are written.

use http::header::{HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Request, StatusCode, Version};
use memchr::memchr;

use crate::reply::text;
use crate::response::Response;

/// Why a head is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    pub(crate) reason: &'static str,
}

impl Refusal {
    const fn bad_request(reason: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            reason,
        }
    }

    pub(crate) fn into_response(self) -> Response {
        let status = self.status.as_str();
        let phrase = self.status.canonical_reason().unwrap_or_default();
        text(self.status, format!("{status} {phrase}: {}", self.reason))
    }
}

/// The rule that a request breaks. `is_ambiguous` is the result of [`Framing`].
pub(crate) fn refusal<B>(request: &Request<B>, is_ambiguous: bool) -> Option<Refusal> {
    if is_ambiguous {
        let reason = "the length of the body is given more than once";
        return Some(Refusal::bad_request(reason));
    }
    let headers = request.headers();
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_11 => {
            return Some(Refusal::bad_request("missing required Host header"));
        }
        (_, Some(_)) => return Some(Refusal::bad_request("too many Host headers")),
        _ => {}
    }
    has_unknown_coding(headers).then_some(Refusal {
        status: StatusCode::NOT_IMPLEMENTED,
        reason: "unsupported transfer encoding",
    })
}

/// hyper looks at the last coding only, which is `chunked` here.
fn has_unknown_coding(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    codings.any(|coding| {
        !coding
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked")
    })
}

/// Counts the headers that frame a body, in the bytes of a head as they arrive. hyper merges equal `Content-Length`s and
/// prefers `Transfer-Encoding`, as RFC 9112 allows; a proxy in front of the host, or a test's own server, may not.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    /// The beginning of the current line, in lower case.
    line: Vec<u8>,
    /// Whether the current line is longer than that.
    is_long: bool,
    count: usize,
    has_ended: bool,
}

const CONTENT_LENGTH: &[u8] = b"content-length:";
const CODING: &[u8] = b"transfer-encoding:";

impl Framing {
    /// Takes more bytes of the head; bytes after its end are ignored.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while !self.has_ended && !bytes.is_empty() {
            let Some(end) = memchr(b'\n', bytes) else {
                self.extend(bytes);
                return;
            };
            let (line, rest) = bytes.split_at(end);
            self.extend(line);
            self.end_line();
            bytes = rest.get(1..).unwrap_or_default();
        }
    }

    /// Whether more than one header frames the body.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.count > 1
    }

    fn extend(&mut self, bytes: &[u8]) {
        // Few lines begin like the headers that count.
        if self.line.is_empty()
            && !self.is_long
            && !matches!(bytes.first(), Some(b'c' | b'C' | b't' | b'T' | b'\r'))
        {
            self.is_long = !bytes.is_empty();
            return;
        }
        let room = CODING.len() - self.line.len();
        self.is_long |= bytes.len() > room;
        let bytes = bytes.iter().take(room).map(u8::to_ascii_lowercase);
        self.line.extend(bytes);
    }

    fn end_line(&mut self) {
        if self.line.starts_with(CONTENT_LENGTH) || self.line.starts_with(CODING) {
            self.count += 1;
        }
        self.has_ended = !self.is_long && matches!(self.line.as_slice(), b"" | b"\r");
        self.line.clear();
        self.is_long = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(headers: &[(&str, &str)]) -> Option<(u16, &'static str)> {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let refusal = refusal(&request.body(()).unwrap(), false)?;
        Some((refusal.status.as_u16(), refusal.reason))
    }

    #[test]
    fn a_request_has_exactly_one_host() {
        assert_eq!(refused(&[("host", "a")]), None);
        assert_eq!(refused(&[("host", "[::1]:80")]), None);
        assert_eq!(refused(&[("host", "")]), None);
        assert_eq!(refused(&[]).unwrap(), (400, "missing required Host header"));
        let two = refused(&[("host", "a"), ("host", "a")]);
        assert_eq!(two.unwrap(), (400, "too many Host headers"));
    }

    #[test]
    fn http_1_0_needs_no_host() {
        let mut request = Request::new(());
        *request.version_mut() = Version::HTTP_10;
        assert_eq!(refusal(&request, false), None);
    }

    #[test]
    fn chunked_is_the_only_coding() {
        let coding = |value| refused(&[("host", "a"), ("transfer-encoding", value)]);
        assert_eq!(coding("chunked"), None);
        assert_eq!(coding("Chunked"), None);
        assert_eq!(coding("gzip, chunked").unwrap().0, 501);
        assert_eq!(coding("chunked, chunked").unwrap().0, 501);
    }

    #[test]
    fn headers_that_frame_the_body_are_counted_however_the_head_arrives() {
        for (head, is_ambiguous) in [
            ("POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\nx", false),
            (
                "POST / HTTP/1.1\r\nContent-Length: 1\r\nhost: a\r\nCONTENT-LENGTH: 1\r\n\r\n",
                true,
            ),
            (
                "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
                true,
            ),
            (
                "POST / HTTP/1.1\ntransfer-encoding: chunked\ntransfer-encoding: chunked\n\n",
                true,
            ),
            (
                "POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\ncontent-length: 2\r\n",
                false,
            ),
            (
                "POST / HTTP/1.1\r\nx-content-length: 1\r\ncontent-length-x: 2\r\nconnection: close\r\n\r\n",
                false,
            ),
            ("content-length: HTTP/1.1\r\ncontent-type: a\r\n\r\n", false),
        ] {
            let mut whole = Framing::default();
            whole.feed(head.as_bytes());
            assert_eq!(whole.is_ambiguous(), is_ambiguous, "{head}");
            let mut bytewise = Framing::default();
            for byte in head.as_bytes() {
                bytewise.feed(std::slice::from_ref(byte));
            }
            assert_eq!(bytewise.is_ambiguous(), is_ambiguous, "{head}");
        }
    }
}
