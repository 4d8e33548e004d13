//! An API's CORS configuration at work.
//!
//! A preflight is answered by the gateway, before any route: `OPTIONS` with `Origin` and
//! `Access-Control-Request-Method`. On every other request the gateway takes the function's CORS headers away and, if
//! the origin is allowed, sends its own. An origin that is not allowed gets no CORS headers, which is what makes the
//! browser refuse.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::contract::{Request, Response};
use crate::reply;
use crate::state::Cors;

/// The value of `access-control-allow-origin` for a request: `*` or its own origin. None if it has no origin or
/// an origin that is not allowed.
pub fn allow_origin<'a>(cors: &Cors<'_>, request: &'a Request) -> Option<&'a str> {
    let origin = request.header("origin").next()?;
    let mut allowed = cors.origins.split(' ');
    if allowed.clone().any(|pattern| pattern == "*") {
        return Some("*");
    }
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(scheme) => origin.starts_with(scheme),
        None => origin == pattern,
    };
    allowed.any(fits).then_some(origin)
}

/// Whether a request is a preflight.
pub fn is_preflight(request: &Request) -> bool {
    request.method == "OPTIONS"
        && request.header("origin").next().is_some()
        && request
            .header("access-control-request-method")
            .next()
            .is_some()
}

/// The answer to a preflight.
pub fn preflight(cors: &Cors<'_>, allow_origin: Option<&str>, request_id: &str) -> Response {
    let mut response = reply::no_content(request_id);
    if let Some(origin) = allow_origin {
        add(&mut response.headers, "access-control-allow-origin", origin);
        add(
            &mut response.headers,
            "access-control-allow-methods",
            cors.methods,
        );
        add(
            &mut response.headers,
            "access-control-allow-headers",
            cors.headers,
        );
        add(
            &mut response.headers,
            "access-control-max-age",
            cors.max_age,
        );
        add(
            &mut response.headers,
            "access-control-allow-credentials",
            credentials(cors),
        );
    }
    response
}

/// Replaces a response's CORS headers with the API's own.
pub fn replace(cors: &Cors<'_>, allow_origin: Option<&str>, response: &mut Response) {
    response
        .headers
        .retain(|(name, _)| !name.starts_with("access-control-"));
    if let Some(origin) = allow_origin {
        add(&mut response.headers, "access-control-allow-origin", origin);
        add(
            &mut response.headers,
            "access-control-expose-headers",
            cors.exposed,
        );
        add(
            &mut response.headers,
            "access-control-allow-credentials",
            credentials(cors),
        );
    }
}

fn credentials(cors: &Cors<'_>) -> &'static str {
    if cors.credentials { "true" } else { "" }
}

/// Adds a header unless its value is empty: what is not configured is not sent.
fn add(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    if !value.is_empty() {
        headers.push((name.to_string(), value.to_string()));
    }
}
