//! The events about extensions and about dropped events, and the lines about extensions in a log in text format.

use serde::Serialize;

use super::Record;
use crate::extension::summary::ExtensionSummary;

impl Record for ExtensionSummary {
    const NAME: &'static str = "platform.extension";
}

/// The log line `EXTENSION\tName: …\tState: Ready\tEvents: [INVOKE, SHUTDOWN]`.
pub(crate) fn extension_line(extension: &ExtensionSummary) -> String {
    let ExtensionSummary {
        name,
        state,
        events,
        error_type,
    } = extension;
    let names: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
    let events = names.join(", ");
    let error = match error_type {
        Some(error_type) => format!("\tError Type: {error_type}"),
        None => String::new(),
    };
    // The names of the states are AWS's.
    format!("EXTENSION\tName: {name}\tState: {state:?}\tEvents: [{events}]{error}")
}

/// The record of `platform.logsDropped`: events that a subscriber does not get.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogsDropped<'a> {
    pub reason: &'a str,
    pub dropped_records: u64,
    pub dropped_bytes: u64,
}

impl Record for LogsDropped<'_> {
    const NAME: &'static str = "platform.logsDropped";
}
