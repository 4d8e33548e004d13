//! HTTP triggers: the calls of `lambkin:http-trigger` as the rest of the host sees them.
//!
//! [`HttpTrigger`] is one trigger of `lambkin.toml`: a plugin with a configuration it has accepted. Each request is
//! [`shape`](HttpTrigger::shape)d into a [`Decision`], and what became of the function it names is turned into the
//! caller's answer by [`respond`](HttpTrigger::respond).
//!
//! The types here belong to no version of the contract. `v0_1` adapts one version to them; a further version is a
//! further adapter beside it. Whatever an adapter hands out has passed `check`: a result that breaks the contract is
//! a [`GuestError::Invalid`](crate::GuestError::Invalid) and is never passed on.

mod check;
pub(crate) mod v0_1;

pub use check::FRAMING_HEADERS;
use std::sync::Arc;
use std::time::Duration;

use lambkin_model::{HttpRequest, HttpResponse};

use self::v0_1::Shaper;
use crate::call::CallContext;
use crate::error::{ConfigureError, PluginError};
use crate::limits;
use crate::plugin::Plugin;
use crate::quota::Quota;

/// A trigger: a plugin and the configuration it has accepted.
#[derive(Clone, Debug)]
pub struct HttpTrigger {
    plugin: Plugin,
    shaper: Arc<Shaper>,
    name: String,
    setup: Setup,
    quota: Arc<Quota>,
}

/// What a plugin makes of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    state: String,
    functions: Vec<String>,
    max_body_bytes: usize,
    summary: Vec<String>,
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Answer now, without a function.
    Reply(HttpResponse),
    /// Invoke a function, then [`respond`](HttpTrigger::respond).
    Invoke(Shaped),
}

/// A request shaped into a call of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaped {
    /// One of [`HttpTrigger::functions`]; a qualifier may follow: `orders:live`.
    pub function: String,
    /// The event: JSON text, checked.
    pub event: String,
    /// For [`HttpTrigger::respond`], at most [`TOKEN_BYTES`](crate::limits::TOKEN_BYTES).
    pub token: String,
    /// The longest the trigger waits for the function; `None` is as long as it may run.
    pub wait: Option<Duration>,
    /// Whether the caller sees a streamed response as it is produced.
    pub streaming: bool,
}

/// What became of an invocation, as a trigger is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerOutcome {
    /// The function's result.
    Completed(String),
    /// A streamed response has begun; its prelude, empty if it has none.
    StreamOpened(String),
    /// The function failed.
    Failed {
        /// `handler`, or the platform's error type.
        kind: String,
        /// The error as Lambda returns it.
        payload: String,
    },
    /// The function ran into its own time-out.
    TimedOut,
    /// The trigger's own wait went by first.
    Expired,
    /// The function has reached its concurrency limit.
    Throttled,
    /// The function can not be invoked; the text says why.
    Unavailable(String),
}

impl HttpTrigger {
    pub(crate) async fn configure(
        plugin: Plugin,
        shaper: Arc<Shaper>,
        name: &str,
        config: &str,
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
            shaper.configure(plugin.runner(), &context, config).await?
        };
        Ok(Self {
            plugin,
            shaper,
            name: name.to_owned(),
            setup,
            quota,
        })
    }

    /// The trigger's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every function this trigger may invoke; [`shape`](Self::shape) names no other.
    pub fn functions(&self) -> &[String] {
        &self.setup.functions
    }

    /// The largest request body that this trigger accepts, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.setup.max_body_bytes
    }

    /// What this trigger does, a line each, fit to be shown.
    pub fn summary(&self) -> &[String] {
        &self.setup.summary
    }

    /// Decides what to do with a request.
    ///
    /// # Errors
    ///
    /// The plugin refused, misbehaved or could not be run; the caller's answer is 502 or, for
    /// [`CallError::Host`](crate::CallError::Host), 503.
    pub async fn shape(&self, request: &HttpRequest) -> Result<Decision, PluginError> {
        let context = self.context("shape", Some(&request.id));
        self.shaper
            .shape(self.plugin.runner(), &context, &self.setup, request)
            .await
    }

    /// Turns the outcome of an invocation into the caller's answer.
    ///
    /// `token` is the one of the [`Shaped`] request. The response has no framing headers (`content-length`,
    /// `transfer-encoding`, `connection`, `keep-alive`): those are the listener's.
    ///
    /// # Errors
    ///
    /// As for [`shape`](Self::shape).
    pub async fn respond(
        &self,
        token: &str,
        outcome: &TriggerOutcome,
    ) -> Result<HttpResponse, PluginError> {
        let context = self.context("respond", None);
        self.shaper
            .respond(self.plugin.runner(), &context, &self.setup, token, outcome)
            .await
    }

    fn context<'a>(&'a self, function: &'static str, request: Option<&'a str>) -> CallContext<'a> {
        CallContext {
            plugin: self.plugin.name(),
            trigger: &self.name,
            function,
            request,
            quota: &self.quota,
        }
    }
}
