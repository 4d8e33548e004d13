//! One service.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use lambkin_store::object::Objects;
use lambkin_store::queue::Queues;

use super::handler::Handler;
use super::settings::Settings;
use crate::caller::Caller;
use crate::check;
use crate::error::ConfigureError;
use crate::state::Capabilities;
use crate::store::{Grant, Grants, Targets};
use crate::wasi::{Wasi, WasiAccess};

/// The configuration of a service.
#[derive(Debug, Clone)]
pub struct ServiceSetup {
    /// The service's section of the configuration without the host's own keys, as JSON.
    pub settings: String,
    /// The AWS region.
    pub region: String,
    /// The AWS account id.
    pub account: String,
    /// The queues it has access to.
    pub queues: Option<Grant<Queues>>,
    /// The buckets it has access to.
    pub buckets: Option<Grant<Objects>>,
    /// What the triggers that it sets can send to; `None` if no triggers run.
    pub targets: Option<Targets>,
}

/// Who has made a request.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    /// The client's address.
    pub peer: SocketAddr,
    /// Whether a web page has made the request that is neither on this machine nor allowed by the operator. Only for
    /// services that [judge](Service::judges_foreign_pages) foreign pages.
    pub is_foreign_page: bool,
    /// Whether the connection is encrypted, so that the URLs by which the client reaches the service begin with
    /// `https`.
    pub is_encrypted: bool,
}

impl From<SocketAddr> for Client {
    fn from(peer: SocketAddr) -> Self {
        Self {
            peer,
            is_foreign_page: false,
            is_encrypted: false,
        }
    }
}

/// A service: a plugin and the settings it has accepted. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    caller: Caller,
    handler: Arc<Handler>,
    judges_foreign_pages: bool,
    environment: Arc<[(String, String)]>,
    grants: Arc<Grants>,
}

/// The body of a service's response.
pub type ServiceBody = UnsyncBoxBody<Bytes, std::io::Error>;

impl Service {
    pub(crate) async fn configure(
        caller: Caller,
        handler: Arc<Handler>,
        settings: Option<Arc<Settings>>,
        judges_foreign_pages: bool,
        setup: ServiceSetup,
    ) -> Result<Self, ConfigureError> {
        check::config(&setup.settings)?;
        if let Some(settings) = settings {
            let problems = settings
                .problems(&caller.begin("check", None), &setup.settings)
                .await?;
            if !problems.is_empty() {
                return Err(ConfigureError::Problems(problems));
            }
        }
        let variable = |name: &str, value| (name.to_owned(), value);
        Ok(Self(Arc::new(Inner {
            caller,
            handler,
            judges_foreign_pages,
            environment: Arc::new([
                variable("LAMBKIN_REGION", setup.region),
                variable("LAMBKIN_ACCOUNT", setup.account),
                variable("LAMBKIN_SETTINGS", setup.settings),
            ]),
            grants: Arc::new(Grants {
                queues: setup.queues,
                buckets: setup.buckets,
                targets: setup.targets,
            }),
        })))
    }

    /// The service's name.
    pub fn name(&self) -> &str {
        self.0.caller.name()
    }

    /// Whether the service decides itself which web pages may use it. If not, requests of foreign pages must not reach
    /// it.
    pub fn judges_foreign_pages(&self) -> bool {
        self.0.judges_foreign_pages
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.0.caller
    }

    pub(super) fn handler(&self) -> &Handler {
        &self.0.handler
    }

    /// What the instance for a request has access to: a clock, randomness, its variables, and the granted queues and
    /// buckets.
    pub(super) fn capabilities(&self) -> Capabilities {
        Capabilities {
            wasi: Wasi::new(WasiAccess::Real(Arc::clone(&self.0.environment))),
            grants: Arc::clone(&self.0.grants),
            ..Capabilities::default()
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("caller", &self.0.caller)
            .finish_non_exhaustive()
    }
}
