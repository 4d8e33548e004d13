//! HTTP messages, as far as the service needs them.

use super::store::Opened;

/// A request, without its body.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// The path as sent, percent-encoded: `/bucket/a%20key`.
    pub path: String,
    /// The query as sent, without `?`.
    pub raw_query: String,
    /// Names and values of the parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Names in lower case and values, in order: those that were sent, then those that only the query of a presigned URL
    /// has.
    pub headers: Vec<(String, String)>,
    /// Whether the client's connection is encrypted (`https`).
    pub is_encrypted: bool,
    /// The number of headers that were sent.
    pub sent: usize,
}

impl Request {
    /// Creates a request. Names of headers are changed to lower case; a parameter that cannot be decoded stays as it
    /// is.
    pub fn new(method: &str, target: &str, headers: Vec<(String, String)>) -> Self {
        let (path, raw_query) = target.split_once('?').unwrap_or((target, ""));
        let query = crate::encoding::query(raw_query);
        let mut headers: Vec<(String, String)> = headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let sent = headers.len();
        for (name, value) in hoisted(&query) {
            if find(&headers, &name).is_none() {
                headers.push((name, value));
            }
        }
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            raw_query: raw_query.to_owned(),
            headers,
            sent,
            query,
            is_encrypted: false,
        }
    }

    /// The scheme of the URLs by which the client reaches the service.
    pub fn scheme(&self) -> &'static str {
        if self.is_encrypted { "https" } else { "http" }
    }

    /// The first header with this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The first parameter with this name. A parameter without a value has an empty one.
    pub fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }
}

/// The headers in the query of a presigned URL, where some SDKs put all `x-amz-*` headers and conditions; in those of
/// signature version 2, the type and the digest of the body, too. Excluded are those of the signature itself, and the
/// checksum of the body, which S3 does not expect there: the SDK computes it for an empty body when it signs the URL.
fn hoisted(query: &[(String, String)]) -> Vec<(String, String)> {
    const OWN: [&str; 3] = [
        "x-amz-checksum-algorithm",
        "x-amz-checksum-mode",
        "x-amz-checksum-type",
    ];
    const NEVER: [&str; 9] = [
        "x-amz-algorithm",
        "x-amz-content-sha256",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    ];
    const CONDITIONS: [&str; 4] = [
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-unmodified-since",
    ];
    let others: &[&str] = if find(query, "X-Amz-Signature").is_some() {
        &CONDITIONS
    } else if find(query, "AWSAccessKeyId").is_some() && find(query, "Signature").is_some() {
        &["content-md5", "content-type"]
    } else {
        return Vec::new();
    };
    query
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .filter(|(name, _)| {
            let name = name.as_str();
            let is_checksum = name.starts_with("x-amz-checksum-") && !OWN.contains(&name);
            others.contains(&name)
                || (name.starts_with("x-amz-") && !is_checksum && !NEVER.contains(&name))
        })
        .collect()
}

/// The value of the first pair with this name.
pub fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// The body of a request ended too early.
#[derive(Debug)]
pub struct ReadError;

/// The body of a request.
pub trait RequestBody {
    /// Reads the next bytes, at most `max`; none at the end.
    ///
    /// # Errors
    ///
    /// The body ended too early.
    fn read(&mut self, max: usize) -> Result<Vec<u8>, ReadError>;
}

/// The body of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// No body.
    Empty,
    /// A body that is in memory.
    Bytes(Vec<u8>),
    /// A range of an object.
    Object {
        /// The object, from `Store::open`.
        opened: Opened,
        /// The first byte of the range.
        offset: u64,
        /// The number of bytes.
        length: u64,
    },
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// Names as AWS writes them and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body. The response to `HEAD` is sent without it.
    pub body: Body,
}

impl Response {
    /// A response without a body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Empty,
        }
    }

    /// A response with status 200 and an XML document.
    pub fn xml(document: String) -> Self {
        Self {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "application/xml".to_owned())],
            body: Body::Bytes(document.into_bytes()),
        }
    }

    /// Adds a header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a header, if there is a value.
    pub fn with_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}
