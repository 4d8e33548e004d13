//! The responses that several of the host's APIs give.

use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, StatusCode};

use crate::header::set_header;
use crate::response::{Body, Response};

/// A response with this status and no body.
pub fn empty(status: StatusCode) -> Response {
    with_body(status, Body::default())
}

/// A JSON response; the body is sent unchanged.
pub fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = with_body(status, body.into());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A plain-text response in UTF-8.
pub fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = with_body(status, body.into());
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

/// 404 as Go's HTTP server writes it, which is what AWS's Runtime API and the emulators of Lambda send.
pub fn not_found() -> Response {
    let mut response = text(StatusCode::NOT_FOUND, "404 page not found\n");
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// 405 with the method that the path allows, and no body.
pub fn method_not_allowed(allowed: &Method) -> Response {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    set_header(&mut response, ALLOW, allowed.as_str());
    response
}

fn with_body(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
