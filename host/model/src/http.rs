//! HTTP as a trigger plugin sees it: text and bytes, no framing.
//!
//! The listener builds an [`HttpRequest`] from what it received and turns an [`HttpResponse`] into what it sends; the
//! plugin room copies both across the WebAssembly boundary. Neither type promises that its parts are legal HTTP:
//! whoever puts one on a wire validates it.

use bytes::Bytes;

/// The body of a request or a response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Body {
    /// No bytes.
    #[default]
    Empty,
    /// Valid UTF-8.
    Text(String),
    /// Anything else.
    Binary(Bytes),
}

impl Body {
    /// Sorts bytes by content alone: none, valid UTF-8, or neither. Content types play no part.
    pub fn from_bytes(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        match String::from_utf8(bytes.into()) {
            Ok(text) => Self::Text(text),
            Err(not_text) => Self::Binary(not_text.into_bytes().into()),
        }
    }

    /// The bytes to send.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::Text(text) => text.into(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// One HTTP request as the WIT record `request` of `lambkin:http-trigger` describes it, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// A UUID made by the host; also the Lambda request id.
    pub id: String,
    /// `Root=1-…;Parent=…;Sampled=0`.
    pub trace_id: String,
    /// Arrival in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The client's address without its port.
    pub peer: String,
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub protocol: String,
    /// The host and port asked for.
    pub authority: String,
    /// As sent.
    pub method: String,
    /// As sent, percent-encoded.
    pub path: String,
    /// As sent, percent-encoded, without `?`.
    pub query: String,
    /// Names in lower case; a repeated header once per value.
    pub headers: Vec<(String, String)>,
    /// Sorted by content, see [`Body::from_bytes`].
    pub body: Body,
}

/// One HTTP response as a plugin made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// 100 to 999.
    pub status: u16,
    /// In the order to send.
    pub headers: Vec<(String, String)>,
    /// Sent as is.
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
