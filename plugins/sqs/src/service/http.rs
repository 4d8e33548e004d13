//! HTTP requests and responses, as the service uses them.

/// An HTTP request with its whole body.
#[derive(Debug, Default, Clone)]
pub struct Request {
    /// The method, such as `GET`.
    pub method: String,
    /// The path without the query string, not decoded.
    pub path: String,
    /// The query string without the question mark, not decoded.
    pub query: String,
    /// Host and port by which the client reached the service.
    pub authority: String,
    /// Whether the client's connection is encrypted (`https`).
    pub is_encrypted: bool,
    /// The headers; names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The scheme of the URLs by which the client reaches the service.
    pub fn scheme(&self) -> &'static str {
        if self.is_encrypted { "https" } else { "http" }
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The content type without its parameters, in lower case.
    pub fn content_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        let essence = value.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }
}

/// An HTTP response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers without `Content-Length`, which the writer adds.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}
