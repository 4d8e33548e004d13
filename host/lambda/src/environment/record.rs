//! What an environment tells of itself: each of AWS's log lines with the telemetry event it stands for.
//!
//! The lines are written whether or not anybody listens; an event is worded only if the log is in JSON or an extension has
//! subscribed to it.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::Environment;
use super::work::Work;
use crate::extension::registry::ExtensionRegistry;
use crate::log::{self, Report, ReportStatus};
use crate::telemetry::event::extension::{NewSubscription, extension_line};
use crate::telemetry::event::invocation::{
    EndRecord, FaultRecord, ReportMetrics, ReportRecord, RuntimeDoneMetrics, RuntimeDoneRecord,
    StartRecord, Tracing,
};
use crate::telemetry::event::phase::{
    InitReportRecord, InitRuntimeDoneRecord, InitStartRecord, Phase, PhaseMetrics,
    RestoreReportRecord, RestoreRuntimeDoneRecord, RestoreStartRecord,
};
use crate::telemetry::event::{Billed, Milliseconds, Record, Span, SpanName, Status};

impl Environment {
    pub(super) fn tell_init_start(&mut self, phase: Phase) {
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

    /// The runtime's part of the init phase is over, one way or the other.
    pub(super) fn tell_init_runtime_done(&mut self, phase: Phase, end: ReportStatus<'_>) {
        let (status, error_type) = status_of(end);
        let record = InitRuntimeDoneRecord {
            initialization_type: self.function.spec.initialization_type(),
            phase,
            status,
            error_type,
            spans: &[],
        };
        self.log.event(None, |now| record.to_event(now));
    }

    /// How the extensions stand at the end of the init phase.
    pub(super) fn tell_extensions(&mut self, extensions: &ExtensionRegistry) {
        if extensions.is_empty() {
            return;
        }
        for summary in extensions.summaries() {
            let line = extension_line(&summary);
            self.log
                .event(Some(format_args!("{line}")), |now| summary.to_event(now));
        }
    }

    /// An extension has subscribed. Its event has been recorded where that happened.
    pub(super) fn tell_subscribed(&mut self, subscribed: &NewSubscription) {
        self.log.platform(&subscribed.line());
    }

    /// AWS's log has a line for an init phase only if it did not go well.
    pub(super) fn tell_init_report(&mut self, phase: Phase, took: Duration, end: ReportStatus<'_>) {
        let (status, error_type) = status_of(end);
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
        if end == ReportStatus::Success {
            return self.log.event(None, |now| record.to_event(now));
        }
        let phase = match phase {
            Phase::Init => "init",
            Phase::Invoke => "invoke",
        };
        let line = log::init_report_line(took, phase, end);
        self.log
            .event(Some(format_args!("{line}")), |now| record.to_event(now));
    }

    pub(super) fn tell_restore_start(&mut self) {
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

    pub(super) fn tell_restored(&mut self, took: Duration, end: ReportStatus<'_>) {
        let (status, error_type) = status_of(end);
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

    pub(super) fn tell_start(&mut self, work: &Work) {
        let (id, version) = (work.id(), &self.function.spec.version);
        let record = || StartRecord {
            request_id: id.as_str(),
            version: Some(version),
            tracing: tracing(work),
            tenant_id: work.invocation.tenant_id.as_deref(),
        };
        let line = format_args!("START RequestId: {id} Version: {version}");
        self.log.event(Some(line), |now| record().to_event(now));
    }

    /// The runtime is through with an invocation; extensions may not be yet.
    pub(super) fn tell_runtime_done(&mut self, work: &Work, end: ReportStatus<'_>) {
        let done_at = work.runtime_done.unwrap_or_else(Instant::now);
        self.log.event(None, |now| {
            let (status, error_type) = status_of(end);
            let spans = runtime_spans(work, done_at, now);
            let record = RuntimeDoneRecord {
                request_id: work.id().as_str(),
                status,
                error_type,
                metrics: Some(RuntimeDoneMetrics {
                    duration: Milliseconds(done_at.saturating_duration_since(work.began)),
                    produced_bytes: work.timing.map(|timing| timing.bytes),
                }),
                spans: &spans,
                tracing: tracing(work),
                tenant_id: work.invocation.tenant_id.as_deref(),
            };
            record.to_event(now)
        });
    }

    /// The process has ended in the middle of an invocation.
    pub(super) fn tell_fault(&mut self, work: &Work, words: &str, error_type: &str) {
        let id = work.id();
        let fault = format!("RequestId: {id} Error: {words}\n{error_type}");
        self.log
            .logs_api_event(Some(format_args!("{fault}")), |now| {
                FaultRecord(&fault).to_event(now)
            });
    }

    /// END and REPORT: the invocation is over for everybody.
    pub(super) fn tell_report(&mut self, work: &Work, end: ReportStatus<'_>) {
        let duration = work.began.elapsed();
        let id = work.id();
        let spec = &self.function.spec;
        // What got past the limit before it was noticed did not exist on AWS.
        let most = match spec.lifecycle.enforce_memory {
            true => u64::from(spec.memory_mb),
            false => u64::MAX,
        };
        let report = Report {
            id,
            duration,
            init: work.init,
            memory_size_mb: spec.memory_mb,
            max_memory_used_mb: self.memory.megabytes().min(most),
            end,
        };
        self.log.logs_api_event(None, |now| {
            let request_id = id.as_str();
            EndRecord { request_id }.to_event(now)
        });
        let line = format_args!("END RequestId: {id}\n{report}");
        self.log.event(Some(line), |now| {
            let (status, error_type) = status_of(end);
            let spans = extension_span(work, duration, now);
            let record = ReportRecord {
                request_id: id.as_str(),
                status,
                error_type,
                metrics: ReportMetrics {
                    duration: Milliseconds(duration),
                    billed_duration: Billed(duration + work.init.unwrap_or_default()),
                    memory_size_mb: report.memory_size_mb,
                    max_memory_used_mb: report.max_memory_used_mb,
                    init_duration: work.init.map(Milliseconds),
                    restore_duration: None,
                    billed_restore_duration: None,
                },
                spans: &spans,
                tracing: tracing(work),
            };
            record.to_event(now)
        });
    }
}

fn tracing(work: &Work) -> Option<Tracing<'_>> {
    Some(Tracing::new(&work.invocation.trace_id))
}

/// AWS tells whose fault an error is by its type.
fn status_of(end: ReportStatus<'_>) -> (Status, Option<&str>) {
    match end {
        ReportStatus::Success => (Status::Success, None),
        ReportStatus::TimedOut => (Status::Timeout, None),
        ReportStatus::Error(error_type) if error_type.starts_with("Sandbox.") => {
            (Status::Failure, Some(error_type))
        }
        ReportStatus::Error(error_type) => (Status::Error, Some(error_type)),
    }
}

/// The three stretches of an answered invocation; none of one that was not.
fn runtime_spans(work: &Work, done_at: Instant, now: Timestamp) -> Vec<Span> {
    let Some(timing) = work.timing else {
        return Vec::new();
    };
    vec![
        span(
            SpanName::ResponseLatency,
            work.began,
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

fn extension_span(work: &Work, duration: Duration, now: Timestamp) -> Vec<Span> {
    let Some(done_at) = work.runtime_done else {
        return Vec::new();
    };
    vec![span(
        SpanName::ExtensionOverhead,
        done_at,
        work.began + duration,
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
