//! Amazon S3 as a Lambkin plugin.
//!
//! The component plays two roles, each in a module of its own that knows nothing of the other:
//!
//! - [`object`] is the trigger: it makes event notifications of changes;
//! - [`service`] is S3 itself: its REST protocol, on objects that the host keeps.
//!
//! Everything but `guest` is ordinary Rust on plain types and is tested natively; `guest`, which exists only in the
//! component, connects it to the generated bindings.

mod encoding;
#[cfg(target_arch = "wasm32")]
mod guest;
pub mod object;
pub mod service;
