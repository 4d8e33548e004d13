//! Amazon API Gateway's WebSocket API as a Lambkin trigger plugin.
//!
//! The plugin consists of pure functions, those of the contracts `lambkin:http-trigger` and
//! `lambkin:websocket-trigger`:
//!
//! - [`configure()`] checks the trigger's table of `lambkin.toml`, and [`websockets`] has the settings of connections;
//! - [`shape()`] answers requests: for connections ([`connect`], [`authorize`]) and of the management API ([`management`]);
//! - [`receive`] finds the route of a message and writes the event for its function, and [`disconnected`] does so for the
//!   end of a connection;
//! - [`resume()`] goes on when the function has ended.
//!
//! What the host keeps about a connection is its [`data`]. Everything is tested natively; `guest`, which exists only in the
//! component, exports the functions.
//!
//! On failure: `configure` reports every mistake in the configuration. Whatever a request, a message or a result contains,
//! the client gets what AWS would send. Only a `state`, a `token` or data that this plugin did not write is an error.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod authorize;
mod config;
mod connect;
mod data;
mod event;
mod gateway_error;
#[cfg(test)]
mod golden;
#[cfg(target_arch = "wasm32")]
mod guest;
mod management;
mod message;
mod resume;
mod selection;
mod shape;
mod state;
mod token;

pub use config::configure;
pub use management::OpenConnections;
pub use message::{disconnected, receive};
pub use resume::resume;
pub use shape::shape;
pub use state::websockets;
