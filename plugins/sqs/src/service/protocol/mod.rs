//! The two protocols SQS speaks: which of them a request is in, what it asks for, and how the answer is written.
//!
//! Neither decides anything about queues: a request becomes an [`Input`](crate::service::input::Input) for one operation, and what that answers, or
//! its [`SqsError`], becomes bytes.

pub mod json;
pub mod query;
pub mod xml;

use crate::service::context::Context;
use crate::service::error::{self, SqsError};
use crate::service::http::{Request, Response};
use crate::service::limits;

/// Answers a request.
pub fn serve(request: &Request, context: &Context<'_>) -> Response {
    let response = if json::is_used_by(request) {
        json::serve(request, context)
    } else {
        query::serve(request, context)
    };
    with_request_id(response, context)
}

/// Answers a request whose body is longer than any that could be right.
pub fn reject_too_long(request: &Request, context: &Context<'_>) -> Response {
    let error = SqsError::new(
        &error::REQUEST_TOO_LARGE,
        format!("The request is longer than {} bytes.", limits::REQUEST_BODY),
    );
    let response = if json::is_used_by(request) {
        json::failure(&error)
    } else {
        xml::failure(&error, &context.request_id)
    };
    with_request_id(response, context)
}

fn with_request_id(mut response: Response, context: &Context<'_>) -> Response {
    let id = ("x-amzn-RequestId".to_owned(), context.request_id.clone());
    response.headers.insert(0, id);
    response
}
