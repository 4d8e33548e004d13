//! One HTTP trigger.

use std::sync::Arc;

use lambkin_model::HttpRequest;
use tokio::time::timeout;

use super::types::{Setup, Step, Timer};
use super::v0_2::Shaper;
use crate::caller::{Call, Caller};
use crate::check;
use crate::error::{ConfigureError, ContractError, PluginError};
use crate::fetch::Fetch;
use crate::network::Network;
use crate::outcome::{Ending, TriggerOutcome};
use crate::surroundings::{FunctionReference, Surroundings};
use crate::text::quote;

/// A trigger: a plugin and the configuration it has accepted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpTrigger {
    caller: Caller,
    shaper: Arc<Shaper>,
    setup: Arc<Setup>,
    network: Network,
}

impl HttpTrigger {
    pub(crate) async fn configure(
        caller: Caller,
        shaper: Arc<Shaper>,
        config: &str,
        surroundings: &Surroundings,
        network: &[String],
    ) -> Result<Self, ConfigureError> {
        let mut caller = caller.with_counters();
        check::config(config)?;
        let network = Network::granted(network)?;
        let setup = shaper
            .configure(&caller.begin("configure", None), config, surroundings)
            .await?;
        caller.reuse_instances(setup.reusable);
        Ok(Self {
            caller,
            shaper,
            setup: Arc::new(setup),
            network,
        })
    }

    /// The same trigger, whose responses may open WebSocket connections.
    pub(crate) fn with_websockets(self) -> Self {
        let has_websockets = Setup {
            has_websockets: true,
            ..(*self.setup).clone()
        };
        Self {
            setup: Arc::new(has_websockets),
            ..self
        }
    }

    /// The plugin's state for later calls.
    pub(crate) fn state(&self) -> &str {
        &self.setup.state
    }

    /// Begins a call for this trigger.
    pub(crate) fn begin<'a>(&'a self, function: &'static str, id: Option<&'a str>) -> Call<'a> {
        self.caller.begin(function, id)
    }

    /// Checks the step of a call that is not about a request.
    pub(crate) fn checked(&self, call: &Call<'_>, step: Step) -> Result<Step, PluginError> {
        call.checked(super::check::step(step, &self.setup, None))
    }

    /// The trigger's name.
    pub fn name(&self) -> &str {
        self.caller.name()
    }

    /// Every function that this trigger may invoke; its steps name no other.
    pub fn functions(&self) -> &[FunctionReference] {
        &self.setup.functions
    }

    /// The largest request body that this trigger accepts, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.setup.max_body_bytes
    }

    /// Whether the plugin answers requests whose body is broken. Otherwise the host does.
    pub fn answers_body_errors(&self) -> bool {
        self.setup.answers_body_errors
    }

    /// What the plugin does by itself at intervals.
    pub fn timers(&self) -> &[Timer] {
        &self.setup.timers
    }

    /// A description of the trigger for the operator, one displayable line per item.
    pub fn summary(&self) -> &[String] {
        &self.setup.summary
    }

    /// Warnings about a configuration that may not do what was intended, one displayable line per item.
    pub fn warnings(&self) -> &[String] {
        &self.setup.warnings
    }

    /// Decides what to do with a request.
    ///
    /// # Errors
    ///
    /// The plugin reported an error, is defective or could not be run. Answer the client with 502 or, for
    /// [`CallError::Host`](crate::CallError::Host), 503.
    pub async fn shape(&self, request: &HttpRequest) -> Result<Step, PluginError> {
        let call = self.caller.begin("shape", Some(&request.id));
        self.shaper.shape(&call, &self.setup, request).await
    }

    /// Fetches a document. It ends as [`Ending::Fetched`], [`Ending::Expired`] or [`Ending::Unavailable`].
    pub async fn fetch(&self, fetch: &Fetch) -> Ending {
        match timeout(fetch.wait, self.network.fetch(fetch)).await {
            Ok(Ok(fetched)) => Ending::Fetched(fetched),
            Ok(Err(reason)) => {
                let url = quote(&fetch.url);
                Ending::Unavailable(format!("{url} cannot be fetched: {reason}"))
            }
            Err(_) => Ending::Expired,
        }
    }

    /// The error of a plugin that does what the contract does not allow at this point. `id` is that of the request, the
    /// message or the end of a connection.
    pub fn misstep(&self, id: &str, what: String) -> PluginError {
        let call = self.caller.begin("resume", Some(id));
        call.error(ContractError::from(what))
    }

    /// Decides what to do when an invocation or a fetch has ended.
    ///
    /// `token` is that of the step's [`Resumption`](crate::Resumption), and `request` is there if the step asked for it.
    ///
    /// # Errors
    ///
    /// The same as for [`shape`](Self::shape).
    pub async fn resume(
        &self,
        token: &str,
        outcome: &TriggerOutcome,
        request: Option<&HttpRequest>,
    ) -> Result<Step, PluginError> {
        let id = request.map(|request| request.id.as_str());
        let call = self.caller.begin("resume", id);
        self.shaper
            .resume(&call, &self.setup, token, outcome, request)
            .await
    }
}
