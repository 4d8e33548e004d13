//! AWS's lines about the end of an invocation or an init phase.

use std::fmt;
use std::time::Duration;

use lambkin_model::RequestId;

/// A REPORT line.
#[derive(Debug, Clone)]
pub(crate) struct Report<'a> {
    pub id: &'a RequestId,
    /// The time from the event's delivery to the runtime's request for the next one.
    pub duration: Duration,
    /// The init phase's duration, for an environment's first invocation.
    pub init: Option<Duration>,
    pub memory_size_mb: u32,
    pub max_memory_used_mb: u64,
    pub status: ReportStatus<'a>,
}

/// How an invocation or an init phase ended, for REPORT and INIT_REPORT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportStatus<'a> {
    Success,
    TimedOut,
    /// A failure, with AWS's error type.
    Error(&'a str),
}

/// Writes the line. Since August 2025 the billed duration of a cold start includes the init phase.
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let billed = self.duration + self.init.unwrap_or_default();
        write!(
            f,
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
            self.id,
            milliseconds(self.duration),
            billed.as_micros().div_ceil(1000),
            self.memory_size_mb,
            self.max_memory_used_mb,
        )?;
        if let Some(init) = self.init {
            write!(f, "Init Duration: {:.2} ms\t", milliseconds(init))?;
        }
        f.write_str(&self.status.suffix())
    }
}

/// The line `INIT_REPORT …`, which AWS writes only if an init phase failed.
pub(crate) fn init_report_line(
    duration: Duration,
    phase: &str,
    status: ReportStatus<'_>,
) -> String {
    format!(
        "INIT_REPORT Init Duration: {:.2} ms\tPhase: {phase}\t{}",
        milliseconds(duration),
        status.suffix()
    )
}

impl ReportStatus<'_> {
    fn suffix(self) -> String {
        match self {
            Self::Success => String::new(),
            Self::TimedOut => "Status: timeout".to_owned(),
            Self::Error(error_type) => format!("Status: error\tError Type: {error_type}"),
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: ReportStatus<'_>, init: Option<Duration>) -> String {
        let id = RequestId::new("r-1");
        let duration = Duration::from_micros(3010);
        Report {
            id: &id,
            duration,
            init,
            memory_size_mb: 128,
            max_memory_used_mb: 36,
            status,
        }
        .to_string()
    }

    #[test]
    fn report_lines_have_the_format_of_aws() {
        assert_eq!(
            report(ReportStatus::Success, None),
            "REPORT RequestId: r-1\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"
        );
        assert_eq!(
            report(ReportStatus::Success, Some(Duration::from_micros(110_100))),
            "REPORT RequestId: r-1\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t\
             Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t"
        );
        assert!(
            report(ReportStatus::TimedOut, None)
                .ends_with("Max Memory Used: 36 MB\tStatus: timeout")
        );
        assert!(
            report(ReportStatus::Error("Runtime.ExitError"), None)
                .ends_with("\tStatus: error\tError Type: Runtime.ExitError")
        );
    }
}
