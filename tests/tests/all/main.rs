//! End-to-end tests: the real binary, real sockets, real processes. One module per topic.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's helpers fail the test like the test itself"
)]

mod support;

mod alb;
mod asynchronous;
mod authorizers;
mod bootstrap_search;
mod browser;
mod bucket_trigger;
mod bundling;
mod cli;
mod clients;
mod config_errors;
mod connections;
mod containers;
mod control_plane;
mod debug_ports;
mod debugging;
mod docker_lambda;
mod doctor;
mod environment;
mod example_plugins;
mod extensions;
mod failed_starts;
mod failures;
#[cfg(target_os = "linux")]
mod fixed_ports;
mod front_door_targets;
#[cfg(target_os = "linux")]
mod full_disk;
mod function_url;
mod gateway;
mod handlers;
mod hot_reload;
mod http2;
#[cfg(target_os = "linux")]
mod image_tools;
#[cfg(target_os = "linux")]
mod images;
mod invoke_api;
mod invoke_rules;
mod lifecycle;
mod lifetime;
mod load;
mod managed_java;
mod managed_layers;
mod managed_runtimes;
mod outside_queue;
#[cfg(target_os = "linux")]
mod packages;
mod plugin_front_doors;
mod plugin_logs;
mod plugin_requests;
mod plugin_reuse;
mod plugin_settings;
mod plugin_steps;
mod plugins;
#[cfg(target_os = "linux")]
mod power_cut;
#[cfg(target_os = "linux")]
mod processes;
mod projects;
mod published_layers;
mod queue_trigger;
mod response_stream;
mod rest_api;
mod rie;
mod runtime_api;
mod runtime_clients;
mod runtimes;
mod sample_events;
#[cfg(target_os = "linux")]
mod sandbox;
mod sdk_clients;
mod sdk_services;
mod services;
mod shared_ports;
mod slow_peers;
mod starts;
mod store_files;
mod streaming;
mod supervisor;
mod template_doors;
mod tls;
mod versions;
mod watch;
mod web_apps;
mod web_pages;
mod websocket_api;
mod websocket_plugin;
