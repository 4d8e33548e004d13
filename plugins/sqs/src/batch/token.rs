//! The batch's `token`, which `shape` passes to `settle`: the messages in the event, and those that did not fit.
//!
//! On failure: reading text that [`Token::write`] did not produce is an error.

use serde::{Deserialize, Serialize};

/// The ids of the messages of a batch that passed the filters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Messages in the event.
    pub delivered: Vec<String>,
    /// Messages left out because the event would have exceeded its size limit.
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
