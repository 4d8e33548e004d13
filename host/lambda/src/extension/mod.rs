//! The Extensions API (2020-01-01): programs beside the runtime that watch an environment live.
//!
//! [`discover`] finds external extensions in layers, [`variables`] says what their processes see, [`registry`] keeps
//! everything one life of an environment knows of its extensions, and [`api`] answers their requests from it.
//! Starting and ending their processes is the environment's business.
//!
//! On failure: a request that is not in order gets AWS's 403 and changes nothing. Whether an extension's failure ends
//! the init phase or the invocation is decided by the environment, which hears of it as an event.

pub(crate) mod api;
pub(crate) mod discover;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod members;
pub(crate) mod registry;
pub(crate) mod request;
pub(crate) mod state;
pub(crate) mod summary;
pub(crate) mod variables;

#[cfg(test)]
mod tests;
