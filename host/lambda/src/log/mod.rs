//! The log: the output of functions, between AWS's START, END and REPORT lines.
//!
//! All lines go through one [`Log`] to the host's standard error, in the order in which they were added. A thread of
//! its own writes them, so that a slow terminal never delays an invocation.

mod environment;
mod report;
mod writer;

pub(crate) use self::environment::{EnvironmentLog, Source};
pub(crate) use self::report::{Report, ReportStatus, init_report_line};
pub use self::writer::{Destination, Log, LogStyle};
