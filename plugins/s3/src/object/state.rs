//! The configuration as `shape` reads it.
//!
//! On failure: text that this plugin did not write is an error.

use serde::{Deserialize, Serialize};

use super::version::EventVersion;

/// A notification configuration and its bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The bucket's name.
    pub bucket: String,
    /// The bucket's ARN.
    pub arn: String,
    /// The bucket's region.
    pub region: String,
    /// Event types, or families of them, such as `ObjectCreated:*`.
    pub events: Vec<String>,
    /// The start of the encoded key.
    pub prefix: String,
    /// The end of the encoded key.
    pub suffix: String,
    /// The version of the events' structure.
    pub version: EventVersion,
    /// The configuration's id.
    pub configuration: String,
    /// Whether the target receives a message when the configuration begins, as queues do.
    #[serde(default)]
    pub sends_test_event: bool,
}

impl State {
    /// Reads a text that [`State::write`] has written.
    ///
    /// # Errors
    ///
    /// The text is another one.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text)
            .map_err(|error| format!("the state was not written by this plugin: {error}"))
    }

    /// The state as text.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
