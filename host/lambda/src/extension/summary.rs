//! The state of an extension, as the log and `platform.extension` report it.

use serde::Serialize;

use super::event::EventType;
use super::state::State;

/// How an extension stands, for the log and for `platform.extension`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    pub name: String,
    pub state: State,
    pub events: Vec<EventType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
}
