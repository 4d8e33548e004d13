//! The service role: Amazon SQS's wire protocols on the host's queues.
//!
//! [`handle`] answers one request. `protocol` reads it, whichever of AWS's two protocols it is in, `operations` does
//! what it asks for on a [`store::Store`], and `protocol` writes the answer. All of it is plain Rust without clock,
//! randomness or I/O of its own: the component's `guest` module brings these, the tests bring others.
//!
//! On failure: everything a request can contain leads to AWS's answer for it. A store that can not write makes the
//! service answer 503, which SDKs try again.

mod address;
mod auth;
mod call;
mod context;
pub mod contract;
mod dispatch;
mod error;
#[cfg(test)]
mod fake;
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

/// Answers a request whose body is longer than [`limits::REQUEST_BODY`], which therefore nobody has read.
pub fn reject_too_long(request: &Request, context: &Context<'_>) -> Response {
    protocol::reject_too_long(request, context)
}
