//! Interpreters are found on made-up machines. No version manager has to be installed.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's helpers fail the test like the test itself"
)]

mod made;
mod sandboxed;
mod stores;
mod wishes;
