//! End-to-end tests: the real binary, real sockets, real processes. One module per topic.

mod support;

mod bootstrap_search;
mod cli;
mod config_errors;
mod environment;
mod failures;
mod gateway;
mod invoke_api;
mod lifetime;
mod plugins;
mod runtime_api;
mod runtimes;
mod sdk_clients;
