//! Services: components that answer HTTP on the host's queues and objects.
//!
//! A [`Service`] is a plugin with settings it has accepted and with what the operator grants it. Each request gets a
//! fresh instance of the standard interface `wasi:http/incoming-handler` (`handler.rs`), with bodies that are streamed both
//! ways (`answer.rs`, `body.rs`), and finds the store behind `lambkin:store` (`store.rs`, `queues.rs`, `objects.rs`), cut
//! down to its grants (`grants.rs`).
//!
//! On failure: a service that misbehaves costs the one request that it failed on, and what that had begun in the store is
//! as if it had gone away there: uploads are dropped, what was answered is kept.

mod answer;
mod body;
mod grants;
mod handler;
mod object_types;
mod objects;
mod queue_types;
mod queues;
mod settings;
mod store;

pub(crate) use self::grants::Grants;
pub use self::grants::allows;
pub(crate) use self::handler::Handler;
pub(crate) use self::settings::Settings;
pub(crate) use self::store::{StoreView, link as link_store};

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use lambkin_store::object::Objects;
use lambkin_store::queue::Queues;

use crate::call::CallContext;
use crate::check;
use crate::error::{CallError, ConfigureError, PluginError};
use crate::limits;
use crate::network::Network;
use crate::plugin::Plugin;
use crate::quota::Quota;
use crate::state::Capabilities;
use crate::wasi::{Wasi, WasiAccess};

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
    pub queues: Option<Grant<Queues>>,
    /// The buckets it may see.
    pub buckets: Option<Grant<Objects>>,
}

/// A part of the store, by names.
#[derive(Debug, Clone)]
pub struct Grant<T> {
    /// The store's part.
    pub store: T,
    /// Names; `*` stands for any characters. A name that matches may also be created.
    pub names: Vec<String>,
}

/// A service that has accepted its settings. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    plugin: Plugin,
    handler: Arc<Handler>,
    name: String,
    environment: Arc<[(String, String)]>,
    grants: Arc<Grants>,
    quota: Arc<Quota>,
}

/// The body of a service's answer.
pub type ServiceBody = UnsyncBoxBody<Bytes, std::io::Error>;

impl Service {
    pub(crate) async fn configure(
        plugin: Plugin,
        handler: Arc<Handler>,
        settings: Option<Arc<Settings>>,
        name: &str,
        setup: ServiceSetup,
    ) -> Result<Self, ConfigureError> {
        check::config(&setup.settings)?;
        let quota = Quota::new(&limits::SERVICE);
        if let Some(settings) = settings {
            let context = CallContext {
                plugin: plugin.name(),
                trigger: name,
                function: "check",
                request: None,
                quota: &quota,
            };
            let problems = settings.problems(plugin.runner(), &context, &setup.settings);
            let problems = problems.await?;
            if !problems.is_empty() {
                return Err(ConfigureError::Problems(problems));
            }
        }
        let variable = |name: &str, value| (name.to_owned(), value);
        Ok(Self(Arc::new(Inner {
            plugin,
            handler,
            name: name.to_owned(),
            environment: Arc::new([
                variable("LAMBKIN_REGION", setup.region),
                variable("LAMBKIN_ACCOUNT", setup.account),
                variable("LAMBKIN_SETTINGS", setup.settings),
            ]),
            grants: Arc::new(Grants {
                queues: setup.queues,
                buckets: setup.buckets,
            }),
            quota,
        })))
    }

    /// The service's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.0.name)
            .field("plugin", &self.0.plugin)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn context(&self) -> CallContext<'_> {
        CallContext {
            plugin: self.plugin.name(),
            trigger: &self.name,
            function: "handle",
            request: None,
            quota: &self.quota,
        }
    }

    fn error(&self, start: Instant, cause: CallError) -> PluginError {
        self.context().error(start, failure)
    }

    /// What each request's instance is given.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            wasi: Wasi::new(WasiAccess::Real(Arc::clone(&self.environment))),
            grants: Arc::clone(&self.grants),
            network: Network::default(),
        }
    }
}

/// Says why bytes are refused, if they are; `who_has` them is "the key has".
fn check_size(who_has: &str, size: usize, most: usize) -> Result<(), String> {
    if size > most {
        return Err(format!("{who_has} {size} bytes, and may have {most}"));
    }
    Ok(())
}

/// Says why so many are refused, if they are.
fn check_count(what: &str, count: usize, most: usize) -> Result<(), String> {
    if count > most {
        return Err(format!("{count} {what} at once, and there may be {most}"));
    }
    Ok(())
}

/// Bytes of names and values together.
fn pairs_size(pairs: &[(String, String)]) -> usize {
    pairs
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}
