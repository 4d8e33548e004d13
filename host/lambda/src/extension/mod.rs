//! The Extensions API (2020-01-01): programs beside the runtime that observe an environment.
//!
//! [`discover`] finds external extensions in layers, [`variables`] selects what their processes see, [`registry`] keeps
//! the state of one sandbox's extensions, and [`api`] responds to their requests from it. The environment starts and
//! ends their processes.
//!
//! On failure: an invalid request gets AWS's 403 and changes nothing. Whether an extension's failure ends the init
//! phase or the invocation is decided by the environment, which is notified of it.

pub(crate) mod api;
pub(crate) mod discover;
mod error;
pub(crate) mod event;
mod member;
mod members;
pub(crate) mod registry;
pub(crate) mod request;
pub(crate) mod state;
pub(crate) mod summary;
pub(crate) mod variables;

#[cfg(test)]
mod tests;
