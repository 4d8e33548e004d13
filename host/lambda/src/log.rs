//! The log: what functions print, and AWS's START, END and REPORT lines around it.
//!
//! Everything goes through one [`Log`] to the host's standard error, line by line, from one thread of its own, so that
//! a slow terminal never holds up an invocation. Lines are written in the order they were given. When more than
//! [`LOG_BACKLOG_BYTES`] wait, further lines are dropped, and a line says how many bytes that cost.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use lambkin_model::RequestId;

use crate::limits::{FLUSH_LIMIT, LOG_BACKLOG_BYTES, LOG_LINE_BYTES, LOG_TAIL_BYTES};

/// The pause between a line's arrival and its writing: nobody sees it, and under load it lets the lines of many
/// invocations leave in one system call.
const GATHER: Duration = Duration::from_millis(5);

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
    pub fn to_stderr() -> std::io::Result<Self> {
        Self::styled(LogStyle::default())
    }

    /// The same with a style.
    pub fn styled(style: LogStyle) -> std::io::Result<Self> {
        let log = Self(Arc::new(Shared {
            style,
            ..Shared::default()
        }));
        let shared = Arc::clone(&log.0);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_for_ever(&shared))?;
        Ok(log)
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

fn write_for_ever(shared: &Shared) {
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
            .wait_timeout_while(backlog, GATHER, |backlog| !backlog.urgent);
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

/// The log of one environment: splits output into lines, and keeps the end of an invocation's log for `LogType=Tail`.
#[derive(Debug)]
pub(crate) struct EnvironmentLog {
    log: Log,
    /// Put before every line: tells functions apart when there are several.
    prefix: String,
    /// Unfinished lines of standard output and of standard error.
    unfinished: [Vec<u8>; 2],
    tail: Option<Tail>,
}

/// Which of a process's outputs a piece of log came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout = 0,
    Stderr = 1,
}

impl LogStyle {
    fn destination(self, stream: Stream) -> Destination {
        match stream {
            Stream::Stdout => self.function_stdout,
            Stream::Stderr => Destination::Stderr,
        }
    }
}

impl EnvironmentLog {
    pub(crate) fn new(log: Log, prefix: String) -> Self {
        Self {
            log,
            prefix,
            unfinished: [Vec::new(), Vec::new()],
            tail: None,
        }
    }

    /// From here to [`EnvironmentLog::take_tail`] the end of the log is kept.
    pub(crate) fn keep_tail(&mut self) {
        self.tail = Some(Tail::default());
    }

    pub(crate) fn take_tail(&mut self) -> Option<Bytes> {
        self.tail.take().map(|tail| Vec::from(tail.0).into())
    }

    /// A piece of the function's output, as it was read.
    pub(crate) fn output(&mut self, stream: Stream, piece: &[u8]) {
        let [stdout, stderr] = &mut self.unfinished;
        let unfinished = if stream == Stream::Stdout {
            stdout
        } else {
            stderr
        };
        let style = self.log.0.style;
        // Runtimes write `\r` where a record of several lines is to stay one record in CloudWatch; a terminal would
        // write the lines over each other.
        let lines = piece.split(|byte| *byte == b'\r' && !style.keep_carriage_returns);
        for (index, line) in lines.enumerate() {
            if index > 0 && !line.starts_with(b"\n") {
                unfinished.push(b'\n');
            }
            unfinished.extend_from_slice(line);
        }
        let whole = match unfinished.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if unfinished.len() >= LOG_LINE_BYTES => unfinished.len(),
            None => return,
        };
        let lines: Vec<u8> = unfinished.drain(..whole).collect();
        self.emit(style.destination(stream), &lines);
    }

    /// Passes on what has no line end yet: the invocation or the process is over.
    pub(crate) fn finish_lines(&mut self) {
        let [stdout, stderr] = &mut self.unfinished;
        let rests = [
            (Stream::Stdout, std::mem::take(stdout)),
            (Stream::Stderr, std::mem::take(stderr)),
        ];
        for (stream, rest) in rests {
            if !rest.is_empty() {
                self.emit(self.log.0.style.destination(stream), &rest);
            }
        }
    }

    /// A line of the platform's, without its line feed, or several with one between them.
    pub(crate) fn platform(&mut self, line: &str) {
        self.platform_line(format_args!("{line}"));
    }

    /// The same, formatted in place: an invocation writes three of them.
    pub(crate) fn platform_line(&mut self, line: fmt::Arguments<'_>) {
        let mut text = String::with_capacity(256);
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line}");
        let style = self.log.0.style;
        if style.green_platform {
            let green = |line: &str| format!("\x1b[32m{line}\x1b[0m\n");
            self.keep(text.as_bytes());
            let text: String = text.lines().map(green).collect();
            return self.write(style.platform, text.as_bytes());
        }
        self.emit(style.platform, text.as_bytes());
    }

    fn emit(&mut self, to: Destination, lines: &[u8]) {
        self.keep(lines);
        self.write(to, lines);
    }

    /// Adds to the tail, if one is kept.
    fn keep(&mut self, lines: &[u8]) {
        if let Some(tail) = &mut self.tail {
            tail.extend(lines);
            if !lines.ends_with(b"\n") {
                tail.extend(b"\n");
            }
        }
    }

    fn write(&self, to: Destination, lines: &[u8]) {
        if self.prefix.is_empty() && lines.ends_with(b"\n") {
            return self.log.write(to, lines);
        }
        let mut out = Vec::with_capacity(lines.len() + self.prefix.len() + 1);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            out.extend_from_slice(self.prefix.as_bytes());
            out.extend_from_slice(line);
        }
        if !out.ends_with(b"\n") {
            out.push(b'\n');
        }
        self.log.write(to, &out);
    }
}

#[derive(Debug, Default)]
struct Tail(VecDeque<u8>);

impl Tail {
    fn extend(&mut self, bytes: &[u8]) {
        let bytes = bytes
            .get(bytes.len().saturating_sub(LOG_TAIL_BYTES)..)
            .unwrap_or_default();
        let surplus = (self.0.len() + bytes.len()).saturating_sub(LOG_TAIL_BYTES);
        self.0.drain(..surplus);
        self.0.extend(bytes);
    }
}

/// What a REPORT line reports.
#[derive(Debug, Clone)]
pub(crate) struct Report<'a> {
    pub id: &'a RequestId,
    /// From the event's delivery to the runtime's next request.
    pub duration: Duration,
    /// Only of an environment's first invocation.
    pub init: Option<Duration>,
    pub memory_size_mb: u32,
    pub max_memory_used_mb: u64,
    pub end: End<'a>,
}

/// How an invocation or an init phase ended, as REPORT and INIT_REPORT say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End<'a> {
    Success,
    TimedOut,
    /// With AWS's error type.
    Error(&'a str),
}

/// The REPORT line. Since August 2025 the billed duration of a cold start includes the init phase.
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
        f.write_str(&self.end.suffix())
    }
}

/// `INIT_REPORT …`, which AWS writes only when an init phase did not go well.
pub(crate) fn init_report_line(duration: Duration, phase: &str, end: End<'_>) -> String {
    format!(
        "INIT_REPORT Init Duration: {:.2} ms\tPhase: {phase}\t{}",
        milliseconds(duration),
        end.suffix()
    )
}

impl End<'_> {
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

    fn report(end: End<'_>, init: Option<Duration>) -> String {
        let id = RequestId::new("r-1");
        let duration = Duration::from_micros(3010);
        Report {
            id: &id,
            duration,
            init,
            memory_size_mb: 128,
            max_memory_used_mb: 36,
            end,
        }
        .to_string()
    }

    #[test]
    fn report_lines_read_as_on_aws() {
        assert_eq!(
            report(End::Success, None),
            "REPORT RequestId: r-1\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"
        );
        assert_eq!(
            report(End::Success, Some(Duration::from_micros(110_100))),
            "REPORT RequestId: r-1\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t\
             Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t"
        );
        assert!(report(End::TimedOut, None).ends_with("Max Memory Used: 36 MB\tStatus: timeout"));
        assert!(
            report(End::Error("Runtime.ExitError"), None)
                .ends_with("\tStatus: error\tError Type: Runtime.ExitError")
        );
    }

    #[test]
    fn carriage_returns_become_line_ends() {
        let mut log = EnvironmentLog::new(Log(Arc::new(Shared::default())), "f | ".to_owned());
        log.output(
            Stream::Stdout,
            b"Traceback:\r  line 1\r  line 2\r\nnext\nrest",
        );
        log.finish_lines();
        let written = log.log.0.lock().bytes.clone();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "f | Traceback:\nf |   line 1\nf |   line 2\nf | next\nf | rest\n"
        );
    }

    #[test]
    fn a_style_says_what_goes_where_and_how_it_looks() {
        let style = LogStyle {
            function_stdout: Destination::Stdout,
            platform: Destination::Stderr,
            green_platform: true,
            keep_carriage_returns: true,
        };
        let shared = Shared {
            style,
            ..Shared::default()
        };
        let mut log = EnvironmentLog::new(Log(Arc::new(shared)), String::new());
        log.keep_tail();
        log.output(Stream::Stdout, b"50 %\r100 %\n");
        log.output(Stream::Stderr, b"warning\n");
        log.platform("END\nREPORT");
        let tail = log.take_tail().unwrap();
        assert_eq!(tail, "50 %\r100 %\nwarning\nEND\nREPORT\n");
        let backlog = log.log.0.lock();
        assert_eq!(backlog.stdout, b"50 %\r100 %\n");
        let colourful = "warning\n\x1b[32mEND\x1b[0m\n\x1b[32mREPORT\x1b[0m\n";
        assert_eq!(backlog.bytes, colourful.as_bytes());
    }

    #[test]
    fn the_tail_is_the_last_four_kib() {
        let mut tail = Tail::default();
        tail.extend(&[b'a'; 5000]);
        tail.extend(b"end");
        let kept = Vec::from(tail.0);
        assert_eq!(kept.len(), LOG_TAIL_BYTES);
        assert!(kept.ends_with(b"aend"));
    }
}
