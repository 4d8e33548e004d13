//! One source.

use std::sync::Arc;

use lambkin_model::Action;

use super::types::{Part, Polled, Position, Progress, Setup, SourceError, SourceSetup};
use super::v0_2::Poller;
use crate::caller::Caller;
use crate::check;
use crate::error::ConfigureError;
use crate::event_origin::EventOrigin;
use crate::network::Network;
use crate::state::Capabilities;
use crate::wasi::{Wasi, WasiAccess};

/// A source: a plugin and the configuration it has accepted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Source {
    caller: Caller,
    poller: Arc<Poller>,
    setup: Arc<Setup>,
    environment: Arc<[(String, String)]>,
    network: Network,
}

impl Source {
    pub(crate) async fn configure(
        caller: Caller,
        poller: Arc<Poller>,
        setup: SourceSetup,
    ) -> Result<Self, ConfigureError> {
        check::config(&setup.settings)?;
        let network = Network::granted(&setup.network)?;
        let environment: Arc<[_]> = setup.surroundings.environment.iter().cloned().collect();
        // The configuration is checked without the network.
        let offline = capabilities(&environment, &Network::default());
        let setup = poller
            .configure(&caller.begin("configure", None), offline, &setup)
            .await?;
        Ok(Self {
            caller,
            poller,
            setup: Arc::new(setup),
            environment,
            network,
        })
    }

    /// The description of the source for batch triggers.
    pub fn origin(&self) -> &EventOrigin {
        &self.setup.origin
    }

    /// The largest number of messages that one poll returns, at least 1.
    pub fn max_messages(&self) -> usize {
        self.setup.max_messages as usize
    }

    /// How the external system learns which messages are processed.
    pub fn progress(&self) -> Progress {
        self.setup.progress
    }

    /// Warnings about a configuration that may not do what was intended, one displayable line per item.
    pub fn warnings(&self) -> &[String] {
        &self.setup.warnings
    }

    /// Lists the parts of a log that are not read to their end.
    ///
    /// # Errors
    ///
    /// See [`SourceError`].
    pub async fn parts(&self) -> Result<Vec<Part>, SourceError> {
        let call = self.caller.begin("parts", None);
        self.poller
            .parts(&call, self.capabilities(), &self.setup.state)
            .await
    }

    /// Fetches up to `max_messages` messages from this position on. If there is none, waits for one for up to `wait_ms`
    /// milliseconds.
    ///
    /// # Errors
    ///
    /// No message was fetched, see [`SourceError`].
    pub async fn poll(
        &self,
        position: Position<'_>,
        max_messages: usize,
        wait_ms: u32,
    ) -> Result<Polled, SourceError> {
        let requested = u32::try_from(max_messages).unwrap_or(u32::MAX);
        let max_messages = self.setup.max_messages.min(requested);
        let call = self.caller.begin("poll", None);
        self.poller
            .poll(
                &call,
                self.capabilities(),
                &self.setup,
                position,
                max_messages,
                wait_ms,
            )
            .await
    }

    /// Reports to the external system what happened to messages, given by their receipts.
    ///
    /// # Errors
    ///
    /// See [`SourceError`]. Some of the messages may have been settled.
    pub async fn settle(&self, verdicts: &[(String, Action)]) -> Result<(), SourceError> {
        let call = self.caller.begin("settle", None);
        self.poller
            .settle(&call, self.capabilities(), &self.setup.state, verdicts)
            .await
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(&self.environment, &self.network)
    }
}

/// What a source's call has access to: a clock, randomness, its variables and its origins, but not the store.
fn capabilities(environment: &Arc<[(String, String)]>, network: &Network) -> Capabilities {
    Capabilities {
        wasi: Wasi::new(WasiAccess::Real(Arc::clone(environment))),
        network: network.clone(),
        ..Capabilities::default()
    }
}
