//! The two protocols of SQS: AWS JSON and AWS Query.
//!
//! A protocol reads a request into an operation and its [`Input`](crate::service::input::Input), and writes the
//! operation's output or [`SqsError`] as a response.

pub mod json;
pub mod query;
pub mod xml;

use crate::service::context::Context;
use crate::service::error::{self, SqsError};
use crate::service::http::{Request, Response};
use crate::service::limits;

/// Answers a request in the protocol that it uses.
pub fn serve(request: &Request, context: &Context<'_>) -> Response {
    let response = if json::is_used_by(request) {
        json::serve(request, context)
    } else {
        query::serve(request, context)
    };
    with_request_id(response, context)
}

/// The response to a request whose body exceeds [`limits::REQUEST_BODY`].
pub fn reject_too_long(request: &Request, context: &Context<'_>) -> Response {
    let error = SqsError::new(
        &error::REQUEST_TOO_LARGE,
        format!("The request is longer than {} bytes.", limits::REQUEST_BODY),
    );
    let response = if json::is_used_by(request) {
        json::failure(&error)
    } else {
        query::failure(request, &error, &context.request_id)
    };
    with_request_id(response, context)
}

fn with_request_id(mut response: Response, context: &Context<'_>) -> Response {
    let id = ("x-amzn-RequestId".to_owned(), context.request_id.clone());
    response.headers.insert(0, id);
    response
}
