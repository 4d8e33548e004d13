//! Amazon SQS as a Lambkin plugin.

#[cfg(target_arch = "wasm32")]
mod guest;
pub mod poll;
