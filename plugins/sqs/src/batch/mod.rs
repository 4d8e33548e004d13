//! The trigger: three pure functions, the ones of the contract `lambkin:batch-trigger`.
//!
//! - [`configure()`] checks the trigger's table of `lambkin.toml`, which has the names of AWS's event source mappings;
//! - [`shape()`] filters messages and writes the event for the function;
//! - [`settle()`] reads from the function's result which messages are done.
//!
//! On failure: mistakes in the configuration are listed all at once. A message that can not be part of an event as it is
//! never exists: what is no text is read as text. Only a `state` or a `token` that this plugin did not write is an error.

mod configure;
pub mod contract;
mod event;
mod filter;
#[cfg(test)]
mod golden;
mod limits;
mod settle;
mod shape;
mod state;
mod token;
mod visibility;

pub use configure::configure;
pub use settle::settle;
pub use shape::shape;
