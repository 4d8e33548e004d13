//! Sources: components that fetch messages from an outside system.

use lambkin_model::{Action, Message};

use crate::batch_trigger::Origin;
use crate::error::{ConfigureError, PluginError};
use crate::plugin::Plugin;

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

/// A source that has accepted its settings.
#[derive(Clone, Debug)]
pub struct Source {
    _plugin: Plugin,
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

#[allow(
    clippy::unimplemented,
    clippy::unused_async,
    missing_docs,
    unused_variables,
    reason = "base"
)]
impl Source {
    pub(crate) async fn configure(
        plugin: Plugin,
        name: &str,
        setup: SourceSetup,
    ) -> Result<Self, ConfigureError> {
        unimplemented!()
    }
    pub fn origin(&self) -> &Origin {
        unimplemented!()
    }
    /// The most messages of one poll.
    pub fn most(&self) -> usize {
        unimplemented!()
    }
    pub async fn poll(&self, most: usize, wait_ms: u32) -> Result<Vec<Message>, SourceError> {
        unimplemented!()
    }
    /// By receipt.
    pub async fn settle(&self, verdicts: &[(String, Action)]) -> Result<(), SourceError> {
        unimplemented!()
    }
}
