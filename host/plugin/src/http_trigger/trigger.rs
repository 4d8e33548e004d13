//! One HTTP trigger.

use std::sync::Arc;

use lambkin_model::{HttpRequest, HttpResponse};

use super::types::{Decision, Setup};
use super::v0_1::Shaper;
use crate::caller::Caller;
use crate::check;
use crate::error::{ConfigureError, PluginError};
use crate::outcome::TriggerOutcome;

/// A trigger: a plugin and the configuration it has accepted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpTrigger {
    caller: Caller,
    shaper: Arc<Shaper>,
    setup: Arc<Setup>,
}

impl HttpTrigger {
    pub(crate) async fn configure(
        caller: Caller,
        shaper: Arc<Shaper>,
        config: &str,
    ) -> Result<Self, ConfigureError> {
        check::config(config)?;
        let setup = shaper
            .configure(&caller.begin("configure", None), config)
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

    /// Every function that this trigger may invoke; [`shape`](Self::shape) names no other.
    pub fn functions(&self) -> &[String] {
        &self.setup.functions
    }

    /// The largest request body that this trigger accepts, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.setup.max_body_bytes
    }

    /// A description of the trigger for the operator, one displayable line per item.
    pub fn summary(&self) -> &[String] {
        &self.setup.summary
    }

    /// Decides what to do with a request.
    ///
    /// # Errors
    ///
    /// The plugin reported an error, is defective or could not be run. Answer the client with 502 or, for
    /// [`CallError::Host`](crate::CallError::Host), 503.
    pub async fn shape(&self, request: &HttpRequest) -> Result<Decision, PluginError> {
        let call = self.caller.begin("shape", Some(&request.id));
        self.shaper.shape(&call, &self.setup, request).await
    }

    /// Turns the outcome of an invocation into the response for the client.
    ///
    /// `token` is that of the [`Shaped`](super::Shaped) request. The response has no framing headers (`content-length`,
    /// `transfer-encoding`, `connection`, `keep-alive`): the listener sets them.
    ///
    /// # Errors
    ///
    /// The same as for [`shape`](Self::shape).
    pub async fn respond(
        &self,
        token: &str,
        outcome: &TriggerOutcome,
    ) -> Result<HttpResponse, PluginError> {
        let answered = self.respond_with_warnings(token, outcome).await?;
        Ok(answered.0)
    }

    /// Like [`respond`](Self::respond); also returns what the plugin says is wrong with the function's result, as
    /// displayable lines for the log.
    ///
    /// # Errors
    ///
    /// The same as for [`shape`](Self::shape).
    pub async fn respond_with_warnings(
        &self,
        token: &str,
        outcome: &TriggerOutcome,
    ) -> Result<(HttpResponse, Vec<String>), PluginError> {
        let call = self.caller.begin("respond", None);
        self.shaper
            .respond(&call, &self.setup, token, outcome)
            .await
    }
}
