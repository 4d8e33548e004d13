//! What `lambkin shape` hands to a trigger and gets from it.

use lambkin_model::HttpResponse;
use lambkin_plugin::PluginError;

/// The time of every made-up message and change, in milliseconds since 1970: 2026-01-01T00:00:00Z.
pub(crate) const SAMPLE_TIME_MS: u64 = 1_767_225_600_000;

/// The arguments of `lambkin shape`. Each kind of trigger reads them in its own way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// The trigger's name, for usage messages.
    pub trigger: String,
    /// The first word: a request's method, or what happened to an object.
    pub action: Option<String>,
    /// The second word: a request's path and query, or an object's key.
    pub target: Option<String>,
    /// Headers of a request or attributes of messages, each as `NAME: VALUE`.
    pub fields: Vec<String>,
    /// The bodies, one for each message.
    pub bodies: Vec<Vec<u8>>,
}

/// What a trigger makes of a [`Sample`].
#[derive(Debug, PartialEq, Eq)]
pub struct Preview {
    /// Lines for people: what would happen to the event.
    pub notes: Vec<String>,
    /// What the trigger returns. `None` if it would invoke nothing.
    pub output: Option<Output>,
}

/// What a trigger returns for a [`Sample`].
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// An event, as JSON.
    Event(String),
    /// A response that the plugin gives without invoking a function.
    Response(HttpResponse),
}

/// Why there is no [`Preview`].
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The arguments do not make an event of this kind. The text says what would.
    #[error("{0}")]
    Sample(String),
    /// The plugin failed.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

/// The made-up UUID with this number.
pub(crate) fn sample_id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
