//! A loaded plugin.

use std::fmt;
use std::sync::Arc;

use crate::batch_trigger::BatchTrigger;
use crate::caller::Caller;
use crate::connections::Connections;
use crate::error::ConfigureError;
use crate::event_origin::EventOrigin;
use crate::functions::Functions;
use crate::http_trigger::HttpTrigger;
use crate::inspect::Inspection;
use crate::limits::{self, Bounds};
use crate::object_trigger::ObjectTrigger;
use crate::reuse::Reuse;
use crate::role::Role;
use crate::runner::Runner;
use crate::service::{Service, ServiceSetup};
use crate::source::{Source, SourceSetup};
use crate::surroundings::Surroundings;
use crate::websocket_trigger::WebSocketTrigger;

/// A component that was checked, compiled and instantiated once. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

/// The contents of a [`Plugin`].
pub(crate) struct Loaded {
    pub name: String,
    pub digest: String,
    pub size: usize,
    pub inspection: Inspection,
    pub functions: Functions,
    pub runner: Arc<Runner>,
}

impl Plugin {
    pub(crate) fn new(loaded: Loaded) -> Self {
        Self(Arc::new(loaded))
    }

    /// The plugin's name in the configuration: that of a built-in plugin, or a path.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The SHA-256 of its file, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// The size of its file, in bytes.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// The roles that it plays, at least one.
    pub fn roles(&self) -> Vec<Role> {
        let roles = self.0.inspection.roles.iter();
        roles.map(|(role, _)| *role).collect()
    }

    /// Whether it plays a role.
    pub fn plays(&self, role: Role) -> bool {
        self.interface(role).is_some()
    }

    /// The exported interface of a role: `lambkin:http-trigger/http-shaper@0.2.0`.
    pub fn interface(&self, role: Role) -> Option<&str> {
        self.0.inspection.interface(role)
    }

    /// The interfaces that it imports.
    pub fn imports(&self) -> &[String] {
        &self.0.inspection.imports
    }

    /// Configures an HTTP trigger. `config` is its table in `lambkin.toml` as JSON, and `network` the origins that it may
    /// fetch from.
    ///
    /// # Errors
    ///
    /// The plugin does not play the role, it found mistakes, or the call failed. The same holds for the other roles.
    pub async fn http_trigger(
        &self,
        config: &str,
        surroundings: &Surroundings,
        network: &[String],
        reuse: Reuse,
    ) -> Result<HttpTrigger, ConfigureError> {
        let shaper = self.adapter(Role::HttpTrigger, |functions| &functions.http_trigger)?;
        let caller = self.trigger_caller(surroundings, reuse);
        HttpTrigger::configure(caller, shaper, config, surroundings, network).await
    }

    /// Configures a WebSocket trigger, whose plugin reaches these connections.
    pub async fn websocket_trigger(
        &self,
        config: &str,
        surroundings: &Surroundings,
        network: &[String],
        reuse: Reuse,
        connections: Arc<dyn Connections>,
    ) -> Result<WebSocketTrigger, ConfigureError> {
        let http = self.adapter(Role::HttpTrigger, |functions| &functions.http_trigger)?;
        let shaper = self.adapter(Role::WebSocketTrigger, |functions| {
            &functions.websocket_trigger
        })?;
        let caller = self.trigger_caller(surroundings, reuse);
        let caller = caller.with_connections(connections);
        let http = HttpTrigger::configure(caller, http, config, surroundings, network).await?;
        WebSocketTrigger::configure(http, shaper).await
    }

    /// Configures a batch trigger for messages of `origin`.
    pub async fn batch_trigger(
        &self,
        config: &str,
        surroundings: &Surroundings,
        origin: &EventOrigin,
        reuse: Reuse,
    ) -> Result<BatchTrigger, ConfigureError> {
        let shaper = self.adapter(Role::BatchTrigger, |functions| &functions.batch_trigger)?;
        let caller = self.trigger_caller(surroundings, reuse);
        BatchTrigger::configure(caller, shaper, config, surroundings, origin).await
    }

    /// Configures an object trigger for changes of this bucket.
    pub async fn object_trigger(
        &self,
        config: &str,
        surroundings: &Surroundings,
        bucket: &str,
        reuse: Reuse,
    ) -> Result<ObjectTrigger, ConfigureError> {
        let shaper = self.adapter(Role::ObjectTrigger, |functions| &functions.object_trigger)?;
        let caller = self.trigger_caller(surroundings, reuse);
        ObjectTrigger::configure(caller, shaper, config, surroundings, bucket).await
    }

    /// Configures a service.
    pub async fn service(
        &self,
        name: &str,
        setup: ServiceSetup,
    ) -> Result<Service, ConfigureError> {
        let handler = self.adapter(Role::Service, |functions| &functions.service)?;
        let settings = self.0.functions.settings.clone();
        let caller = self.caller(name, &limits::SERVICE);
        let judges_foreign_pages = self.0.inspection.judges_foreign_pages;
        Service::configure(caller, handler, settings, judges_foreign_pages, setup).await
    }

    /// Configures a source.
    pub async fn source(&self, setup: SourceSetup) -> Result<Source, ConfigureError> {
        let poller = self.adapter(Role::Source, |functions| &functions.source)?;
        let caller = self.caller(&setup.surroundings.name, &limits::SOURCE);
        Source::configure(caller, poller, setup).await
    }

    fn trigger_caller(&self, surroundings: &Surroundings, reuse: Reuse) -> Caller {
        let caller = self.caller(&surroundings.name, &limits::SHAPER);
        caller.with_reuse(reuse)
    }

    fn caller(&self, name: &str, bounds: &Bounds) -> Caller {
        Caller::new(&self.0.name, Arc::clone(&self.0.runner), name, bounds)
    }

    fn adapter<A>(
        &self,
        role: Role,
        of: impl Fn(&Functions) -> &Option<Arc<A>>,
    ) -> Result<Arc<A>, ConfigureError> {
        let adapter = of(&self.0.functions).clone();
        adapter.ok_or_else(|| ConfigureError::MissingRole {
            plugin: self.name().to_owned(),
            wanted: role,
            roles: self.roles(),
            other_version: self.0.inspection.other_version(role).cloned(),
        })
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Loaded {
            name,
            digest,
            size,
            inspection,
            ..
        } = &*self.0;
        f.debug_struct("Plugin")
            .field("name", name)
            .field("digest", digest)
            .field("size", size)
            .field("inspection", inspection)
            .finish_non_exhaustive()
    }
}
