//! A loaded plugin.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::batch_trigger::{BatchTrigger, Origin};
use crate::call::Runner;
use crate::error::ConfigureError;
use crate::http_trigger::HttpTrigger;
use crate::http_trigger::v0_1::Shaper;
use crate::inspect::Inspection;
use crate::object_trigger::ObjectTrigger;
use crate::service::{Service, ServiceSetup};
use crate::source::{Source, SourceSetup};

/// A role that a component can play; one component may play several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `lambkin:http-trigger/shaper`.
    HttpTrigger,
    /// `lambkin:batch-trigger/shaper`.
    BatchTrigger,
    /// `lambkin:object-trigger/shaper`.
    ObjectTrigger,
    /// `wasi:http/incoming-handler`.
    Service,
    /// `lambkin:source/poller`.
    Source,
}

/// A component that was checked, compiled and started once: ready to serve triggers. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    name: String,
    digest: String,
    size: usize,
    inspection: Inspection,
    shaper: Shaper,
    runner: Arc<Runner>,
}

impl Plugin {
    pub(crate) fn new(
        name: &str,
        bytes: &[u8],
        inspection: Inspection,
        shaper: Shaper,
        runner: Arc<Runner>,
    ) -> Self {
        let digest = format!("{:x}", Sha256::digest(bytes));
        Self(Arc::new(Loaded {
            name: name.to_owned(),
            digest,
            size: bytes.len(),
            inspection,
            shaper,
            runner,
        }))
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

    /// The exported interface that gives it its role: `lambkin:http-trigger/shaper@0.1.0`.
    pub fn role(&self) -> &str {
        &self.0.inspection.role
    }

    /// The interfaces it imports; all of them are inert.
    pub fn imports(&self) -> &[String] {
        &self.0.inspection.imports
    }

    /// Has the plugin read the configuration of one trigger: its table in `lambkin.toml` as JSON.
    ///
    /// # Errors
    ///
    /// The mistakes that the plugin found in it, or the failure of the plugin itself.
    pub async fn http_trigger(
        &self,
        trigger: &str,
        config_json: &str,
    ) -> Result<HttpTrigger, ConfigureError> {
        HttpTrigger::configure(self.clone(), trigger, config_json).await
    }

    /// Whether the component plays a role.
    pub fn plays(&self, _role: Role) -> bool {
        false
    }

    /// Has the plugin read the configuration of one batch trigger.
    ///
    /// # Errors
    ///
    /// The plugin does not play the role, the mistakes that it found, or its own failure. So for the others.
    pub async fn batch_trigger(
        &self,
        trigger: &str,
        config_json: &str,
        origin: &Origin,
    ) -> Result<BatchTrigger, ConfigureError> {
        BatchTrigger::configure(self.clone(), trigger, config_json, origin).await
    }

    /// Has the plugin read the configuration of one object trigger.
    pub async fn object_trigger(
        &self,
        trigger: &str,
        config_json: &str,
        bucket: &Origin,
    ) -> Result<ObjectTrigger, ConfigureError> {
        ObjectTrigger::configure(self.clone(), trigger, config_json, bucket).await
    }

    /// Has the plugin check the settings of one service.
    pub async fn service(
        &self,
        name: &str,
        setup: ServiceSetup,
    ) -> Result<Service, ConfigureError> {
        Service::configure(self.clone(), name, setup).await
    }

    /// Has the plugin read the configuration of one source.
    pub async fn source(&self, name: &str, setup: SourceSetup) -> Result<Source, ConfigureError> {
        Source::configure(self.clone(), name, setup).await
    }

    pub(crate) fn shaper(&self) -> &Shaper {
        &self.0.shaper
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
