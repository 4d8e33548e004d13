//! The platform's log lines and telemetry events about an environment and its invocations.
//!
//! Lines are always written. An event is formatted only if the log is in JSON or an extension has subscribed to it.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::in_flight::InFlight;
use super::state::Environment;
use crate::extension::registry::ExtensionRegistry;
use crate::log::{self, Report, ReportStatus};
use crate::telemetry::event::extension::extension_line;
use crate::telemetry::event::invocation::{
    EndRecord, FaultRecord, ReportMetrics, ReportRecord, RuntimeDoneMetrics, RuntimeDoneRecord,
    StartRecord, Tracing,
};
use crate::telemetry::event::phase::{
    InitReportRecord, InitRuntimeDoneRecord, InitStartRecord, Phase, PhaseMetrics,
    RestoreReportRecord, RestoreRuntimeDoneRecord, RestoreStartRecord,
};
use crate::telemetry::event::{Billed, Milliseconds, Record, Span, SpanName, Status};
use crate::telemetry::new_subscription::NewSubscription;

impl Environment {
    pub(super) fn log_init_start(&mut self, phase: Phase) {
        let spec = &self.function.spec;
        let record = InitStartRecord {
            initialization_type: spec.initialization_type(),
            phase,
            runtime_version: None,
            runtime_version_arn: None,
            function_name: &spec.name,
            function_version: &spec.version,
            instance_id: &self.log_stream,
            instance_max_memory: spec.memory_bytes(),
        };
        self.log.event(None, |now| record.to_event(now));
    }

    /// The runtime's part of the init phase has ended.
    pub(super) fn log_init_runtime_done(&mut self, phase: Phase, report_status: ReportStatus<'_>) {
        let (status, error_type) = status_of(report_status);
        let record = InitRuntimeDoneRecord {
            initialization_type: self.function.spec.initialization_type(),
            phase,
            status,
            error_type,
            spans: &[],
        };
        self.log.event(None, |now| record.to_event(now));
    }

    /// The states of the extensions at the end of the init phase.
    pub(super) fn log_extensions(&mut self, extensions: &ExtensionRegistry) {
        if extensions.is_empty() {
            return;
        }
        for summary in extensions.summaries() {
            let line = extension_line(&summary);
            self.log
                .event(Some(format_args!("{line}")), |now| summary.to_event(now));
        }
    }

    /// The line for a new telemetry subscription. Its event was recorded when the extension subscribed.
    pub(super) fn log_subscribed(&mut self, subscribed: &NewSubscription) {
        self.log.platform(&subscribed.line());
    }

    /// The end of the init phase. As on AWS, the log has a line for it only if it failed.
    pub(super) fn log_init_report(
        &mut self,
        phase: Phase,
        took: Duration,
        report_status: ReportStatus<'_>,
    ) {
        let (status, error_type) = status_of(report_status);
        let record = InitReportRecord {
            initialization_type: self.function.spec.initialization_type(),
            phase,
            status,
            error_type,
            metrics: PhaseMetrics {
                duration: Milliseconds(took),
            },
            spans: &[],
        };
        if report_status == ReportStatus::Success {
            return self.log.event(None, |now| record.to_event(now));
        }
        let phase_name = match phase {
            Phase::Init => "init",
            Phase::Invoke => "invoke",
        };
        let line = log::init_report_line(took, phase_name, report_status);
        self.log
            .event(Some(format_args!("{line}")), |now| record.to_event(now));
    }

    pub(super) fn log_restore_start(&mut self) {
        let spec = &self.function.spec;
        let record = RestoreStartRecord {
            function_name: &spec.name,
            function_version: &spec.version,
            instance_id: &self.log_stream,
            instance_max_memory: spec.memory_bytes(),
            runtime_version: None,
            runtime_version_arn: None,
        };
        self.log.event(None, |now| record.to_event(now));
    }

    pub(super) fn log_restored(&mut self, took: Duration, report_status: ReportStatus<'_>) {
        let (status, error_type) = status_of(report_status);
        let done = RestoreRuntimeDoneRecord {
            status,
            error_type,
            spans: &[],
        };
        self.log.event(None, |now| done.to_event(now));
        let report = RestoreReportRecord {
            status,
            error_type,
            metrics: PhaseMetrics {
                duration: Milliseconds(took),
            },
            spans: &[],
        };
        self.log.event(None, |now| report.to_event(now));
    }

    pub(super) fn log_start(&mut self, invocation: &InFlight) {
        let (id, version) = (invocation.id(), &self.function.spec.version);
        let record = || StartRecord {
            request_id: id.as_str(),
            version: Some(version),
            tracing: tracing(invocation),
            tenant_id: invocation.invocation.tenant_id.as_deref(),
        };
        let line = format_args!("START RequestId: {id} Version: {version}");
        self.log.event(Some(line), |now| record().to_event(now));
    }

    /// The runtime has finished an invocation; extensions may still be running.
    pub(super) fn log_runtime_done(
        &mut self,
        invocation: &InFlight,
        report_status: ReportStatus<'_>,
    ) {
        let done_at = invocation.runtime_done.unwrap_or_else(Instant::now);
        self.log.event(None, |now| {
            let (status, error_type) = status_of(report_status);
            let spans = runtime_spans(invocation, done_at, now);
            let record = RuntimeDoneRecord {
                request_id: invocation.id().as_str(),
                status,
                error_type,
                metrics: Some(RuntimeDoneMetrics {
                    duration: Milliseconds(done_at.saturating_duration_since(invocation.began)),
                    produced_bytes: invocation.timing.map(|timing| timing.bytes),
                }),
                spans: &spans,
                tracing: tracing(invocation),
                tenant_id: invocation.invocation.tenant_id.as_deref(),
            };
            record.to_event(now)
        });
    }

    /// The sandbox has failed during an invocation.
    pub(super) fn log_fault(&mut self, invocation: &InFlight, reason: &str, error_type: &str) {
        let id = invocation.id();
        let fault = format!("RequestId: {id} Error: {reason}\n{error_type}");
        self.log
            .logs_api_event(Some(format_args!("{fault}")), |now| {
                FaultRecord(&fault).to_event(now)
            });
    }

    /// END and REPORT: the invocation has ended for the runtime and all extensions.
    pub(super) fn log_report(&mut self, invocation: &InFlight, report_status: ReportStatus<'_>) {
        let duration = invocation.began.elapsed();
        let id = invocation.id();
        let spec = &self.function.spec;
        // On AWS, the memory used cannot exceed the limit; here it can, until that is noticed.
        let max_memory_mb = if spec.lifecycle.enforce_memory {
            u64::from(spec.memory_mb)
        } else {
            u64::MAX
        };
        let report = Report {
            id,
            duration,
            init: invocation.init,
            memory_size_mb: spec.memory_mb,
            max_memory_used_mb: self.memory.megabytes().min(max_memory_mb),
            status: report_status,
        };
        self.log.logs_api_event(None, |now| {
            let request_id = id.as_str();
            EndRecord { request_id }.to_event(now)
        });
        let line = format_args!("END RequestId: {id}\n{report}");
        self.log.event(Some(line), |now| {
            let (status, error_type) = status_of(report_status);
            let spans = extension_span(invocation, duration, now);
            let record = ReportRecord {
                request_id: id.as_str(),
                status,
                error_type,
                metrics: ReportMetrics {
                    duration: Milliseconds(duration),
                    billed_duration: Billed(duration + invocation.init.unwrap_or_default()),
                    memory_size_mb: report.memory_size_mb,
                    max_memory_used_mb: report.max_memory_used_mb,
                    init_duration: invocation.init.map(Milliseconds),
                    restore_duration: None,
                    billed_restore_duration: None,
                },
                spans: &spans,
                tracing: tracing(invocation),
            };
            record.to_event(now)
        });
    }
}

fn tracing(invocation: &InFlight) -> Option<Tracing<'_>> {
    Some(Tracing::new(&invocation.invocation.trace_id))
}

/// The status and error type of an event. Errors of the type `Sandbox.…` are failures of the platform.
fn status_of(report_status: ReportStatus<'_>) -> (Status, Option<&str>) {
    match report_status {
        ReportStatus::Success => (Status::Success, None),
        ReportStatus::TimedOut => (Status::Timeout, None),
        ReportStatus::Error(error_type) if error_type.starts_with("Sandbox.") => {
            (Status::Failure, Some(error_type))
        }
        ReportStatus::Error(error_type) => (Status::Error, Some(error_type)),
    }
}

/// The spans of an invocation with a response: response latency, response duration and runtime overhead.
fn runtime_spans(invocation: &InFlight, done_at: Instant, now: Timestamp) -> Vec<Span> {
    let Some(timing) = invocation.timing else {
        return Vec::new();
    };
    vec![
        span(
            SpanName::ResponseLatency,
            invocation.began,
            timing.first_byte,
            now,
        ),
        span(
            SpanName::ResponseDuration,
            timing.first_byte,
            timing.last_byte,
            now,
        ),
        span(SpanName::RuntimeOverhead, timing.last_byte, done_at, now),
    ]
}

fn extension_span(invocation: &InFlight, duration: Duration, now: Timestamp) -> Vec<Span> {
    let Some(done_at) = invocation.runtime_done else {
        return Vec::new();
    };
    vec![span(
        SpanName::ExtensionOverhead,
        done_at,
        invocation.began + duration,
        now,
    )]
}

fn span(name: SpanName, from: Instant, to: Instant, now: Timestamp) -> Span {
    let ago = SignedDuration::try_from(from.elapsed()).unwrap_or_default();
    Span {
        name,
        start: now.checked_sub(ago).unwrap_or(now),
        duration: Milliseconds(to.saturating_duration_since(from)),
    }
}
