//! Answers to calls: headers that several operations have in common, and the answer to a plain invocation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::StatusCode;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use lambkin_http::Response;
use lambkin_model::{InvokeError, Outcome};

use super::error::Error;
use crate::spec::FunctionSpec;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
pub(super) const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
pub(super) const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const LOG_RESULT: HeaderName = HeaderName::from_static("x-amz-log-result");
const REMAPPED_LENGTH: HeaderName = HeaderName::from_static("x-amzn-remapped-content-length");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The answer to a synchronous invocation. A function that failed is an answer, one that never ran is an error.
pub(super) fn outcome(outcome: Outcome, spec: &FunctionSpec) -> Result<Response, Error> {
    let (payload, failed) = match outcome.result {
        Ok(payload) => (payload, false),
        Err(InvokeError::Function(error)) => (error.payload, true),
        Err(error) => return Err(Error::not_invoked(&error, spec)),
    };
    let mut response = Response::new(payload.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(REMAPPED_LENGTH, HeaderValue::from_static("0"));
    if failed {
        headers.insert(FUNCTION_ERROR, HeaderValue::from_static("Unhandled"));
    }
    if let Some(tail) = outcome.log_tail {
        set(&mut response, LOG_RESULT, &BASE64.encode(tail));
    }
    Ok(response)
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(REMAPPED_LENGTH, HeaderValue::from_static("0"));
    response
}

/// The path takes another method.
pub(super) fn method_not_allowed() -> Response {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

pub(super) fn set(response: &mut Response, name: HeaderName, value: &str) {
    // The values are ids, versions and base64; one that is not a legal header is better left out.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
