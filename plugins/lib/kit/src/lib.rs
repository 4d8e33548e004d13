//! What the built-in plugins share, so that they speak with one voice.
//!
//! - [`settings`] reads a plugin's section of `lambkin.toml` and collects every mistake in it;
//! - [`suggest`] finds the key a mistyped one was meant to be;
//! - [`arn`] writes AWS's resource names.
//!
//! Like the plugins, it knows nothing of the host: a third party's plugin could be built on it as well.

pub mod arn;
pub mod settings;
pub mod suggest;
