//! The state of one extension, as the log and telemetry show it.

use serde::Serialize;

use super::event::EventType;
use super::state::ExtensionState;

/// One extension's state, for the log and for the telemetry event `platform.extension`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtensionSummary {
    pub name: String,
    pub state: ExtensionState,
    /// The events that it subscribed to.
    pub events: Vec<EventType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
}
