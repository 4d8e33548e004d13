//! The trigger role: the three functions of the contract `lambkin:batch-trigger`, all of them pure.
//!
//! - [`configure()`] checks the trigger's table in `lambkin.toml`, whose keys are those of AWS's event source mappings;
//! - [`shape()`] filters a batch of messages and writes the function's event;
//! - [`settle()`] derives from the function's result which messages are done.
//!
//! On failure: `configure` returns every mistake in the table at once. `shape` accepts every message: a body that is
//! not UTF-8 is converted with replacement characters. `shape` and `settle` fail only if this plugin did not write the
//! `state` or `token`.

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
