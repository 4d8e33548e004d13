//! The native ends of triggers.
//!
//! Each module owns what a kind of trigger needs from the operating system or the store (a listener, a queue's messages, a
//! bucket's changes, a watched folder), and joins a plugin, which knows shapes, to functions, which know nothing of
//! triggers.
//!
//! On failure: a plugin that fails costs the one request, batch or change it failed on; whoever asked is told which
//! plugin it was, and what was accepted is tried again.

pub mod batch;
pub mod folder_watcher;
pub mod http_listener;
mod invocation;
mod limits;
pub mod object_watcher;
mod outcome;
mod response_stream;
pub mod service_listener;
