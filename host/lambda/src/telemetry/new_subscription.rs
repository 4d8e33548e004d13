//! The event about a new subscription, and its line in a log in text format.

use jiff::Timestamp;
use serde::Serialize;

use super::event::{Event, Kind, envelope};
use super::subscription::SubscriptionApi;

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
