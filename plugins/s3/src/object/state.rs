//! The configuration as `shape` reads it.
//!
//! On failure: text that this plugin did not write is an error that says so.

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
    /// Event types and families of them, such as `ObjectCreated:*`.
    pub events: Vec<String>,
    /// What the encoded key starts with.
    pub prefix: String,
    /// What the encoded key ends with.
    pub suffix: String,
    /// How events are written.
    pub version: EventVersion,
    /// The configuration's id.
    pub configuration: String,
}

impl State {
    /// Reads what [`State::write`] has written.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text)
            .map_err(|error| format!("the state is not one that this plugin made: {error}"))
    }

    /// The state as text.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
