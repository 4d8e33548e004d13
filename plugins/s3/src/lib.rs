//! Amazon S3 as a Lambkin plugin.
//!
//! The component has two roles, in two modules that do not depend on each other:
//!
//! - [`object`] is the trigger: it turns changes of objects into event notifications;
//! - [`service`] is the service: S3's REST protocol, for objects that the host stores.
//!
//! Everything is tested natively; `guest`, which exists only in the component, exports it.

mod encoding;
mod event_type;
#[cfg(target_arch = "wasm32")]
mod guest;
pub mod object;
pub mod service;
