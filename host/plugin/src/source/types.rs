//! The values that source plugins receive and return, independent of the contract's version.

use crate::error::PluginError;
use crate::event_origin::EventOrigin;

/// The configuration of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSetup {
    /// The `poll` table without the host's own keys, as JSON.
    pub settings: String,
    /// The origins that it may reach: `http://127.0.0.1:9324`.
    pub network: Vec<String>,
    /// Its environment variables.
    pub environment: Vec<(String, String)>,
    /// The AWS region, unless the source has one of its own.
    pub region: String,
    /// The AWS account id, unless the source has one of its own.
    pub account: String,
}

/// The result of `configure`.
#[derive(Debug)]
pub(crate) struct Setup {
    pub state: String,
    pub origin: EventOrigin,
    pub max_messages: u32,
}

/// Why a source did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A later attempt may succeed.
    #[error("{0}")]
    Transient(String),
    /// A later attempt cannot succeed until something is changed.
    #[error("{0}")]
    Permanent(String),
    /// The plugin is defective or could not be run.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}
