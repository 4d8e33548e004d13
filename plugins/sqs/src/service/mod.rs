//! The service role: Amazon SQS's wire protocols on the host's queues.
//!
//! [`handle`] answers one request. `protocol` reads the request in either of AWS's two protocols, `operations` carries
//! it out on a [`store::Store`], and `protocol` writes the response. None of this uses the clock, randomness or I/O:
//! `guest` supplies them in the component, and the tests supply their own.
//!
//! On failure: every request gets a response; an invalid one gets AWS's error. If the store cannot write, the response
//! has status 503, which SDKs retry.

mod address;
mod auth;
mod call;
mod context;
pub mod contract;
mod dispatch;
mod error;
#[cfg(test)]
mod fake;
#[cfg(fuzzing)]
pub mod fake;
mod form;
pub mod http;
mod input;
pub mod limits;
mod operations;
mod output;
mod protocol;
pub mod settings;
pub mod store;
#[cfg(test)]
mod tests;

use http::{Request, Response};

pub use context::Context;

/// Answers a request.
pub fn handle(request: &Request, context: &Context<'_>) -> Response {
    protocol::serve(request, context)
}

/// The response to a request whose body exceeds [`limits::REQUEST_BODY`] and therefore was not read.
pub fn reject_too_long(request: &Request, context: &Context<'_>) -> Response {
    protocol::reject_too_long(request, context)
}
