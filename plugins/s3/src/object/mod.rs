//! The trigger: two pure functions, those of the contract `lambkin:object-trigger`.
//!
//! - [`configure()`] checks the trigger's table of `lambkin.toml`, which is a notification configuration of a bucket;
//! - [`shape()`] filters changes and writes the event notification, which is the same for a function and for a queue.
//!
//! On failure: `configure` reports every mistake in the configuration. `shape` accepts every change; only a `state`
//! that this plugin did not write is an error.

mod configure;
pub mod contract;
#[cfg(test)]
mod golden;
mod ids;
mod notification;
mod shape;
mod state;
mod version;

pub use configure::configure;
pub use shape::shape;
