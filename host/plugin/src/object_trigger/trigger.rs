//! One object trigger.

use std::sync::Arc;

use lambkin_model::ObjectChange;

use super::types::{Setup, Target};
use super::v0_2::Shaper;
use crate::caller::Caller;
use crate::check;
use crate::error::{ConfigureError, PluginError};
use crate::surroundings::Surroundings;

/// A trigger: a plugin and the configuration it has accepted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ObjectTrigger {
    caller: Caller,
    shaper: Arc<Shaper>,
    setup: Arc<Setup>,
}

impl ObjectTrigger {
    pub(crate) async fn configure(
        mut caller: Caller,
        shaper: Arc<Shaper>,
        config: &str,
        surroundings: &Surroundings,
        bucket: &str,
    ) -> Result<Self, ConfigureError> {
        check::config(config)?;
        let setup = shaper
            .configure(
                &caller.begin("configure", None),
                config,
                surroundings,
                bucket,
            )
            .await?;
        caller.reuse_instances(setup.reusable);
        Ok(Self {
            caller,
            shaper,
            setup: Arc::new(setup),
        })
    }

    /// The trigger's name.
    pub fn name(&self) -> &str {
        self.caller.name()
    }

    /// The receiver of the events.
    pub fn target(&self) -> &Target {
        &self.setup.target
    }

    /// A description of the trigger for the operator, one displayable line per item.
    pub fn summary(&self) -> &[String] {
        &self.setup.summary
    }

    /// Warnings about a configuration that may not do what was intended, one displayable line per item.
    pub fn warnings(&self) -> &[String] {
        &self.setup.warnings
    }

    /// Returns the event for a change, which is JSON text; `None` if the change is not wanted.
    ///
    /// # Errors
    ///
    /// The plugin reported an error, is defective or could not be run.
    pub async fn shape(&self, change: &ObjectChange) -> Result<Option<String>, PluginError> {
        let call = self.caller.begin("shape", Some(&change.id));
        self.shaper.shape(&call, &self.setup, change).await
    }
}
