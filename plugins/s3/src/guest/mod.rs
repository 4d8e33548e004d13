//! The component's exports, one file per role.

mod object;
mod service;
