//! Batch triggers: the calls of `lambkin:batch-trigger` as the rest of the host sees them.
//!
//! [`BatchTrigger`] is one trigger of `lambkin.toml`: a plugin with a configuration it has accepted. Each batch of
//! messages is [`shape`](BatchTrigger::shape)d into an event, and what became of the function is turned into what
//! becomes of each message by [`settle`](BatchTrigger::settle).
//!
//! As for the other triggers the types belong to no version of the contract, `v0_1` adapts one, and whatever it hands out
//! has passed `check`. When a call fails nothing is decided: the messages are to be told again.

mod check;
pub(crate) mod v0_1;

use std::sync::Arc;
use std::time::Duration;

use lambkin_model::{Message, Verdict};

use self::v0_1::Shaper;
use crate::call::CallContext;
use crate::error::{ConfigureError, PluginError};
use crate::http_trigger::TriggerOutcome;
use crate::limits;
use crate::plugin::Plugin;
use crate::quota::Quota;

/// Where a trigger's messages or objects come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The queue's or bucket's name.
    pub name: String,
    /// Whether the messages of a group keep their order; `false` for a bucket.
    pub ordered: bool,
    /// The lease that the queue gives its messages by default, in milliseconds. `None` for an outside source, whose leases
    /// the host does not know, and for a bucket.
    pub lease_ms: Option<u64>,
    /// As in ARNs.
    pub region: String,
    /// As in ARNs.
    pub account: String,
}

/// A function that a batch trigger may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionInfo {
    /// The name, with a qualifier for versions and aliases: `orders`, `orders:live`.
    pub name: String,
    /// The function\'s timeout.
    pub timeout: Duration,
}

/// How a batch trigger wants its messages gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// 1 to 10,000.
    pub max_messages: usize,
    /// The most bytes of bodies and attributes together; a single message may be larger. Up to 6 MiB.
    pub max_bytes: usize,
    /// How long to wait for a batch to be full; up to 5 minutes.
    pub window: Duration,
    /// The most batches at a time, at least 1.
    pub max_concurrency: Option<usize>,
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

/// A trigger: a plugin and the configuration it has accepted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BatchTrigger {
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
    function: String,
    batching: Batching,
    summary: Vec<String>,
    warnings: Vec<String>,
}

impl BatchTrigger {
    pub(crate) async fn configure(
        plugin: Plugin,
        shaper: Arc<Shaper>,
        name: &str,
        config: &str,
        origin: &Origin,
        functions: &[FunctionInfo],
    ) -> Result<Self, ConfigureError> {
        crate::check::config(config)?;
        let quota = Quota::new(&limits::SHAPER);
        let setup = {
            let context = context(&plugin, name, &quota, "configure");
            shaper
                .configure(plugin.runner(), &context, config, origin, functions)
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

    /// The function that gets the batches; a qualifier may follow: `orders:live`.
    pub fn function(&self) -> &str {
        &self.setup.function
    }

    /// How the messages are to be gathered.
    pub fn batching(&self) -> Batching {
        self.setup.batching
    }

    /// What this trigger does, a line each, fit to be shown.
    pub fn summary(&self) -> &[String] {
        &self.setup.summary
    }

    /// Warnings about a configuration that may not do what was intended, one line per item, fit to be shown.
    pub fn warnings(&self) -> &[String] {
        &self.setup.warnings
    }

    /// Makes the event for a batch. There is one unless all messages are skipped.
    ///
    /// # Errors
    ///
    /// The plugin refused, misbehaved or could not be run.
    pub async fn shape(&self, messages: &[Message]) -> Result<ShapedBatch, PluginError> {
        let context = context(&self.plugin, &self.name, &self.quota, "shape");
        self.shaper
            .shape(self.plugin.runner(), &context, &self.setup, messages)
            .await
    }

    /// Decides what becomes of the messages. One without a verdict is to be told again.
    ///
    /// `token` is the one of the [`ShapedBatch`], `ids` are those of the messages that were not skipped; each verdict is on
    /// one of them, and there is at most one on each. A batch's function is waited for until it ends, so
    /// [`TriggerOutcome::Expired`] is told as a time-out, and a stream that has only begun as a function that is not
    /// available: neither says that a message is done.
    ///
    /// # Errors
    ///
    /// As for [`shape`](Self::shape).
    pub async fn settle(
        &self,
        token: &str,
        ids: &[&str],
        outcome: &TriggerOutcome,
    ) -> Result<Vec<Verdict>, PluginError> {
        let context = context(&self.plugin, &self.name, &self.quota, "settle");
        self.shaper
            .settle(
                self.plugin.runner(),
                &context,
                &self.setup,
                token,
                ids,
                outcome,
            )
            .await
    }
}

fn context<'a>(
    plugin: &'a Plugin,
    trigger: &'a str,
    quota: &'a Quota,
    function: &'static str,
) -> CallContext<'a> {
    CallContext {
        plugin: plugin.name(),
        trigger,
        function,
        request: None,
        quota,
    }
}
