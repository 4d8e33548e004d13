//! One batch trigger.

use std::sync::Arc;

use lambkin_model::{Message, Verdict};

use super::types::{Batching, FunctionInfo, Setup, ShapedBatch};
use super::v0_1::Shaper;
use crate::caller::Caller;
use crate::check;
use crate::error::{ConfigureError, PluginError};
use crate::event_origin::EventOrigin;
use crate::outcome::TriggerOutcome;

/// A trigger: a plugin and the configuration it has accepted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BatchTrigger {
    caller: Caller,
    shaper: Arc<Shaper>,
    setup: Arc<Setup>,
}

impl BatchTrigger {
    pub(crate) async fn configure(
        caller: Caller,
        shaper: Arc<Shaper>,
        config: &str,
        origin: &EventOrigin,
        functions: &[FunctionInfo],
    ) -> Result<Self, ConfigureError> {
        check::config(config)?;
        let setup = shaper
            .configure(&caller.begin("configure", None), config, origin, functions)
            .await?;
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

    /// The function that receives the batches. A qualifier may follow the name: `orders:live`.
    pub fn function(&self) -> &str {
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

    /// Decides what happens to the messages. One without a verdict is to be delivered again.
    ///
    /// `token` is that of the [`ShapedBatch`], and `ids` are those of the messages that were not skipped. Each
    /// verdict is on one of them, and there is at most one on each. The host waits for a batch's function until it
    /// ends, so the plugin receives [`TriggerOutcome::Expired`] as a timeout, and [`TriggerOutcome::StreamOpened`] as
    /// a function that is not available: neither may look as if messages were processed.
    ///
    /// # Errors
    ///
    /// The same as for [`shape`](Self::shape).
    pub async fn settle(
        &self,
        token: &str,
        ids: &[&str],
        outcome: &TriggerOutcome,
    ) -> Result<Vec<Verdict>, PluginError> {
        let call = self.caller.begin("settle", None);
        self.shaper
            .settle(&call, &self.setup, token, ids, outcome)
            .await
    }
}
