//! The component's side of the contracts, one file per role: generated bindings and what connects them to plain Rust.
//! Nothing here decides anything.

mod object;
mod service;
