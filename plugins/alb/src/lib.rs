//! An Application Load Balancer in front of Lambda functions, as a Lambkin trigger plugin.
//!
//! The plugin consists of three pure functions, those of the contract `lambkin:http-trigger`:
//!
//! - [`configure()`] checks the trigger's table of `lambkin.toml` and turns it into a `state` that is fast to read;
//! - [`shape()`] finds the listener rule of a request, and answers it or writes the event for its function;
//! - [`respond()`] turns the function's result into an HTTP response.
//!
//! What other HTTP front ends of AWS do in the same way is in the crate `http_event`. Everything is tested natively;
//! `guest`, which exists only in the component, exports the functions.
//!
//! On failure: `configure` reports every mistake in the configuration. Whatever a request or a result contains, the
//! caller gets the HTTP response that AWS would send. Only a `state` that this plugin did not write is an error.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod config;
mod event;
#[cfg(test)]
mod golden;
#[cfg(target_arch = "wasm32")]
mod guest;
mod health;
mod network;
mod page;
mod pattern;
mod redirect;
mod respond;
mod result;
mod rule;
mod shape;
mod state;

pub use config::configure;
pub use respond::respond;
pub use shape::shape;
