//! Amazon SQS as a Lambkin plugin.

pub mod service;

#[cfg(target_arch = "wasm32")]
mod guest;
