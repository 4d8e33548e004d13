//! HTTP messages as the service sees them.

use super::store::Opened;

/// A request, without its body.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// As it came, encoded: `/bucket/a%20key`.
    pub path: String,
    /// Names and values, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// A request as it came. Names of headers get lower case; a query that can not be decoded is kept as it is.
    pub fn new(method: &str, target: &str, headers: Vec<(String, String)>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = crate::encoding::query(query);
        let hoisted = hoisted(&query);
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .chain(hoisted)
                .collect(),
            query,
        }
    }

    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The first parameter of this name. One without a value has an empty one.
    pub fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }
}

/// The headers that are in the query of a presigned URL: some SDKs put all of `x-amz-*` there. Not those of the signature
/// itself, and not the body's checksum, which S3 does not look for there: an SDK that presigns writes one of no bytes.
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
    if find(query, "X-Amz-Signature").is_none() {
        return Vec::new();
    }
    query
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .filter(|(name, _)| {
            let name = name.as_str();
            let is_checksum = name.starts_with("x-amz-checksum-") && !OWN.contains(&name);
            name.starts_with("x-amz-") && !is_checksum && !NEVER.contains(&name)
        })
        .collect()
}

/// The first value of this name.
pub fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// The body of a request could not be read to its end.
#[derive(Debug)]
pub struct ReadError;

/// The body of a request.
pub trait RequestBody {
    /// The next bytes, up to so many; none at the end.
    fn read(&mut self, max: usize) -> Result<Vec<u8>, ReadError>;
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// These bytes.
    Bytes(Vec<u8>),
    /// A range of an object.
    Object {
        /// From `Store::open`.
        opened: Opened,
        /// Where it begins.
        offset: u64,
        /// In bytes.
        length: u64,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 200.
    pub status: u16,
    /// In order; names as AWS writes them.
    pub headers: Vec<(String, String)>,
    /// After an answer to HEAD it is not sent.
    pub body: Body,
}

impl Response {
    /// An answer without a body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Empty,
        }
    }

    /// 200 with an XML document.
    pub fn xml(document: String) -> Self {
        Self {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "application/xml".to_owned())],
            body: Body::Bytes(document.into_bytes()),
        }
    }

    /// One header more.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// One header more, if there is a value.
    pub fn with_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}
