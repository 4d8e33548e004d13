//! End-to-end tests: the real binary, real sockets, real processes. One module per topic.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's helpers fail the test like the test itself"
)]

mod support;

mod bootstrap_search;
mod cli;
mod config_errors;
mod docker_lambda;
mod environment;
mod failures;
mod gateway;
mod invoke_api;
mod lifetime;
mod plugins;
mod rie;
mod runtime_api;
mod runtimes;
mod sdk_clients;
