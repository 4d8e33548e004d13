//! The batch's `token`, which `shape` passes to `settle`: the messages that did not fit into the event.
//!
//! On failure: reading text that [`Token::write`] did not produce is an error.

use serde::{Deserialize, Serialize};

/// What `settle` has to know of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The ids of messages left out because the event would have exceeded its size limit.
    pub deferred: Vec<String>,
}

impl Token {
    /// Parses the output of [`Token::write`].
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text)
            .map_err(|error| format!("the token was not written by this plugin: {error}"))
    }

    /// Serializes the token.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
