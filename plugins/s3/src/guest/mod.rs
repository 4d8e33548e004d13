//! The component's side of the contracts: generated bindings, one world for each role. Nothing here decides anything.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "generated items carry the documentation of the WIT files, and can not be written without"
)]

mod object;
mod service;
