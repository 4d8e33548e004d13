//! Telemetry events: AWS's records in AWS's envelope.
//!
//! An event is a [`Record`], which is a plain struct or what a program logged, put into its envelope with the time. Times
//! are passed in, so that an event says when it happened and not when it was written down.

pub(crate) mod extension;
pub(crate) mod invocation;
pub(crate) mod phase;

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// What events are about, and what extensions subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Platform,
    /// What the runtime and the function log.
    Function,
    /// What extensions log.
    Extension,
}

/// An event, ready to be delivered. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub kind: Kind,
    /// `platform.start`, `function` and so on.
    pub name: &'static str,
    /// The envelope, complete, in one line.
    pub json: Bytes,
}

/// A record of the platform's.
pub(crate) trait Record: Serialize {
    /// The event's `type`.
    const NAME: &'static str;

    /// The event, as of this time.
    fn to_event(&self, time: Timestamp) -> Event {
        Event {
            kind: Kind::Platform,
            name: Self::NAME,
            json: envelope(time, Self::NAME, self),
        }
    }
}

/// What the function or an extension logged: text, or a JSON object where that is the log's format.
pub(crate) fn logged(kind: Kind, time: Timestamp, text: &str, is_json: bool) -> Event {
    let name = match kind {
        Kind::Extension => "extension",
        Kind::Function | Kind::Platform => "function",
    };
    let object = is_json.then(|| object(text)).flatten();
    let json = match object {
        Some(object) => envelope(time, name, object),
        None => envelope(time, name, text),
    };
    Event { kind, name, json }
}

/// The text as JSON, if it is an object in one line.
fn object(text: &str) -> Option<&RawValue> {
    let is_one_line = !text.trim_end().contains(['\n', '\r']);
    let value: &RawValue = serde_json::from_str(text).ok()?;
    (is_one_line && value.get().starts_with('{')).then_some(value)
}

fn envelope<R: Serialize + ?Sized>(time: Timestamp, name: &str, record: &R) -> Bytes {
    #[derive(Serialize)]
    struct Envelope<'a, R: ?Sized> {
        #[serde(serialize_with = "serialize_time")]
        time: Timestamp,
        #[serde(rename = "type")]
        name: &'a str,
        record: &'a R,
    }
    let envelope = Envelope { time, name, record };
    // Structs of strings and numbers always serialise.
    serde_json::to_vec(&envelope).unwrap_or_default().into()
}

/// How a phase or an invocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Success,
    /// The function or an extension is at fault.
    Error,
    /// The platform is.
    Failure,
    Timeout,
}

/// A stretch of time inside a phase or an invocation.
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
    /// From the event's delivery to the first byte posted.
    ResponseLatency,
    /// From the first byte posted to the last.
    ResponseDuration,
    /// From the last byte posted to the runtime's next request.
    RuntimeOverhead,
    /// From the runtime's next request to the last extension's.
    ExtensionOverhead,
}

/// A duration in milliseconds with the microseconds behind the point, as AWS gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Milliseconds(pub Duration);

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let microseconds = self.0.as_secs_f64() * 1_000_000.0;
        serializer.serialize_f64(microseconds.round() / 1000.0)
    }
}

/// A duration as it is billed: in whole milliseconds, begun ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Billed(pub Duration);

impl Serialize for Billed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let milliseconds = self.0.as_micros().div_ceil(1000);
        serializer.serialize_u64(u64::try_from(milliseconds).unwrap_or(u64::MAX))
    }
}

/// UTC with milliseconds: `2022-10-12T00:00:15.064Z`
fn serialize_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

#[cfg(test)]
mod tests;
