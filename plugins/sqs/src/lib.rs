//! Amazon SQS as a Lambkin plugin.
//!
//! The component has three roles. Each is a module that does not use the others:
//!
//! - [`batch`] is the trigger: it turns batches of messages into Lambda events and decides which messages are done;
//! - [`poll`] is the source: it receives messages from queues outside the host, at AWS or in another emulator;
//! - [`service`] is SQS itself: its wire protocols, on top of queues that the host keeps.
//!
//! The types of each role's contract are generated from `wit/` and are the same natively, where the tests run. Only
//! `guest`, which exports the functions to the host, needs WebAssembly.

pub mod attribute;
pub mod batch;
#[cfg(target_arch = "wasm32")]
mod guest;
pub mod md5;
pub mod poll;
pub mod service;
