//! Makes components of compiled code. The only unsafe code of the host.

#![allow(
    unsafe_code,
    reason = "the engine cannot check compiled code, so loading it is unsafe; the safety comment says what is trusted"
)]

use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads what the compiler has returned, or what it has written to the cache.
///
/// # Errors
///
/// The code was made by another version of the engine or with other settings.
pub(crate) fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are what `Engine::precompile_component` returned. They come either over a socket from this
    // program's own compiler process, or from a file that it wrote to a folder in which only this user can write
    // (`cache.rs` refuses any other), and whose checksum is right. A user who replaces the file could as well replace
    // this program. A plugin's file is never loaded as compiled code: `inspect.rs` refuses it.
    unsafe { Component::deserialize(engine, code) }
}
