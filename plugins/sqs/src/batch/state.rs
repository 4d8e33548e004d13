//! The configuration as `shape` and `settle` read it.
//!
//! On failure: text that this plugin did not write is an error that says so.

use serde::{Deserialize, Serialize};

/// What a trigger needs to know of its mapping and its queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The queue's ARN.
    pub arn: String,
    /// The queue's region.
    pub region: String,
    /// The queue's account.
    pub account: String,
    /// `ReportBatchItemFailures`.
    pub reports_failures: bool,
    /// The filters' patterns, as JSON; a message is wanted if one matches, or if there is none.
    pub patterns: Vec<String>,
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
