//! The output of plugins.
//!
//! The standard output and standard error of one call are collected together, up to [`limits::LOG_BYTES`]. When the
//! call has ended, however it ended, each line becomes a log event with the plugin, trigger and function; a line that
//! begins with [`WARNING`] is a warning. Control characters are escaped, so a line cannot forge another one or move the terminal's cursor.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::context::CallContext;
use crate::limits;
use crate::text::escape;

/// The start of a line that is a warning.
const WARNING: &str = "warning: ";

/// The output of one call. Clones write to the same place.
#[derive(Clone, Default)]
pub(crate) struct Output(Arc<Mutex<Collected>>);

#[derive(Default)]
struct Collected {
    bytes: Vec<u8>,
    /// The number of bytes beyond the limit.
    dropped: usize,
}

impl Output {
    fn push(&self, bytes: &[u8]) {
        let mut collected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let capacity = limits::LOG_BYTES - collected.bytes.len();
        let (kept, dropped) = bytes.split_at(capacity.min(bytes.len()));
        collected.bytes.extend_from_slice(kept);
        collected.dropped += dropped.len();
    }

    /// Writes the collected output to the host's log.
    pub(crate) fn log(&self, context: &CallContext<'_>) {
        let collected = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let CallContext {
            plugin,
            trigger,
            function,
            request,
            ..
        } = *context;
        for line in String::from_utf8_lossy(&collected.bytes).lines() {
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
