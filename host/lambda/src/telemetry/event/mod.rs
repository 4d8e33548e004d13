//! Telemetry events: AWS's records in AWS's envelope.
//!
//! An event is a [`Record`], or the output of a program, in an envelope with the time. Times are passed in, so that an
//! event has the time at which it happened and not the time at which it was serialized.

pub(crate) mod extension;
pub(crate) mod invocation;
pub(crate) mod phase;

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The kinds of events that extensions subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Events of the platform.
    Platform,
    /// The log of the runtime and the function.
    Function,
    /// The log of extensions.
    Extension,
}

/// A serialized event. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub kind: Kind,
    /// The event's `type`: `platform.start`, `function` and so on.
    pub name: &'static str,
    /// The whole event as JSON in one line.
    pub json: Bytes,
}

/// A record of a platform event.
pub(crate) trait Record: Serialize {
    /// The event's `type`.
    const NAME: &'static str;

    /// The event with this record, at this time.
    fn to_event(&self, time: Timestamp) -> Event {
        Event {
            kind: Kind::Platform,
            name: Self::NAME,
            json: envelope(time, Self::NAME, self),
        }
    }
}

/// The event for a log line of the function or of an extension. With `is_json`, a line that is a JSON object is
/// included as an object; all others are strings.
pub(crate) fn log_event(kind: Kind, time: Timestamp, text: &str, is_json: bool) -> Event {
    let name = match kind {
        Kind::Extension => "extension",
        Kind::Function | Kind::Platform => "function",
    };
    let object = is_json.then(|| json_object(text)).flatten();
    let json = match object {
        Some(object) => envelope(time, name, object),
        None => envelope(time, name, text),
    };
    Event { kind, name, json }
}

/// The text as JSON, if it is an object in one line.
fn json_object(text: &str) -> Option<&RawValue> {
    let is_one_line = !text.trim_end().contains(['\n', '\r']);
    let value: &RawValue = serde_json::from_str(text).ok()?;
    (is_one_line && value.get().starts_with('{')).then_some(value)
}

pub(super) fn envelope<R: Serialize + ?Sized>(time: Timestamp, name: &str, record: &R) -> Bytes {
    #[derive(Serialize)]
    struct Envelope<'a, R: ?Sized> {
        #[serde(serialize_with = "serialize_time")]
        time: Timestamp,
        #[serde(rename = "type")]
        name: &'a str,
        record: &'a R,
    }
    let envelope = Envelope { time, name, record };
    // Structs of strings and numbers always serialize.
    serde_json::to_vec(&envelope).unwrap_or_default().into()
}

/// How a phase or an invocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Success,
    /// The function or an extension failed.
    Error,
    /// The platform failed.
    Failure,
    Timeout,
}

/// A time span within a phase or an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span {
    pub name: SpanName,
    #[serde(serialize_with = "serialize_time")]
    pub start: Timestamp,
    #[serde(rename = "durationMs")]
    pub duration: Milliseconds,
}

/// What a [`Span`] covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SpanName {
    /// From the event's delivery to the response's first byte.
    ResponseLatency,
    /// From the response's first byte to its last.
    ResponseDuration,
    /// From the response's last byte to the runtime's request for the next event.
    RuntimeOverhead,
    /// From the runtime's request for the next event to that of the last extension.
    ExtensionOverhead,
}

/// A duration in milliseconds with three decimal places, as in AWS's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Milliseconds(pub Duration);

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let microseconds = self.0.as_secs_f64() * 1_000_000.0;
        serializer.serialize_f64(microseconds.round() / 1000.0)
    }
}

/// A billed duration: in milliseconds, rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Billed(pub Duration);

impl Serialize for Billed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let milliseconds = self.0.as_micros().div_ceil(1000);
        serializer.serialize_u64(u64::try_from(milliseconds).unwrap_or(u64::MAX))
    }
}

/// Writes UTC with milliseconds: `2022-10-12T00:00:15.064Z`
fn serialize_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

#[cfg(test)]
mod tests;
