//! Responses: the headers that several operations share, and the response to an invocation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{ALLOW, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use lambkin_http::{Response, json, set_header};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
pub(crate) const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
pub(crate) const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const LOG_RESULT: HeaderName = HeaderName::from_static("x-amz-log-result");
const REMAPPED_LENGTH: HeaderName = HeaderName::from_static("x-amzn-remapped-content-length");

/// The value of `X-Amz-Function-Error`, and the name of an error in a stream that had not begun.
pub(crate) const UNHANDLED: &str = "Unhandled";

/// The response to a synchronous invocation: what the function returned, or the error that it reported.
pub(crate) fn invoked(payload: Bytes, failed: bool, log_tail: Option<Bytes>) -> Response {
    let mut response = json(StatusCode::OK, payload);
    set_remapped_length(&mut response);
    if failed {
        set_header(&mut response, FUNCTION_ERROR, UNHANDLED);
    }
    if let Some(tail) = log_tail {
        set_header(&mut response, LOG_RESULT, &BASE64.encode(tail));
    }
    response
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = lambkin_http::empty(status);
    set_remapped_length(&mut response);
    response
}

/// 405 for a path that allows only POST.
pub(crate) fn method_not_allowed() -> Response {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    set_header(&mut response, ALLOW, Method::POST.as_str());
    response
}

fn set_remapped_length(response: &mut Response) {
    response
        .headers_mut()
        .insert(REMAPPED_LENGTH, HeaderValue::from_static("0"));
}
