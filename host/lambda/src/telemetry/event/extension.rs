//! The events about extensions and their subscriptions, and their lines in a log in text format.

use jiff::Timestamp;
use serde::Serialize;

use super::{Event, Kind, Record, envelope};
use crate::extension::summary::ExtensionSummary;
use crate::telemetry::subscription::SubscriptionApi;

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

/// A new subscription of an extension to telemetry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewSubscription {
    pub api: SubscriptionApi,
    /// The extension's name.
    pub name: String,
    pub types: Vec<Kind>,
}

impl NewSubscription {
    /// The event `platform.telemetrySubscription` or `platform.logsSubscription`.
    pub(crate) fn to_event(&self, time: Timestamp) -> Event {
        #[derive(Serialize)]
        struct Record<'a> {
            name: &'a str,
            state: &'a str,
            types: &'a [Kind],
        }
        let name = match self.api {
            SubscriptionApi::Telemetry => "platform.telemetrySubscription",
            SubscriptionApi::Logs => "platform.logsSubscription",
        };
        let record = Record {
            name: &self.name,
            state: "Subscribed",
            types: &self.types,
        };
        Event {
            kind: Kind::Platform,
            name,
            json: envelope(time, name, &record),
        }
    }

    /// The log line `TELEMETRY\tName: …\tState: Subscribed\tTypes: [Platform, Function]`.
    pub(crate) fn line(&self) -> String {
        let title = match self.api {
            SubscriptionApi::Telemetry => "TELEMETRY",
            SubscriptionApi::Logs => "LOGS",
        };
        // The names of the variants are AWS's.
        let types = &self.types;
        format!(
            "{title}\tName: {}\tState: Subscribed\tTypes: {types:?}",
            self.name
        )
    }
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
