//! The trigger's `state`: its configuration as `shape` and `settle` read it.
//!
//! On failure: reading text that [`State::write`] did not produce is an error.

use serde::{Deserialize, Serialize};

/// The parts of the event source mapping and of its queue that later calls need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The queue's ARN.
    pub arn: String,
    /// The queue's AWS region.
    pub region: String,
    /// The queue's AWS account id.
    pub account: String,
    /// Whether the function reports failed messages (`ReportBatchItemFailures`).
    pub reports_failures: bool,
    /// The filters' patterns, as JSON. A message passes if one of them matches, or if the list is empty.
    pub patterns: Vec<String>,
}

impl State {
    /// Parses the output of [`State::write`].
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text)
            .map_err(|error| format!("the state was not written by this plugin: {error}"))
    }

    /// Serializes the state.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
