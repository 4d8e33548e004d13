//! The component's side of the contracts, one file per role: exports of the plugin's functions, and what they need of
//! the host. Nothing here decides anything. This module exists only in the component.

#![allow(
    unsafe_code,
    reason = "the exports of generated bindings are unsafe functions"
)]

mod batch;
mod poll;
mod service;
