//! Services: components that answer HTTP requests on the host's queues and objects.
//!
//! A [`Service`] is a plugin, the settings it has accepted, and the queues and buckets that the operator grants it.
//! Each request runs in a new instance of the standard interface `wasi:http/incoming-handler` (`handler.rs`) with
//! streamed bodies (`body.rs`, `answer.rs`), and has access to the store through `lambkin:store` (the module
//! `store`).
//!
//! On failure: a defective service fails the request, and no other. Its uploads in progress are dropped; completed
//! calls of the store are kept.

mod answer;
mod body;
mod handler;
mod service_role;
mod settings;

pub(crate) use handler::Handler;
pub use service_role::{Client, Service, ServiceBody, ServiceSetup};
pub(crate) use settings::Settings;
