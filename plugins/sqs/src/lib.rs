//! Amazon SQS as a Lambkin plugin.
//!
//! The component plays several roles, each in a module of its own that knows nothing of the others:
//!
//! - [`batch`] is the trigger: it makes events of messages and says what becomes of them;
//! - [`poll`] is the source: it fetches messages of queues elsewhere;
//! - [`service`] is SQS itself: its wire protocols, on queues that the host keeps.
//!
//! Everything but `guest` is ordinary Rust on plain types and is tested natively; `guest`, which exists only in the
//! component, connects it to the generated bindings.

pub mod attribute;
pub mod batch;
#[cfg(target_arch = "wasm32")]
mod guest;
pub mod hex;
pub mod md5;
pub mod poll;
pub mod service;
