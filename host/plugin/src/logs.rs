//! The output of plugins.
//!
//! The standard output and standard error of one call are collected together, up to [`limits::LOG_BYTES`]. When the
//! call has ended, however it ended, each line becomes a log event with the plugin, trigger and function; a line that
//! begins with [`WARNING`] is a warning. Control characters are escaped, so a line cannot forge another one or move the
//! terminal's cursor.
//!
//! If the call trapped, the last lines on standard error are part of the error instead: there a runtime writes why it
//! gives up.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::context::CallContext;
use crate::limits;
use crate::text::{escape, quote};

/// The start of a line that is a warning.
const WARNING: &str = "warning: ";

/// The number of lines that an error quotes, and the number of their characters.
const LAST_LINES: usize = 12;
const LAST_CHARACTERS: usize = 1_500;

/// A line of Rust's runtime.
const BACKTRACE_NOTE: &str = "note: run with `RUST_BACKTRACE=1`";

/// The output of one call. Clones write to the same place.
#[derive(Clone, Default)]
pub(crate) struct Output {
    collected: Arc<Mutex<Collected>>,
    is_error: bool,
}

#[derive(Default)]
struct Collected {
    bytes: Vec<u8>,
    /// What of `bytes` was written to standard error.
    errors: Vec<u8>,
    /// The lines that an error quotes, last one first.
    taken: Vec<String>,
    /// The number of bytes beyond the limit.
    dropped: usize,
}

/// Whether a line is about a variable that a plugin has no environment to set in.
fn is_no_help(line: &str) -> bool {
    line.starts_with(BACKTRACE_NOTE)
}

/// The lines that say something, without the last occurrence of each of `taken`, which are in reverse order.
fn lines_but<'a>(text: &'a str, taken: &[String]) -> Vec<&'a str> {
    let mut taken = taken.iter().peekable();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.reverse();
    lines.retain(|line| {
        let is_taken = taken.next_if(|next| next == line).is_some();
        !(is_taken || line.trim().is_empty() || is_no_help(line))
    });
    lines.reverse();
    lines
}

impl Output {
    /// The standard error of the same call.
    pub(crate) fn errors(&self) -> Self {
        Self {
            collected: Arc::clone(&self.collected),
            is_error: true,
        }
    }

    fn collected(&self) -> MutexGuard<'_, Collected> {
        let collected = &self.collected;
        collected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, bytes: &[u8]) {
        let mut collected = self.collected();
        let capacity = limits::LOG_BYTES - collected.bytes.len();
        let (kept, dropped) = bytes.split_at(capacity.min(bytes.len()));
        collected.bytes.extend_from_slice(kept);
        if self.is_error {
            collected.errors.extend_from_slice(kept);
        }
        collected.dropped += dropped.len();
    }

    /// Takes the last lines on standard error, displayable: a panic's message, an exception with its traceback. They are
    /// left out of the log then, as the error quotes them. Warnings stay.
    pub(crate) fn take_last_words(&self) -> Vec<String> {
        let mut collected = self.collected();
        let text = String::from_utf8_lossy(&collected.errors);
        let mut characters = LAST_CHARACTERS;
        let mut lines = Vec::new();
        let mut taken = Vec::new();
        let said = |line: &&str| {
            !(line.trim().is_empty() || line.starts_with(WARNING) || is_no_help(line))
        };
        for line in text.lines().rev().filter(said).take(LAST_LINES) {
            let quoted = quote(line.trim_end());
            let Some(left) = characters.checked_sub(quoted.chars().count()) else {
                break;
            };
            characters = left;
            lines.push(quoted);
            taken.push(line.to_owned());
        }
        collected.taken = taken;
        lines.reverse();
        lines
    }

    /// Writes the collected output to the host's log.
    pub(crate) fn log(&self, context: &CallContext<'_>) {
        let collected = std::mem::take(&mut *self.collected());
        let CallContext {
            plugin,
            trigger,
            function,
            request,
            ..
        } = *context;
        let text = String::from_utf8_lossy(&collected.bytes);
        for line in lines_but(&text, &collected.taken) {
            match line.strip_prefix(WARNING) {
                Some(text) => {
                    tracing::warn!(target: "lambkin::plugin", plugin, trigger, function, request, "{}", escape(text));
                }
                None => {
                    tracing::info!(target: "lambkin::plugin", plugin, trigger, function, request, "{}", escape(line));
                }
            }
        }
        if collected.dropped > 0 {
            let (dropped, limit) = (collected.dropped, limits::LOG_BYTES >> 10);
            tracing::warn!(
                target: "lambkin::plugin", plugin, trigger, function, request,
                "{dropped} more bytes of output were dropped: a call may print {limit} KiB",
            );
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(limits::LOG_BYTES)
    }
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_the_last_lines_on_standard_error() {
        let output = Output::default();
        output.push(b"before\n");
        output
            .errors()
            .push(b"\nthread panicked at src/lib.rs:3:5:\n\x1b[31mno id\n");
        output
            .errors()
            .push(b"note: run with `RUST_BACKTRACE=1` environment variable\n");
        output.push(b"after\n");
        let expected = ["thread panicked at src/lib.rs:3:5:", r"\u{1b}[31mno id"];
        assert_eq!(output.take_last_words(), expected);
        let collected = output.collected();
        let text = String::from_utf8_lossy(&collected.bytes);
        assert_eq!(lines_but(&text, &collected.taken), ["before", "after"]);
    }

    #[test]
    fn warnings_and_what_was_printed_earlier_stay_in_the_log() {
        let output = Output::default();
        output.errors().push(b"same\nsame\n");
        for n in 0..LAST_LINES - 1 {
            output.errors().push(format!("line {n}\n").as_bytes());
        }
        output.errors().push(b"warning: odd\n");
        assert_eq!(output.take_last_words().len(), LAST_LINES);
        let collected = output.collected();
        let text = String::from_utf8_lossy(&collected.bytes);
        assert_eq!(lines_but(&text, &collected.taken), ["same", "warning: odd"]);
    }

    #[test]
    fn last_words_have_a_limit() {
        let output = Output::default();
        for n in 0..100 {
            output.errors().push(format!("line {n}\n").as_bytes());
        }
        assert_eq!(output.take_last_words().len(), LAST_LINES);
        assert_eq!(output.take_last_words().last().unwrap(), "line 99");
        output.errors().push(&[b'x'; 10_000]);
        let shown: usize = output.take_last_words().iter().map(String::len).sum();
        assert!((1_000..2_000).contains(&shown), "{shown}");
    }
}
