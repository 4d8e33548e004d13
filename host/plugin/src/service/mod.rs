//! Services: components that answer HTTP on the host's queues and objects.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use lambkin_store::object::Objects;
use lambkin_store::queue::Queues;

use crate::error::{ConfigureError, PluginError};
use crate::plugin::Plugin;

/// What a service is told and given.
#[derive(Debug, Clone)]
pub struct ServiceSetup {
    /// What is left of its section of the configuration, as JSON.
    pub settings: String,
    /// As in ARNs.
    pub region: String,
    /// As in ARNs.
    pub account: String,
    /// The queues it may see.
    pub queues: Option<Granted<Queues>>,
    /// The buckets it may see.
    pub buckets: Option<Granted<Objects>>,
}

/// A part of the store, by names.
#[derive(Debug, Clone)]
pub struct Granted<T> {
    /// The store's part.
    pub store: T,
    /// Names; `*` stands for any characters. A name that matches may also be created.
    pub names: Vec<String>,
}

/// A service that has accepted its settings.
#[derive(Clone, Debug)]
pub struct Service {
    _plugin: Plugin,
}

/// The body of a service's answer.
pub type ServiceBody = UnsyncBoxBody<Bytes, std::io::Error>;

#[allow(
    clippy::unimplemented,
    clippy::unused_async,
    missing_docs,
    unused_variables,
    reason = "base"
)]
impl Service {
    pub(crate) async fn configure(
        plugin: Plugin,
        name: &str,
        setup: ServiceSetup,
    ) -> Result<Self, ConfigureError> {
        unimplemented!()
    }
    pub fn name(&self) -> &str {
        unimplemented!()
    }
    pub async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<ServiceBody>, PluginError> {
        unimplemented!()
    }
}
