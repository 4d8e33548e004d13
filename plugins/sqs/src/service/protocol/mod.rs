//! The two protocols SQS speaks: which of them a request is in, what it asks for, and how the answer is written.
//!
//! Neither decides anything about queues: a request becomes an [`Input`] for one operation, and what that answers, or
//! its [`SqsError`], becomes bytes.

pub mod json;
pub mod query;
pub mod xml;

use crate::service::answer::Answer;
use crate::service::error::{self, SqsError};
use crate::service::http::{Request, Response};
use crate::service::input::Input;
use crate::service::operations::{self, Operation};
use crate::service::{Call, Context, auth, limits};

/// Answers a request.
pub fn serve(request: &Request, context: &Context<'_>) -> Response {
    let response = if json::speaks(request) {
        json::serve(request, context)
    } else {
        query::serve(request, context)
    };
    identify(response, context)
}

/// Answers a request whose body is longer than any that could be right.
pub fn refuse_length(request: &Request, context: &Context<'_>) -> Response {
    let error = SqsError::new(
        &error::REQUEST_TOO_LARGE,
        format!("The request is longer than {} bytes.", limits::REQUEST_BODY),
    );
    let response = if json::speaks(request) {
        json::refuse(&error)
    } else {
        xml::refuse(&error, &context.request_id)
    };
    identify(response, context)
}

fn identify(mut response: Response, context: &Context<'_>) -> Response {
    let id = ("x-amzn-RequestId".to_owned(), context.request_id.clone());
    response.headers.insert(0, id);
    response
}

/// Runs an operation, once it is known which.
fn run(
    request: &Request,
    context: &Context<'_>,
    operation: &Operation,
    input: &Input<'_>,
) -> Result<Answer, SqsError> {
    auth::check(request)?;
    let call = Call::new(request, context, input.is_query());
    operations::run(operation, &call, input)
}
