//! What the built-in plugins share.
//!
//! - [`settings`] reads a plugin's section of `lambkin.toml` and collects every mistake in it;
//! - [`nearest`] finds the known name that a mistyped one most likely stands for;
//! - [`arn`] writes Amazon resource names;
//! - [`time`] writes and reads the date formats of AWS's services;
//! - [`xml`] writes XML documents;
//! - [`hex`] writes and reads hexadecimal digits;
//! - [`spelling`] tells the host how a service spells the names of headers.
//!
//! Like the plugins, this crate knows nothing of the host, so a third party's plugin can use it too. It does without
//! the standard library, so that a component which has none can use it.

#![no_std]

extern crate alloc;

pub mod arn;
pub mod hex;
pub mod nearest;
pub mod settings;
pub mod spelling;
pub mod time;
pub mod xml;
