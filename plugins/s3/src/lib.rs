//! Amazon S3 as a Lambkin plugin.
//!
//! One component plays two roles, each in a folder of its own on plain types and tested natively: [`service`] speaks S3's
//! REST protocol on the host's objects. `guest`, which exists only in the component, connects them to the generated
//! bindings.

#[cfg(target_arch = "wasm32")]
mod guest;
pub mod service;
