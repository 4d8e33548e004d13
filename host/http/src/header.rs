//! Reading and setting headers.

use http::header::{AsHeaderName, IntoHeaderName};
use http::{HeaderMap, HeaderValue};

use crate::response::Response;

/// The first value of a header, as text; `None` if it is missing or not text.
pub fn header(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Sets a header of a response. A value that is not a valid header is omitted: a response without it is better than
/// none.
pub fn set_header(response: &mut Response, name: impl IntoHeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        response.headers_mut().insert(name, value);
    }
}
