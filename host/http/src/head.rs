//! Rules for the heads of requests that RFC 9112 asks of every server and hyper leaves to its users.
//!
//! A head that breaks one is answered with 400, or 501 for a transfer coding other than `chunked`, and the connection
//! is closed: where its next request begins is not certain. The texts are those of Go's server, in which AWS's Runtime
//! API and its emulator are written.

use http::header::{HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Request, StatusCode, Version};

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

/// The rule that a request breaks. `is_ambiguous`: whether more than one header frames its body.
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
}
