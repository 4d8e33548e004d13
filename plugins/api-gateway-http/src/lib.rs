//! Amazon API Gateway's HTTP API as a Lambkin trigger plugin, with payload formats 2.0 and 1.0.
//!
//! The plugin consists of three pure functions, those of the contract `lambkin:http-trigger`:
//!
//! - [`configure()`] checks the trigger's table of `lambkin.toml` and turns it into a `state` that is fast to read;
//! - [`shape()`] finds the route of a request and writes the event for its function;
//! - [`resume()`] turns the function's result into an HTTP response, or goes on after a step of an authorizer.
//!
//! What other HTTP front ends of AWS do in the same way is in the crates `http_event` and `authorizer`. Everything is tested natively;
//! `guest`, which exists only in the component, exports the functions.
//!
//! On failure: `configure` reports every mistake in the configuration. Whatever a request or a result contains, the
//! caller gets the HTTP response that AWS would send. Only a `state` or a `token` that this plugin did not write is an
//! error.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod authorize;
mod config;
mod event;
mod gateway_error;
#[cfg(test)]
mod golden;
#[cfg(target_arch = "wasm32")]
mod guest;
mod limits;
mod respond;
mod routing;
mod shape;
mod state;
mod token;

pub use config::configure;
pub use shape::{resume, shape};
