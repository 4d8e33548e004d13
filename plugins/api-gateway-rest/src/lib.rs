//! Amazon API Gateway's REST API as a Lambkin trigger plugin: Lambda proxy integrations, buffered and streamed,
//! Lambda and mock integrations with mapping templates, and HTTP proxy integrations.
//!
//! The plugin consists of three pure functions, those of the contract `lambkin:http-trigger`:
//!
//! - [`configure()`] checks the trigger's table of `lambkin.toml` and turns it into a `state` that is fast to read;
//! - [`shape()`] finds the method of a request, checks what it requires, and writes the event for its function;
//! - [`resume()`] turns the function's result into an HTTP response.
//!
//! What other HTTP front ends of AWS do in the same way is in the crate `http_event`. Everything is tested natively;
//! `guest`, which exists only in the component, exports the functions.
//!
//! On failure: `configure` reports every mistake in the configuration. Whatever a request or a result contains, the
//! caller gets the HTTP response that AWS would send. Only a `state` or a `token` that this plugin did not write is an
//! error.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod authorize;
mod body_model;
mod config;
mod event;
mod gateway_response;
#[cfg(test)]
mod golden;
#[cfg(target_arch = "wasm32")]
mod guest;
mod headers;
mod integration;
mod media;
mod resource;
mod respond;
mod resume;
mod shape;
mod state;
mod test_invoke;
mod token;
mod usage;

pub use config::configure;
pub use resume::resume;
pub use shape::shape;
