//! Object triggers: the calls of `lambkin:object-trigger` as the rest of the host sees them.
//!
//! [`ObjectTrigger`] is one trigger of `lambkin.toml`: a plugin with a configuration it has accepted. Each change of
//! the bucket is [`shape`](ObjectTrigger::shape)d into an event for the trigger's [`Target`], or is not wanted.
//!
//! As for the other triggers the types belong to no version of the contract, `v0_1` adapts one, and whatever it hands out
//! has passed `check`. When a call fails nothing is decided: the change is to be told again.

mod check;
pub(crate) mod v0_1;

use std::sync::Arc;

use lambkin_model::ObjectChange;

use self::v0_1::Shaper;
use crate::batch_trigger::Origin;
use crate::call::CallContext;
use crate::error::{ConfigureError, PluginError};
use crate::limits;
use crate::plugin::Plugin;
use crate::quota::Quota;

/// Who gets an object trigger's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A function, a qualifier may follow: `resize:live`.
    Function(String),
    /// A queue, by name.
    Queue(String),
}

/// A trigger: a plugin and the configuration it has accepted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ObjectTrigger {
    plugin: Plugin,
    shaper: Arc<Shaper>,
    name: String,
    setup: Arc<Setup>,
    quota: Arc<Quota>,
}

/// What a plugin makes of a configuration.
#[derive(Debug)]
pub(crate) struct Setup {
    state: String,
    target: Target,
    summary: Vec<String>,
}

impl ObjectTrigger {
    pub(crate) async fn configure(
        plugin: Plugin,
        shaper: Arc<Shaper>,
        name: &str,
        config: &str,
        bucket: &Origin,
    ) -> Result<Self, ConfigureError> {
        crate::check::config(config)?;
        let quota = Quota::new(&limits::SHAPER);
        let setup = {
            let context = CallContext {
                plugin: plugin.name(),
                trigger: name,
                function: "configure",
                request: None,
                quota: &quota,
            };
            shaper
                .configure(plugin.runner(), &context, config, bucket)
                .await?
        };
        Ok(Self {
            plugin,
            shaper,
            name: name.to_owned(),
            setup: Arc::new(setup),
            quota,
        })
    }

    /// The trigger's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who gets the events.
    pub fn target(&self) -> &Target {
        &self.setup.target
    }

    /// What this trigger does, a line each, fit to be shown.
    pub fn summary(&self) -> &[String] {
        &self.setup.summary
    }

    /// The event for a change, JSON text, checked; `None` if the change is not wanted.
    ///
    /// # Errors
    ///
    /// The plugin refused, misbehaved or could not be run.
    pub async fn shape(&self, change: &ObjectChange) -> Result<Option<String>, PluginError> {
        let context = CallContext {
            plugin: self.plugin.name(),
            trigger: &self.name,
            function: "shape",
            request: Some(&change.id),
            quota: &self.quota,
        };
        self.shaper
            .shape(self.plugin.runner(), &context, &self.setup, change)
            .await
    }
}
