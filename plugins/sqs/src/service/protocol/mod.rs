//! The two protocols SQS speaks: which of them a request is in, what it asks for, and how the answer is written.
//!
//! Neither decides anything about queues: a request becomes an [`Input`] for one operation, and what that answers, or
//! its [`Fault`], becomes bytes.

pub mod json;
pub mod query;
pub mod xml;

use crate::service::error::Fault;
use crate::service::http::{Request, Response};
use crate::service::operations::{self, Operation};
use crate::service::{Context, World, auth};

/// Answers a request.
pub fn serve(request: &Request, world: &World<'_>) -> Response {
    let mut response = if json::speaks(request) {
        json::serve(request, world)
    } else {
        query::serve(request, world)
    };
    let id = ("x-amzn-RequestId".to_owned(), world.request_id.clone());
    response.headers.insert(0, id);
    response
}

/// Runs an operation, once it is known which.
fn run(
    request: &Request,
    world: &World<'_>,
    operation: &Operation,
    input: &crate::service::input::Input<'_>,
) -> Result<crate::service::answer::Answer, Fault> {
    auth::check(request)?;
    let context = Context::new(request, world, input.is_query());
    operations::run(operation, &context, input)
}
