//! The log of one environment: the output of its processes, and the platform's lines about them.
//!
//! Output is split into lines, and the end of an invocation's log is kept for `LogType=Tail`. In the text format the
//! platform's lines are AWS's START, END and REPORT; in the JSON format each line is a telemetry event. Extensions that
//! subscribed get everything as telemetry, in either format. An event without a subscriber is not built.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::writer::{Destination, Log};
use crate::limits::{LOG_LINE_BYTES, LOG_TAIL_BYTES};
use crate::spec::{LogFormat, Logging};
use crate::telemetry::event::{Event, Kind, log_event};
use crate::telemetry::frame::{Decoder, LogRecord, Piece};
use crate::telemetry::hub::Telemetry;

/// The log of one environment.
#[derive(Debug)]
pub(crate) struct EnvironmentLog {
    log: Log,
    /// The prefix of each line, which identifies the function if there are several.
    prefix: String,
    format: LogFormat,
    /// Decodes standard output if the runtime may write its log there in frames.
    frames: Option<Decoder>,
    /// Unfinished lines, by [`Source::index`].
    unfinished: Vec<Vec<u8>>,
    tail: Option<Tail>,
    telemetry: Option<Arc<Telemetry>>,
}

/// The source of a piece of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Stdout,
    Stderr,
    /// The external extension with this number.
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

    /// Sets the telemetry of a new sandbox.
    pub(crate) fn set_telemetry(&mut self, telemetry: Arc<Telemetry>) {
        self.telemetry = Some(telemetry);
    }

    /// Starts to keep the end of the log, until [`EnvironmentLog::take_tail`].
    pub(crate) fn keep_tail(&mut self) {
        self.tail = Some(Tail::default());
    }

    /// The end of the log since [`EnvironmentLog::keep_tail`].
    pub(crate) fn take_tail(&mut self) -> Option<Bytes> {
        self.tail.take().map(|tail| Vec::from(tail.0).into())
    }

    /// Adds a piece of a process's output.
    pub(crate) fn output(&mut self, source: Source, piece: &[u8]) {
        let frames = self.frames.as_mut().filter(|_| source == Source::Stdout);
        match frames.map(|frames| frames.feed(piece)) {
            Some(pieces) => self.add_pieces(pieces),
            None => self.add_output(source, piece),
        }
    }

    /// Adds decoded frames and the bytes between them.
    fn add_pieces(&mut self, pieces: impl IntoIterator<Item = Piece>) {
        for piece in pieces {
            match piece {
                Piece::Raw(bytes) => self.add_output(Source::Stdout, &bytes),
                Piece::Record(record) => self.add_record(&record),
            }
        }
    }

    /// Adds a record of a frame, which is one telemetry event even if it has several lines.
    fn add_record(&mut self, record: &LogRecord) {
        let mut lines = record.message.clone();
        for byte in lines.iter_mut().filter(|byte| **byte == b'\r') {
            *byte = b'\n';
        }
        self.emit(self.log.style().function_stdout, &lines);
        if self.wants(Kind::Function) {
            let message = String::from_utf8_lossy(&record.message);
            let text = message.strip_suffix('\n').unwrap_or(&message);
            let is_json = record.is_json || self.format == LogFormat::Json;
            self.record(log_event(Kind::Function, record.time, text, is_json));
        }
    }

    /// Adds a piece of output that is not framed, and emits the lines that it completes.
    fn add_output(&mut self, source: Source, piece: &[u8]) {
        let index = source.index();
        if self.unfinished.len() <= index {
            self.unfinished.resize(index + 1, Vec::new());
        }
        let Some(unfinished) = self.unfinished.get_mut(index) else {
            return;
        };
        // Runtimes separate the lines of a record by `\r`, so that it stays one record in CloudWatch. In a terminal
        // each line would overwrite the one before.
        let style = self.log.style();
        let lines = piece.split(|byte| *byte == b'\r' && !style.keep_carriage_returns);
        for (index, line) in lines.enumerate() {
            if index > 0 && !line.starts_with(b"\n") {
                unfinished.push(b'\n');
            }
            unfinished.extend_from_slice(line);
        }
        let complete = match unfinished.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if unfinished.len() >= LOG_LINE_BYTES => unfinished.len(),
            None => return,
        };
        let lines: Vec<u8> = unfinished.drain(..complete).collect();
        self.emit_output(index, &lines);
    }

    /// Emits the unfinished lines: the invocation or the process is over.
    pub(crate) fn finish_lines(&mut self) {
        let rest = self.frames.as_mut().and_then(Decoder::finish);
        self.add_pieces(rest);
        for index in 0..self.unfinished.len() {
            let rest = self
                .unfinished
                .get_mut(index)
                .map(std::mem::take)
                .unwrap_or_default();
            if !rest.is_empty() {
                self.emit_output(index, &rest);
            }
        }
    }

    /// Adds a line of the platform for which telemetry has no event, without its line feed. It may contain line feeds.
    pub(crate) fn platform(&mut self, line: &str) {
        self.write_line(format_args!("{line}"));
    }

    /// Adds a platform event: in the text format as AWS's line, if there is one; in the JSON format and in telemetry as
    /// the event.
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

    /// Adds an event that only the Logs API has, which a log in the JSON format does not contain.
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

    /// Adds a line of the platform. An invocation writes three, so the line is formatted without an intermediate
    /// string.
    fn write_line(&mut self, line: fmt::Arguments<'_>) {
        let mut text = String::with_capacity(256);
        let _ = writeln!(text, "{line}"); // writing to a string does not fail
        let style = self.log.style();
        if style.green_platform {
            let green = |line: &str| format!("\x1b[32m{line}\x1b[0m\n");
            self.keep(text.as_bytes());
            let coloured: String = text.lines().map(green).collect();
            return self.write(style.platform, coloured.as_bytes());
        }
        self.emit(style.platform, text.as_bytes());
    }

    fn emit_output(&mut self, index: usize, lines: &[u8]) {
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
            let line = String::from_utf8_lossy(line);
            let text = line.strip_suffix('\n').unwrap_or(&line);
            self.record(log_event(kind, now, text, is_json));
        }
    }

    /// Adds complete lines to the tail, if one is kept, and to the log.
    fn emit(&mut self, to: Destination, lines: &[u8]) {
        self.keep(lines);
        self.write(to, lines);
    }

    /// Adds complete lines to the tail, if one is kept.
    fn keep(&mut self, lines: &[u8]) {
        if let Some(tail) = &mut self.tail {
            tail.extend(lines);
            if !lines.ends_with(b"\n") {
                tail.extend(b"\n");
            }
        }
    }

    /// Adds complete lines to the log, each with the prefix.
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

/// The last [`LOG_TAIL_BYTES`] of the log.
#[derive(Debug, Default)]
struct Tail(VecDeque<u8>);

impl Tail {
    fn extend(&mut self, bytes: &[u8]) {
        let start = bytes.len().saturating_sub(LOG_TAIL_BYTES);
        let end = bytes.get(start..).unwrap_or_default();
        let surplus = (self.0.len() + end.len()).saturating_sub(LOG_TAIL_BYTES);
        self.0.drain(..surplus);
        self.0.extend(end);
    }
}

#[cfg(test)]
mod tests {
    use super::super::writer::LogStyle;
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
    fn a_style_sets_destinations_and_colours() {
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
    fn a_record_in_a_frame_stays_whole_and_other_output_is_split_into_lines() {
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
