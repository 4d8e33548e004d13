//! The events about the init phase and about the restore from a snapshot.

use serde::Serialize;

use super::{Milliseconds, Record, Span, Status};
use crate::spec::InitializationType;

/// Where the initialization happens: in a phase of its own, or, after a failure, within an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    Init,
    Invoke,
}

/// The record of `platform.initStart`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitStartRecord<'a> {
    pub initialization_type: InitializationType,
    pub phase: Phase,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_version_arn: Option<&'a str>,
    pub function_name: &'a str,
    pub function_version: &'a str,
    pub instance_id: &'a str,
    /// In bytes.
    pub instance_max_memory: u64,
}

/// The record of `platform.initRuntimeDone`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitRuntimeDoneRecord<'a> {
    pub initialization_type: InitializationType,
    pub phase: Phase,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Span]>::is_empty")]
    pub spans: &'a [Span],
}

/// The record of `platform.initReport`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitReportRecord<'a> {
    pub initialization_type: InitializationType,
    pub phase: Phase,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<&'a str>,
    pub metrics: PhaseMetrics,
    #[serde(skip_serializing_if = "<[Span]>::is_empty")]
    pub spans: &'a [Span],
}

/// The duration of a phase.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct PhaseMetrics {
    #[serde(rename = "durationMs")]
    pub duration: Milliseconds,
}

/// The record of `platform.restoreStart`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestoreStartRecord<'a> {
    pub function_name: &'a str,
    pub function_version: &'a str,
    pub instance_id: &'a str,
    /// In bytes.
    pub instance_max_memory: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_version_arn: Option<&'a str>,
}

/// The record of `platform.restoreRuntimeDone`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestoreRuntimeDoneRecord<'a> {
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Span]>::is_empty")]
    pub spans: &'a [Span],
}

/// The record of `platform.restoreReport`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestoreReportRecord<'a> {
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<&'a str>,
    pub metrics: PhaseMetrics,
    #[serde(skip_serializing_if = "<[Span]>::is_empty")]
    pub spans: &'a [Span],
}

impl Record for InitStartRecord<'_> {
    const NAME: &'static str = "platform.initStart";
}

impl Record for InitRuntimeDoneRecord<'_> {
    const NAME: &'static str = "platform.initRuntimeDone";
}

impl Record for InitReportRecord<'_> {
    const NAME: &'static str = "platform.initReport";
}

impl Record for RestoreStartRecord<'_> {
    const NAME: &'static str = "platform.restoreStart";
}

impl Record for RestoreRuntimeDoneRecord<'_> {
    const NAME: &'static str = "platform.restoreRuntimeDone";
}

impl Record for RestoreReportRecord<'_> {
    const NAME: &'static str = "platform.restoreReport";
}
