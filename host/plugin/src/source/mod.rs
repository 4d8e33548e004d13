//! Sources: components that fetch messages from an outside system.
//!
//! A [`Source`] is a plugin with a configuration it has accepted, the origins it may reach and the environment variables
//! it is handed. The host asks it for messages ([`poll`](Source::poll)) and tells it what became of them
//! ([`settle`](Source::settle)); between the two nothing of it runs.
//!
//! On failure: the source says whether trying again can help; a plugin that misbehaves is a [`SourceError::Plugin`].
//! Messages that were not settled come back from the outside system.

pub(crate) mod v0_1;

use std::sync::Arc;

use lambkin_model::{Action, Message};

use self::v0_1::Poller;
use crate::batch_trigger::Origin;
use crate::call::CallContext;
use crate::check;
use crate::error::{ConfigureError, PluginError, Problem};
use crate::limits;
use crate::network::{Network, WebOrigin};
use crate::plugin::Plugin;
use crate::quota::Quota;
use crate::state::Capabilities;
use crate::wasi::{Wasi, WasiAccess};

/// What a source is told and given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSetup {
    /// The `poll` table without the host's keys, as JSON.
    pub settings: String,
    /// Origins it may reach: `http://127.0.0.1:9324`.
    pub network: Vec<String>,
    /// Its environment variables.
    pub environment: Vec<(String, String)>,
    /// As in ARNs, unless the source says otherwise.
    pub region: String,
    /// As in ARNs, unless the source says otherwise.
    pub account: String,
}

/// A source that has accepted its settings. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Source {
    plugin: Plugin,
    poller: Arc<Poller>,
    name: Arc<str>,
    setup: Arc<Setup>,
    environment: Arc<[(String, String)]>,
    network: Network,
    quota: Arc<Quota>,
}

/// What a plugin makes of a configuration.
#[derive(Debug)]
struct Setup {
    state: String,
    origin: Origin,
    max_messages: u32,
}

/// Why a source did not do something.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Try again later.
    #[error("{0}")]
    Transient(String),
    /// Trying again is useless.
    #[error("{0}")]
    Permanent(String),
    /// The plugin is at fault, or could not be run.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

impl Source {
    pub(crate) async fn configure(
        plugin: Plugin,
        poller: Arc<Poller>,
        name: &str,
        setup: SourceSetup,
    ) -> Result<Self, ConfigureError> {
        check::config(&setup.settings)?;
        let network = network(&setup.network)?;
        let environment: Arc<[_]> = setup.environment.iter().cloned().collect();
        let capabilities = capabilities(&environment, &Network::default());
        let quota = Quota::new(&limits::SOURCE);
        let context = CallContext {
            plugin: plugin.name(),
            trigger: name,
            function: "configure",
            request: None,
            quota: &quota,
        };
        let setup = poller.configure(plugin.runner(), &context, capabilities, &setup);
        Ok(Self {
            setup: Arc::new(setup.await?),
            name: name.into(),
            plugin,
            poller,
            environment,
            network,
            quota,
        })
    }

    /// Where its messages come from, as batch triggers are told.
    pub fn origin(&self) -> &Origin {
        &self.setup.origin
    }

    /// The largest number of messages of one poll, at least one.
    pub fn max_messages(&self) -> usize {
        self.setup.max_messages as usize
    }

    /// Fetches up to `max_messages` messages; waits for one for up to `wait_ms`.
    ///
    /// # Errors
    ///
    /// See [`SourceError`]. There is no message then.
    pub async fn poll(
        &self,
        max_messages: usize,
        wait_ms: u32,
    ) -> Result<Vec<Message>, SourceError> {
        let limit = u32::try_from(max_messages).unwrap_or(u32::MAX);
        let max_messages = self.setup.max_messages.min(limit);
        let (context, state) = (self.context("poll"), &self.setup.state);
        let runner = self.plugin.runner();
        self.poller
            .poll(
                runner,
                &context,
                self.capabilities(),
                state,
                max_messages,
                wait_ms,
            )
            .await
    }

    /// Tells the outside system what became of messages, by their receipts.
    ///
    /// # Errors
    ///
    /// See [`SourceError`]. Any part of it may have been told.
    pub async fn settle(&self, verdicts: &[(String, Action)]) -> Result<(), SourceError> {
        let (context, state) = (self.context("settle"), &self.setup.state);
        let runner = self.plugin.runner();
        self.poller
            .settle(runner, &context, self.capabilities(), state, verdicts)
            .await
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(&self.environment, &self.network)
    }

    fn context(&self, function: &'static str) -> CallContext<'_> {
        CallContext {
            plugin: self.plugin.name(),
            trigger: &self.name,
            function,
            request: None,
            quota: &self.quota,
        }
    }
}

/// What a call is capabilities: no part of the store.
fn capabilities(environment: &Arc<[(String, String)]>, network: &Network) -> Capabilities {
    Capabilities {
        wasi: Wasi::new(WasiAccess::Real(Arc::clone(environment))),
        network: network.clone(),
        ..Capabilities::default()
    }
}

/// Reads the origins that the operator names; every mistake at once.
fn network(origins: &[String]) -> Result<Network, ConfigureError> {
    let problem = |message| Problem {
        at: vec!["network".to_owned()],
        message,
    };
    let (mut granted, mut problems) = (Vec::new(), Vec::new());
    for origin in origins {
        match WebOrigin::parse(origin) {
            Ok(origin) => granted.push(origin),
            Err(message) => problems.push(problem(message)),
        }
    }
    if !problems.is_empty() {
        return Err(ConfigureError::Problems(problems));
    }
    Network::new(granted).map_err(|message| ConfigureError::Problems(vec![problem(message)]))
}
