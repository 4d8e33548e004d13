//! What `shape` tells `settle` about a batch: the messages in the event, and those that did not fit into it.
//!
//! On failure: text that this plugin did not write is an error that says so.

use serde::{Deserialize, Serialize};

/// The messages of a batch that were not skipped, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// In the event.
    pub delivered: Vec<String>,
    /// Not in the event, for it would have been too large.
    pub deferred: Vec<String>,
}

impl Token {
    /// Reads what [`Token::write`] has written.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text)
            .map_err(|error| format!("the token is not one that this plugin made: {error}"))
    }

    /// The token as text.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
