//! One batch trigger.

use std::sync::Arc;

use lambkin_model::{Message, Settlement};

use super::types::{Batching, Setup, ShapedBatch};
use super::v0_2::Shaper;
use crate::caller::Caller;
use crate::check;
use crate::error::{ConfigureError, PluginError};
use crate::event_origin::EventOrigin;
use crate::outcome::TriggerOutcome;
use crate::surroundings::{FunctionReference, Surroundings};

/// A trigger: a plugin and the configuration it has accepted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BatchTrigger {
    caller: Caller,
    shaper: Arc<Shaper>,
    setup: Arc<Setup>,
}

impl BatchTrigger {
    pub(crate) async fn configure(
        mut caller: Caller,
        shaper: Arc<Shaper>,
        config: &str,
        surroundings: &Surroundings,
        origin: &EventOrigin,
    ) -> Result<Self, ConfigureError> {
        check::config(config)?;
        let setup = shaper
            .configure(
                &caller.begin("configure", None),
                config,
                surroundings,
                origin,
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

    /// The function that receives the batches.
    pub fn function(&self) -> &FunctionReference {
        &self.setup.function
    }

    /// How the messages are gathered.
    pub fn batching(&self) -> Batching {
        self.setup.batching
    }

    /// A description of the trigger for the operator, one displayable line per item.
    pub fn summary(&self) -> &[String] {
        &self.setup.summary
    }

    /// Warnings about a configuration that may not do what was intended, one displayable line per item.
    pub fn warnings(&self) -> &[String] {
        &self.setup.warnings
    }

    /// Returns the event for a batch. There is one unless all messages are skipped.
    ///
    /// # Errors
    ///
    /// The plugin reported an error, is defective or could not be run.
    pub async fn shape(&self, messages: &[Message]) -> Result<ShapedBatch, PluginError> {
        let call = self.caller.begin("shape", None);
        self.shaper.shape(&call, &self.setup, messages).await
    }

    /// Decides what happens to the messages.
    ///
    /// `token` is that of the [`ShapedBatch`], and `ids` are those of the messages that were not skipped. Each
    /// verdict is on one of them, and there is at most one on each. The host waits for a batch's function until it
    /// ends, so the plugin receives [`Ending::Expired`](crate::Ending::Expired) as a timeout, and the endings that only
    /// HTTP triggers have as a function that is not available: none may look as if messages were processed.
    ///
    /// # Errors
    ///
    /// The same as for [`shape`](Self::shape).
    pub async fn settle(
        &self,
        token: &str,
        ids: &[&str],
        outcome: &TriggerOutcome,
    ) -> Result<Settlement, PluginError> {
        let call = self.caller.begin("settle", None);
        self.shaper
            .settle(&call, &self.setup, token, ids, outcome)
            .await
    }
}
