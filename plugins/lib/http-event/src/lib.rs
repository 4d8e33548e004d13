//! What the plugins for AWS's HTTP front ends (API Gateway, function URLs, load balancers) share: the way from an HTTP
//! request to a Lambda event and from a function's result to an HTTP response.
//!
//! - [`contract`] has the types of the contract `lambkin:http-trigger`, and its bindings; [`websocket`] has those of
//!   `lambkin:websocket-trigger`;
//! - [`json`] writes events and reads results;
//! - [`percent`], [`query`] and [`headers`] read a request as events contain it;
//! - [`head`] measures the head of a request;
//! - [`values`] writes headers and parameters that may have several values;
//! - [`event_2_0`] writes events in payload format 2.0;
//! - [`api_settings`] reads the settings that API Gateway's APIs share, and [`api`] is what they keep of them;
//! - [`path_prefix`] finds the routes that the trigger's `path-prefix` leaves without requests;
//! - [`route_key`] reads the keys of API Gateway's routes, and [`apigw_id`] writes its ids of requests;
//! - [`body`] decides whether an event contains a body as text or in Base64;
//! - [`payload`] reads the response object that a function returned, and [`response`] makes a response of it;
//! - [`signature`] finds the access key that a request is signed with;
//! - [`counters`] are those of the host, which throttles and quotas use;
//! - [`throttle`] reads the settings of throttles;
//! - [`cors`] answers preflight requests and adds CORS headers to responses;
//! - `component`, which exists only for `wasm32`, is what a component without the standard library needs.
//!
//! The crate contains no rules of a single front end: each plugin decides which of these rules apply. It does without
//! the standard library, as a plugin for HTTP requests does: a fresh instance serves each call, and starting one
//! without it costs a fifth less (see `component`).

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

pub mod api;
pub mod api_settings;
pub mod apigw_id;
pub mod body;
#[cfg(target_arch = "wasm32")]
pub mod component;
pub mod contract;
pub mod cors;
pub mod counters;
pub mod event_2_0;
pub mod head;
pub mod headers;
pub mod json;
pub mod path_prefix;
pub mod payload;
pub mod percent;
pub mod query;
pub mod response;
pub mod route_key;
pub mod signature;
pub mod throttle;
pub mod values;
pub mod websocket;
