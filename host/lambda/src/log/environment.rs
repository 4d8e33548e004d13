//! The log of one environment: what its processes print, and what the platform tells of them.
//!
//! Output is split into lines; the end of an invocation's log is kept for `LogType=Tail`. In the text format the
//! platform's lines are AWS's START, END and REPORT; in the JSON format each is the telemetry event. Extensions that have
//! subscribed get everything as telemetry, whatever the format; an event that nobody wants is not even worded.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::{Destination, Log};
use crate::limits::{LOG_LINE_BYTES, LOG_TAIL_BYTES};
use crate::spec::{LogFormat, Logging};
use crate::telemetry::event::{Event, Kind, logged};
use crate::telemetry::frame::{Decoder, LogRecord, Piece};
use crate::telemetry::hub::Telemetry;

/// The log of one environment.
#[derive(Debug)]
pub(crate) struct EnvironmentLog {
    log: Log,
    /// Put before every line: tells functions apart when there are several.
    prefix: String,
    format: LogFormat,
    /// Reads standard output, where a runtime may write its log in frames.
    frames: Option<Decoder>,
    /// Unfinished lines, by [`Source::index`].
    unfinished: Vec<Vec<u8>>,
    tail: Option<Tail>,
    telemetry: Option<Arc<Telemetry>>,
}

/// Where a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Stdout,
    Stderr,
    /// An external extension, by its number.
    Extension(usize),
}

impl Source {
    fn index(self) -> usize {
        match self {
            Self::Stdout => 0,
            Self::Stderr => 1,
            Self::Extension(number) => 2 + number,
        }
    }

    fn kind(index: usize) -> Kind {
        if index < 2 {
            Kind::Function
        } else {
            Kind::Extension
        }
    }
}

impl EnvironmentLog {
    pub(crate) fn new(log: Log, prefix: String, logging: &Logging) -> Self {
        Self {
            log,
            prefix,
            format: logging.format,
            frames: logging.framed.then(Decoder::default),
            unfinished: vec![Vec::new(); 2],
            tail: None,
            telemetry: None,
        }
    }

    /// A new life has begun, whose extensions may subscribe here.
    pub(crate) fn set_telemetry(&mut self, telemetry: Arc<Telemetry>) {
        self.telemetry = Some(telemetry);
    }

    /// From here to [`EnvironmentLog::take_tail`] the end of the log is kept.
    pub(crate) fn keep_tail(&mut self) {
        self.tail = Some(Tail::default());
    }

    pub(crate) fn take_tail(&mut self) -> Option<Bytes> {
        self.tail.take().map(|tail| Vec::from(tail.0).into())
    }

    /// A piece of a process's output, as it was read.
    pub(crate) fn output(&mut self, source: Source, piece: &[u8]) {
        let frames = self.frames.as_mut().filter(|_| source == Source::Stdout);
        match frames.map(|frames| frames.feed(piece)) {
            Some(pieces) => self.framed(pieces),
            None => self.lines(source, piece),
        }
    }

    /// Records that stay whole, and what came between them.
    fn framed(&mut self, pieces: impl IntoIterator<Item = Piece>) {
        for piece in pieces {
            match piece {
                Piece::Raw(bytes) => self.lines(Source::Stdout, &bytes),
                Piece::Record(record) => self.record_of_frame(&record),
            }
        }
    }

    fn record_of_frame(&mut self, record: &LogRecord) {
        let mut shown = record.message.clone();
        for byte in shown.iter_mut().filter(|byte| **byte == b'\r') {
            *byte = b'\n';
        }
        self.emit(self.log.style().function_stdout, &shown);
        if self.wants(Kind::Function) {
            let text = String::from_utf8_lossy(&record.message);
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let is_json = record.is_json || self.format == LogFormat::Json;
            self.record(logged(Kind::Function, record.time, text, is_json));
        }
    }

    fn lines(&mut self, source: Source, piece: &[u8]) {
        let index = source.index();
        if self.unfinished.len() <= index {
            self.unfinished.resize(index + 1, Vec::new());
        }
        let Some(unfinished) = self.unfinished.get_mut(index) else {
            return;
        };
        // Runtimes write `\r` where a record of several lines is to stay one record in CloudWatch; a terminal would
        // write the lines over each other.
        let style = self.log.style();
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
        self.printed(index, &lines);
    }

    /// Passes on what has no line end yet: the invocation or the process is over.
    pub(crate) fn finish_lines(&mut self) {
        let rest = self.frames.as_mut().and_then(Decoder::finish);
        self.framed(rest);
        for index in 0..self.unfinished.len() {
            let rest = self
                .unfinished
                .get_mut(index)
                .map(std::mem::take)
                .unwrap_or_default();
            if !rest.is_empty() {
                self.printed(index, &rest);
            }
        }
    }

    /// A line of the platform's, without its line feed, or several with one between them. Telemetry has no event for it.
    pub(crate) fn platform(&mut self, line: &str) {
        self.write_line(format_args!("{line}"));
    }

    /// Something the platform tells: its line in the text format, where AWS has one, and its event everywhere else.
    pub(crate) fn event(
        &mut self,
        line: Option<fmt::Arguments<'_>>,
        event: impl FnOnce(Timestamp) -> Event,
    ) {
        match (self.format, line) {
            (LogFormat::Text, Some(line)) => self.write_line(line),
            (LogFormat::Text, None) => {}
            (LogFormat::Json, _) => {
                let event = event(Timestamp::now());
                let line = [&event.json[..], b"\n"].concat();
                self.emit(self.log.style().platform, &line);
                return self.record(event);
            }
        }
        if self.wants(Kind::Platform) {
            self.record(event(Timestamp::now()));
        }
    }

    /// The same for an event that only the Logs API has: it is in no log of the JSON format.
    pub(crate) fn logs_api_event(
        &mut self,
        line: Option<fmt::Arguments<'_>>,
        event: impl FnOnce(Timestamp) -> Event,
    ) {
        if let (LogFormat::Text, Some(line)) = (self.format, line) {
            self.write_line(line);
        }
        if self.wants(Kind::Platform) {
            self.record(event(Timestamp::now()));
        }
    }

    fn wants(&self, kind: Kind) -> bool {
        let telemetry = self.telemetry.as_ref();
        telemetry.is_some_and(|telemetry| telemetry.wants(kind))
    }

    fn record(&self, event: Event) {
        if let Some(telemetry) = &self.telemetry {
            telemetry.record(event);
        }
    }

    /// Formatted in place: an invocation writes three of them.
    fn write_line(&mut self, line: fmt::Arguments<'_>) {
        let mut text = String::with_capacity(256);
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line}");
        let style = self.log.style();
        if style.green_platform {
            let green = |line: &str| format!("\x1b[32m{line}\x1b[0m\n");
            self.keep(text.as_bytes());
            let text: String = text.lines().map(green).collect();
            return self.write(style.platform, text.as_bytes());
        }
        self.emit(style.platform, text.as_bytes());
    }

    fn printed(&mut self, index: usize, lines: &[u8]) {
        let to = if index == Source::Stdout.index() {
            self.log.style().function_stdout
        } else {
            Destination::Stderr
        };
        self.emit(to, lines);
        let kind = Source::kind(index);
        if !self.wants(kind) {
            return;
        }
        let now = Timestamp::now();
        let is_json = self.format == LogFormat::Json;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(line);
            let text = text.strip_suffix('\n').unwrap_or(&text);
            self.record(logged(kind, now, text, is_json));
        }
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

#[cfg(test)]
mod tests {
    use super::super::LogStyle;
    use super::*;

    #[test]
    fn carriage_returns_become_line_ends() {
        let sink = Log::in_memory(LogStyle::default());
        let mut log = EnvironmentLog::new(sink.clone(), "f | ".to_owned(), &Logging::default());
        log.output(
            Source::Stdout,
            b"Traceback:\r  line 1\r  line 2\r\nnext\nrest",
        );
        log.finish_lines();
        let written = sink.written(Destination::Stderr);
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
        let sink = Log::in_memory(style);
        let mut log = EnvironmentLog::new(sink.clone(), String::new(), &Logging::default());
        log.keep_tail();
        log.output(Source::Stdout, b"50 %\r100 %\n");
        log.output(Source::Stderr, b"warning\n");
        log.platform("END\nREPORT");
        let tail = log.take_tail().unwrap();
        assert_eq!(tail, "50 %\r100 %\nwarning\nEND\nREPORT\n");
        assert_eq!(sink.written(Destination::Stdout), b"50 %\r100 %\n");
        let colourful = "warning\n\x1b[32mEND\x1b[0m\n\x1b[32mREPORT\x1b[0m\n";
        assert_eq!(sink.written(Destination::Stderr), colourful.as_bytes());
    }

    #[test]
    fn a_record_in_a_frame_stays_whole_and_what_is_no_frame_is_lines() {
        let logging = Logging {
            framed: true,
            ..Logging::default()
        };
        let sink = Log::in_memory(LogStyle::default());
        let mut log = EnvironmentLog::new(sink.clone(), "f | ".to_owned(), &logging);
        let message = b"Traceback\r  line 1";
        let mut frame = vec![0xa5, 0x5a, 0x00, 0x17, 0, 0, 0, message.len() as u8];
        frame.extend_from_slice(&[0; 8]);
        frame.extend_from_slice(message);
        log.output(Source::Stdout, &[b"printed\n", &frame[..20]].concat());
        log.output(Source::Stdout, &frame[20..]);
        log.finish_lines();
        assert_eq!(
            String::from_utf8(sink.written(Destination::Stderr)).unwrap(),
            "f | printed\nf | Traceback\nf |   line 1\n"
        );
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
