//! Batch triggers: `lambkin:batch-trigger` as the rest of the host sees them.

use std::time::Duration;

use lambkin_model::{Message, Verdict};

use crate::error::{ConfigureError, PluginError};
use crate::http_trigger::TriggerOutcome;
use crate::plugin::Plugin;

/// Where a trigger's messages or objects come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The queue's or bucket's name.
    pub name: String,
    /// Whether the messages of a group keep their order; `false` for a bucket.
    pub ordered: bool,
    /// As in ARNs.
    pub region: String,
    /// As in ARNs.
    pub account: String,
}

/// How a batch trigger wants its messages gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// 1 to 10,000.
    pub most_messages: usize,
    /// The most bytes of bodies and attributes together; a single message may be larger.
    pub most_bytes: usize,
    /// How long to wait for a batch to be full; up to 5 minutes.
    pub window: Duration,
    /// The most batches at a time.
    pub concurrency: Option<usize>,
}

/// A batch, shaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapedBatch {
    /// JSON text, checked; `None` if no message is left.
    pub event: Option<String>,
    /// Ids of messages of the batch that are done at once.
    pub skipped: Vec<String>,
    /// For [`BatchTrigger::settle`].
    pub token: String,
}

/// A trigger: a plugin and the configuration it has accepted.
#[derive(Clone, Debug)]
pub struct BatchTrigger {
    _plugin: Plugin,
}

#[allow(
    clippy::unimplemented,
    clippy::unused_async,
    missing_docs,
    unused_variables,
    reason = "base"
)]
impl BatchTrigger {
    pub(crate) async fn configure(
        plugin: Plugin,
        name: &str,
        config: &str,
        origin: &Origin,
    ) -> Result<Self, ConfigureError> {
        unimplemented!()
    }
    pub fn name(&self) -> &str {
        unimplemented!()
    }
    pub fn function(&self) -> &str {
        unimplemented!()
    }
    pub fn batching(&self) -> Batching {
        unimplemented!()
    }
    pub fn summary(&self) -> &[String] {
        unimplemented!()
    }
    pub async fn shape(&self, messages: &[Message]) -> Result<ShapedBatch, PluginError> {
        unimplemented!()
    }
    /// `ids` are those of the messages that were not skipped: a verdict on any other is a fault. A message without a
    /// verdict is to be retried.
    pub async fn settle(
        &self,
        token: &str,
        ids: &[&str],
        outcome: &TriggerOutcome,
    ) -> Result<Vec<Verdict>, PluginError> {
        unimplemented!()
    }
}
