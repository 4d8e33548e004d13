//! The events about an invocation.

use serde::Serialize;

use super::{Billed, Milliseconds, Record, Span, Status};

/// The X-Ray trace of an invocation.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tracing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_id: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    /// `Root=…;Parent=…;Sampled=…`
    pub value: &'a str,
}

impl<'a> Tracing<'a> {
    pub(crate) fn new(value: &'a str) -> Self {
        Self {
            span_id: None,
            kind: "X-Amzn-Trace-Id",
            value,
        }
    }
}

/// The record of `platform.start`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartRecord<'a> {
    pub request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracing: Option<Tracing<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<&'a str>,
}

/// The record of `platform.runtimeDone`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuntimeDoneRecord<'a> {
    pub request_id: &'a str,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<RuntimeDoneMetrics>,
    #[serde(skip_serializing_if = "<[Span]>::is_empty")]
    pub spans: &'a [Span],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracing: Option<Tracing<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<&'a str>,
}

/// Metrics of the runtime.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuntimeDoneMetrics {
    #[serde(rename = "durationMs")]
    pub duration: Milliseconds,
    /// The response's length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub produced_bytes: Option<u64>,
}

/// The record of `platform.report`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportRecord<'a> {
    pub request_id: &'a str,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<&'a str>,
    pub metrics: ReportMetrics,
    #[serde(skip_serializing_if = "<[Span]>::is_empty")]
    pub spans: &'a [Span],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracing: Option<Tracing<'a>>,
}

/// Metrics of an invocation.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct ReportMetrics {
    #[serde(rename = "durationMs")]
    pub duration: Milliseconds,
    #[serde(rename = "billedDurationMs")]
    pub billed_duration: Billed,
    #[serde(rename = "memorySizeMB")]
    pub memory_size_mb: u32,
    #[serde(rename = "maxMemoryUsedMB")]
    pub max_memory_used_mb: u64,
    /// Present only for an environment's first invocation.
    #[serde(rename = "initDurationMs", skip_serializing_if = "Option::is_none")]
    pub init_duration: Option<Milliseconds>,
    #[serde(rename = "restoreDurationMs", skip_serializing_if = "Option::is_none")]
    pub restore_duration: Option<Milliseconds>,
    #[serde(
        rename = "billedRestoreDurationMs",
        skip_serializing_if = "Option::is_none"
    )]
    pub billed_restore_duration: Option<Billed>,
}

/// The record of `platform.end`, which only the Logs API has.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndRecord<'a> {
    pub request_id: &'a str,
}

/// The record of `platform.fault`, which only the Logs API has: a string such as
/// `RequestId: … Process exited before completing request`.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct FaultRecord<'a>(pub &'a str);

impl Record for StartRecord<'_> {
    const NAME: &'static str = "platform.start";
}

impl Record for RuntimeDoneRecord<'_> {
    const NAME: &'static str = "platform.runtimeDone";
}

impl Record for ReportRecord<'_> {
    const NAME: &'static str = "platform.report";
}

impl Record for EndRecord<'_> {
    const NAME: &'static str = "platform.end";
}

impl Record for FaultRecord<'_> {
    const NAME: &'static str = "platform.fault";
}
