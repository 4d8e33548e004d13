//! Amazon S3 as a Lambkin plugin.
//!
//! The component plays several roles, each in a module of its own that knows nothing of the others:
//!
//! - [`service`] is the service: it speaks S3's REST protocol on the host's objects.
//!
//! Everything but `guest` is ordinary Rust on plain types and is tested natively; `guest`, which exists only in the
//! component, connects it to the generated bindings.

pub mod service;

#[cfg(target_arch = "wasm32")]
mod guest {
    mod service;
}
