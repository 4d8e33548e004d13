//! Writing the log from a thread of its own, to both outputs in the order in which the lines were added.
//!
//! On failure: when more than [`LOG_BACKLOG_BYTES`] wait for a slow terminal, further lines are dropped, and a line in
//! the log reports how many bytes were lost. A closed output is ignored.

use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limits::{LOG_BACKLOG_BYTES, LOG_FLUSH_TIMEOUT};

/// The delay between adding and writing a line. It is too short to notice, and under load one system call writes the
/// lines of many invocations.
const GATHER_TIME: Duration = Duration::from_millis(5);

/// The log of the host and its functions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Log(Arc<Shared>);

/// The destination and the style of the log's parts. By default everything goes to standard error, unchanged.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogStyle {
    /// The destination of functions' standard output.
    pub function_stdout: Destination,
    /// The destination of START, END, REPORT and the platform's other lines.
    pub platform: Destination,
    /// Whether the platform's lines are green.
    pub green_platform: bool,
    /// Whether `\r` is kept instead of being replaced by a line end.
    pub keep_carriage_returns: bool,
}

/// One of the host's output streams.
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

/// As many bytes for one output, which come before those of the next run.
type Run = (Destination, usize);

#[derive(Debug, Default)]
struct Backlog {
    /// Lines for standard error.
    stderr: Vec<u8>,
    /// Lines for standard output.
    stdout: Vec<u8>,
    /// The order of both: how many bytes of which follow each other.
    runs: Vec<Run>,
    /// The number of bytes that were dropped and not yet reported.
    dropped: usize,
    /// Whether the thread is writing a stderr.
    writing: bool,
    /// Whether [`Log::flush`] waits, so that lines are written without delay.
    urgent: bool,
}

impl Log {
    /// Starts the thread that writes the log. It lives as long as the process.
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

    /// Adds a line of the host itself; `line` has no line feed.
    pub fn line(&self, line: &str) {
        let text = format!("lambkin: {line}\n");
        self.write(Destination::Stderr, text.as_bytes());
    }

    /// Adds complete lines of the host itself, unchanged.
    pub fn lines(&self, lines: &[u8]) {
        self.write(Destination::Stderr, lines);
    }

    /// Adds complete lines.
    pub(crate) fn write(&self, to: Destination, lines: &[u8]) {
        let mut backlog = self.0.lock();
        let waiting = match to {
            Destination::Stderr => &mut backlog.stderr,
            Destination::Stdout => &mut backlog.stdout,
        };
        if waiting.len() + lines.len() > LOG_BACKLOG_BYTES {
            backlog.dropped += lines.len();
            return;
        }
        let was_empty = waiting.is_empty();
        waiting.extend_from_slice(lines);
        match backlog.runs.last_mut() {
            Some((last, len)) if *last == to => *len += lines.len(),
            _ => backlog.runs.push((to, lines.len())),
        }
        drop(backlog);
        if was_empty {
            self.0.changed.notify_all();
        }
    }

    pub(super) fn style(&self) -> LogStyle {
        self.0.style
    }

    /// Returns when all lines so far have been written, or after [`LOG_FLUSH_TIMEOUT`] if the output is blocked.
    pub fn flush(&self) {
        let mut backlog = self.0.lock();
        backlog.urgent = true;
        self.0.changed.notify_all();
        let unwritten = |backlog: &mut Backlog| !backlog.is_empty() || backlog.writing;
        let flushed = self
            .0
            .changed
            .wait_timeout_while(backlog, LOG_FLUSH_TIMEOUT, unwritten);
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
        self.stderr.is_empty() && self.stdout.is_empty()
    }
}

/// Hands the lines for both outputs over in the order of the runs.
fn in_order<'a>(
    runs: &[Run],
    mut stderr: &'a [u8],
    mut stdout: &'a [u8],
    mut write: impl FnMut(Destination, &[u8]),
) {
    for (to, len) in runs {
        let left = match to {
            Destination::Stderr => &mut stderr,
            Destination::Stdout => &mut stdout,
        };
        let (lines, rest) = left.split_at_checked(*len).unwrap_or((left, &[]));
        *left = rest;
        write(*to, lines);
    }
}

/// A closed output does not stop the host.
fn write_to(output: Destination, lines: &[u8]) {
    let _ = match output {
        Destination::Stderr => std::io::stderr().write_all(lines),
        Destination::Stdout => {
            let mut out = std::io::stdout().lock();
            out.write_all(lines).and_then(|()| out.flush())
        }
    };
}

fn write_lines(shared: &Shared) {
    let (mut stderr, mut stdout, mut runs) = (Vec::new(), Vec::new(), Vec::new());
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
        std::mem::swap(&mut stderr, &mut backlog.stderr);
        std::mem::swap(&mut stdout, &mut backlog.stdout);
        std::mem::swap(&mut runs, &mut backlog.runs);
        let dropped = std::mem::take(&mut backlog.dropped);
        backlog.writing = true;
        drop(backlog);
        in_order(&runs, &stderr, &stdout, write_to);
        if dropped > 0 {
            let said = format!(
                "lambkin: {dropped} bytes of the log were dropped, because its output was read too slowly\n"
            );
            write_to(Destination::Stderr, said.as_bytes());
        }
        stderr.clear();
        stdout.clear();
        runs.clear();
        shared.lock().writing = false;
        shared.changed.notify_all();
    }
}

impl Log {
    /// A log that keeps its lines in memory, up to [`LOG_BACKLOG_BYTES`].
    pub fn kept(style: LogStyle) -> Self {
        Self(Arc::new(Shared {
            style,
            ..Shared::default()
        }))
    }

    /// The lines for standard error of a log that keeps them.
    pub fn kept_text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().stderr).into_owned()
    }
}

#[cfg(test)]
impl Log {
    pub(super) fn in_memory(style: LogStyle) -> Self {
        Self::kept(style)
    }

    pub(super) fn written(&self, to: Destination) -> Vec<u8> {
        let backlog = self.0.lock();
        match to {
            Destination::Stderr => backlog.stderr.clone(),
            Destination::Stdout => backlog.stdout.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_for_both_outputs_keep_their_order() {
        let log = Log::in_memory(LogStyle::default());
        let added = [
            (Destination::Stderr, "START\n"),
            (Destination::Stdout, "one\n"),
            (Destination::Stdout, "two\n"),
            (Destination::Stderr, "END\n"),
        ];
        for (to, line) in added {
            log.write(to, line.as_bytes());
        }
        let backlog = log.0.lock();
        let mut written = Vec::new();
        in_order(
            &backlog.runs,
            &backlog.stderr,
            &backlog.stdout,
            |to, lines| {
                written.push((to, String::from_utf8(lines.to_owned()).unwrap()));
            },
        );
        let expected = [
            (Destination::Stderr, "START\n".to_owned()),
            (Destination::Stdout, "one\ntwo\n".to_owned()),
            (Destination::Stderr, "END\n".to_owned()),
        ];
        assert_eq!(written, expected);
    }
}
