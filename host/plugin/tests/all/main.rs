//! The public interface of the plugin host, with plugins that behave and with hostile ones.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot continue has failed"
)]

mod arbitrary;
mod batch;
mod cache;
mod calls;
mod compiler;
mod configure;
mod fetch;
mod fixture;
mod golden;
mod hostile;
mod inert;
mod load;
mod object;
mod output;
mod probe;
mod results;
mod reuse;
mod roles;
mod service;
mod source;
mod steps;
mod template;
