//! The log: what functions print, and AWS's START, END and REPORT lines around it.
//!
//! Everything goes through one [`Log`] to the host's standard error, line by line, from one thread of its own, so that
//! a slow terminal never holds up an invocation. Lines are written in the order they were given. When more than
//! [`LOG_BACKLOG_BYTES`] wait, further lines are dropped, and a line says how many bytes that cost.

mod environment;
mod report;

use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use self::environment::{EnvironmentLog, Source};
pub(crate) use self::report::{Report, ReportStatus, init_report_line};
use crate::limits::{FLUSH_LIMIT, LOG_BACKLOG_BYTES};

/// The pause between a line's arrival and its writing: nobody sees it, and under load it lets the lines of many
/// invocations leave in one system call.
const GATHER_TIME: Duration = Duration::from_millis(5);

/// Where all log lines go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Log(Arc<Shared>);

/// Where the parts of a log go, and how they look. The default is everything to standard error, as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogStyle {
    /// Functions' standard output.
    pub function_stdout: Destination,
    /// START, END, REPORT and what else the platform says.
    pub platform: Destination,
    /// The platform's lines are green.
    pub green_platform: bool,
    /// `\r` is kept instead of being made a line end.
    pub keep_carriage_returns: bool,
}

/// One of the host's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Destination {
    /// Standard error.
    #[default]
    Stderr,
    /// Standard output.
    Stdout,
}

#[derive(Debug, Default)]
struct Shared {
    style: LogStyle,
    backlog: Mutex<Backlog>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Backlog {
    /// For standard error.
    bytes: Vec<u8>,
    /// For standard output.
    stdout: Vec<u8>,
    dropped: usize,
    writing: bool,
    /// Somebody waits for the backlog to be written: no time for gathering.
    urgent: bool,
}

impl Log {
    /// Starts the writing thread; it lives as long as the process.
    pub fn start(style: LogStyle) -> std::io::Result<Self> {
        let log = Self(Arc::new(Shared {
            style,
            ..Shared::default()
        }));
        let shared = Arc::clone(&log.0);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_lines(&shared))?;
        Ok(log)
    }

    /// Adds a line of the host's own, given without its line feed.
    pub fn line(&self, line: &str) {
        let text = format!("lambkin: {line}\n");
        self.write(Destination::Stderr, text.as_bytes());
    }

    /// Adds whole lines of the host's own as they are.
    pub fn lines(&self, lines: &[u8]) {
        self.write(Destination::Stderr, lines);
    }

    /// Adds whole lines.
    pub(crate) fn write(&self, to: Destination, lines: &[u8]) {
        let mut backlog = self.0.lock();
        let waiting = match to {
            Destination::Stderr => &mut backlog.bytes,
            Destination::Stdout => &mut backlog.stdout,
        };
        if waiting.len() + lines.len() > LOG_BACKLOG_BYTES {
            backlog.dropped += lines.len();
            return;
        }
        let was_empty = waiting.is_empty();
        waiting.extend_from_slice(lines);
        drop(backlog);
        if was_empty {
            self.0.changed.notify_all();
        }
    }

    fn style(&self) -> LogStyle {
        self.0.style
    }

    /// Returns when everything given so far has been written, or after [`FLUSH_LIMIT`] if nobody reads it.
    pub fn flush(&self) {
        let mut backlog = self.0.lock();
        backlog.urgent = true;
        self.0.changed.notify_all();
        let unwritten = |backlog: &mut Backlog| !backlog.is_empty() || backlog.writing;
        let flushed = self
            .0
            .changed
            .wait_timeout_while(backlog, FLUSH_LIMIT, unwritten);
        let (mut backlog, _) = flushed.unwrap_or_else(PoisonError::into_inner);
        backlog.urgent = false;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backlog {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.stdout.is_empty()
    }
}

fn write_lines(shared: &Shared) {
    let (mut batch, mut stdout) = (Vec::new(), Vec::new());
    loop {
        let mut backlog = shared.lock();
        while backlog.is_empty() {
            backlog = shared
                .changed
                .wait(backlog)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let gathered = shared
            .changed
            .wait_timeout_while(backlog, GATHER_TIME, |backlog| !backlog.urgent);
        let (mut backlog, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut batch, &mut backlog.bytes);
        std::mem::swap(&mut stdout, &mut backlog.stdout);
        let dropped = std::mem::take(&mut backlog.dropped);
        backlog.writing = true;
        drop(backlog);
        if dropped > 0 {
            batch.extend_from_slice(
                format!("lambkin: {dropped} bytes of logs dropped: too slow to read\n").as_bytes(),
            );
        }
        // Standard error may be closed; a function's output is no reason to stop.
        let _unread = std::io::stderr().write_all(&batch);
        if !stdout.is_empty() {
            let mut out = std::io::stdout().lock();
            let _unread = out.write_all(&stdout).and_then(|()| out.flush());
        }
        batch.clear();
        stdout.clear();
        shared.lock().writing = false;
        shared.changed.notify_all();
    }
}

#[cfg(test)]
impl Log {
    /// A log that is written nowhere.
    fn in_memory(style: LogStyle) -> Self {
        Self(Arc::new(Shared {
            style,
            ..Shared::default()
        }))
    }

    fn written(&self, to: Destination) -> Vec<u8> {
        let backlog = self.0.lock();
        match to {
            Destination::Stderr => backlog.bytes.clone(),
            Destination::Stdout => backlog.stdout.clone(),
        }
    }
}
