//! The native ends of triggers.
//!
//! Each module owns what a kind of trigger needs from the operating system (a listener today; queue consumers, watchers
//! and timers later), and joins a plugin, which knows shapes, to functions, which know nothing of triggers.
//!
//! On failure: a plugin that fails costs the one request it failed on, and its caller is told which plugin it was.

pub mod http;
pub mod service;
mod stream;
