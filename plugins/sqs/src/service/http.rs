//! A request and its answer, as the service sees them.

/// An HTTP request, its body read.
#[derive(Debug, Default, Clone)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// Not decoded, without the query string.
    pub path: String,
    /// Not decoded, without the question mark.
    pub query: String,
    /// Host and port as the caller named them.
    pub authority: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's first value.
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
    /// Without the length, which is the host's.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}
