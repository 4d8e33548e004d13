//! A loaded plugin.

use std::fmt;
use std::sync::Arc;

use crate::batch_trigger::{BatchTrigger, FunctionInfo, Origin};
use crate::call::Runner;
use crate::error::ConfigureError;
use crate::http_trigger::HttpTrigger;
use crate::inspect::Inspection;
use crate::object_trigger::ObjectTrigger;
use crate::role::Role;
use crate::roles::Roles;
use crate::service::{Service, ServiceSetup};
use crate::source::{Source, SourceSetup};

/// A component that was checked, compiled and started once: ready to play its roles. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

/// What there is of a plugin once it is loaded.
pub(crate) struct Loaded {
    pub name: String,
    pub digest: String,
    pub size: usize,
    pub inspection: Inspection,
    pub roles: Roles,
    pub runner: Arc<Runner>,
}

impl Plugin {
    pub(crate) fn new(loaded: Loaded) -> Self {
        Self(Arc::new(loaded))
    }

    /// What the operator calls it: a built-in's name or a path.
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

    /// The exported interface by which it plays a role: `lambkin:http-trigger/shaper@0.1.0`.
    pub fn interface(&self, role: Role) -> Option<&str> {
        self.0.inspection.interface(role)
    }

    /// The interfaces it imports.
    pub fn imports(&self) -> &[String] {
        &self.0.inspection.imports
    }

    /// Has the plugin read the configuration of one HTTP trigger: its table in `lambkin.toml` as JSON.
    ///
    /// # Errors
    ///
    /// The plugin does not play the role, it found mistakes, or it failed itself. So for the other roles.
    pub async fn http_trigger(
        &self,
        trigger: &str,
        config_json: &str,
    ) -> Result<HttpTrigger, ConfigureError> {
        let shaper = self.adapter(Role::HttpTrigger, |roles| &roles.http_trigger)?;
        HttpTrigger::configure(self.clone(), shaper, trigger, config_json).await
    }

    /// Has the plugin read the configuration of one batch trigger.
    pub async fn batch_trigger(
        &self,
        trigger: &str,
        config_json: &str,
        origin: &Origin,
        functions: &[FunctionInfo],
    ) -> Result<BatchTrigger, ConfigureError> {
        let shaper = self.adapter(Role::BatchTrigger, |roles| &roles.batch_trigger)?;
        BatchTrigger::configure(
            self.clone(),
            shaper,
            trigger,
            config_json,
            origin,
            functions,
        )
        .await
    }

    /// Has the plugin read the configuration of one object trigger.
    pub async fn object_trigger(
        &self,
        trigger: &str,
        config_json: &str,
        bucket: &Origin,
    ) -> Result<ObjectTrigger, ConfigureError> {
        let shaper = self.adapter(Role::ObjectTrigger, |roles| &roles.object_trigger)?;
        ObjectTrigger::configure(self.clone(), shaper, trigger, config_json, bucket).await
    }

    /// Has the plugin check the settings of one service.
    pub async fn service(
        &self,
        name: &str,
        setup: ServiceSetup,
    ) -> Result<Service, ConfigureError> {
        let handler = self.adapter(Role::Service, |roles| &roles.service)?;
        let settings = self.0.roles.settings.clone();
        Service::configure(self.clone(), handler, settings, name, setup).await
    }

    /// Has the plugin read the configuration of one source.
    pub async fn source(&self, name: &str, setup: SourceSetup) -> Result<Source, ConfigureError> {
        let poller = self.adapter(Role::Source, |roles| &roles.source)?;
        Source::configure(self.clone(), poller, name, setup).await
    }

    /// The adapter for a role.
    fn adapter<A>(
        &self,
        role: Role,
        of: impl Fn(&Roles) -> &Option<Arc<A>>,
    ) -> Result<Arc<A>, ConfigureError> {
        of(&self.0.roles)
            .clone()
            .ok_or_else(|| self.not_played(role))
    }

    fn not_played(&self, wanted: Role) -> ConfigureError {
        ConfigureError::NotPlayed {
            plugin: self.name().to_owned(),
            wanted,
            played: self.roles(),
            other_version: self.0.inspection.other_version(wanted).map(str::to_owned),
        }
    }

    pub(crate) fn runner(&self) -> &Runner {
        &self.0.runner
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
