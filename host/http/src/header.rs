//! Reading headers.

use http::HeaderMap;
use http::header::AsHeaderName;

/// A header's text; one that is not text counts as absent.
pub fn header(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
