//! Amazon API Gateway HTTP API as a Lambkin trigger plugin: payload formats 2.0 and 1.0.
//!
//! The plugin is three pure functions, the ones of the contract `lambkin:http-trigger`:
//!
//! - [`configure()`] checks the trigger's table of `lambkin.toml` and packs it into a `state` that reads quickly;
//! - [`shape()`] finds the route of a request and writes the event for its function;
//! - [`respond()`] turns what the function returned into an HTTP response.
//!
//! Everything but `guest` is ordinary Rust on plain types and is tested natively; `guest`, which exists only in the
//! component, connects it to the generated bindings. A fresh instance serves each call, so the component does without
//! the standard library and without any WASI import: it starts with a few pages of memory and nothing to initialise.
//!
//! On failure: mistakes in the configuration are listed all at once; whatever a request or a function contains leads to
//! the HTTP answer AWS gives. Only a `state` or a `token` that this plugin did not write is an error.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod config;
pub mod contract;
mod cors;
mod event;
#[cfg(test)]
mod golden;
#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the allocator's trait is unsafe")]
mod heap;
mod limits;
mod payload;
mod reply;
mod respond;
mod route_key;
mod routing;
mod shape;
mod state;
mod text;
mod token;

pub use config::configure;
pub use respond::respond;
pub use shape::shape;
