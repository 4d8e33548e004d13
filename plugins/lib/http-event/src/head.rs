//! The size of a request's head, which API Gateway limits.

use crate::contract::Request;

/// The sizes of a request's head as in HTTP/1.1, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadSize {
    /// The request line, with two spaces and CRLF, and with `?` before a query.
    pub line: usize,
    /// The headers, each with `: ` and CRLF.
    pub headers: usize,
}

/// The sizes of a request's head.
pub fn head_size(request: &Request) -> HeadSize {
    let query = request.query.len() + usize::from(!request.query.is_empty());
    HeadSize {
        line: request.method.len() + request.path.len() + query + request.protocol.len() + 4,
        headers: request
            .headers
            .iter()
            .map(|header| header.name.len() + header.value.len() + 4)
            .sum(),
    }
}
