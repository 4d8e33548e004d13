//! The bodies of a service's requests and responses.
//!
//! Both are streamed with a few pieces in memory, so a body may have any size. Because a body occupies an instance,
//! one that makes no progress is aborted after [`limits::BODY_IDLE`](crate::limits::BODY_IDLE): a request's body ends
//! with an error for the guest, and a response's body ends the guest.

use std::fmt::Display;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use wasmtime_wasi::runtime::AbortOnDropJoinHandle;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::error::PluginError;

/// The body of a request, for the guest.
pub(super) struct RequestBody<B> {
    body: B,
    /// The time that it may make no progress.
    max_idle: Duration,
    /// The timer that runs while the guest waits for bytes.
    idle: Option<Pin<Box<Sleep>>>,
    incomplete: IsIncomplete,
}

/// Whether a request's body has ended with an error. Clones share the value.
#[derive(Debug, Clone, Default)]
pub(super) struct IsIncomplete(Arc<AtomicBool>);

impl IsIncomplete {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<B> RequestBody<B> {
    pub(super) fn new(body: B, max_idle: Duration, incomplete: IsIncomplete) -> Self {
        Self {
            body,
            max_idle,
            idle: None,
            incomplete,
        }
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Data = Bytes, Error: Display> + Unpin,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Self {
            body,
            max_idle,
            idle,
            incomplete,
        } = &mut *self;
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            *idle = None;
            let broken = |error| {
                incomplete.set();
                Error::InternalError(Some(format!("the body is incomplete: {error}")))
            };
            return Poll::Ready(frame.map(|frame| frame.map_err(broken)));
        }
        let idle = idle.get_or_insert_with(|| Box::pin(sleep(*max_idle)));
        idle.as_mut().poll(context).map(|()| {
            incomplete.set();
            Some(Err(Error::ConnectionReadTimeout))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a response that the guest is still writing. Dropping it, for example because the client disconnects,
/// ends the guest at once.
pub(super) struct StreamedBody {
    /// The bytes that were read before the response was forwarded.
    pub read: Bytes,
    pub rest: WasiBody,
    pub guest: AbortOnDropJoinHandle<Result<(), PluginError>>,
    pub progress: Arc<ReadProgress>,
}

impl Body for StreamedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.read.is_empty() {
            self.progress.record(false);
            let read = std::mem::take(&mut self.read);
            return Poll::Ready(Some(Ok(Frame::data(read))));
        }
        let frame = Pin::new(&mut self.rest).poll_frame(context);
        self.progress.record(frame.is_pending());
        match frame {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(frame)) => Poll::Ready(Some(frame.map_err(io::Error::other))),
            // The body also ends here if the guest has failed. Then the client must not take it for a complete one.
            Poll::Ready(None) => match Pin::new(&mut self.guest).poll(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(())) => Poll::Ready(None),
                Poll::Ready(Err(error)) => Poll::Ready(Some(Err(io::Error::other(error)))),
            },
        }
    }
}

/// Whether the client reads what the guest writes.
#[derive(Debug, Default)]
pub(super) struct ReadProgress(AtomicU64);

impl ReadProgress {
    /// Records that the client asks for more. The lowest bit says that it waits for the guest.
    fn record(&self, waits: bool) {
        let times = self.0.load(Ordering::Relaxed) >> 1;
        let now = (times.wrapping_add(1) << 1) | u64::from(waits);
        self.0.store(now, Ordering::Relaxed);
    }

    /// Returns when the client has not asked for more for this time, although the guest had more.
    pub(super) async fn stalled(&self, max_idle: Duration) {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            sleep(max_idle).await;
            let now = self.0.load(Ordering::Relaxed);
            let waits = now & 1 == 1;
            if now == seen && !waits {
                return;
            }
            seen = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{BodyExt, Empty};

    use super::*;

    const SOON: Duration = Duration::from_millis(10);
    const LATE: Duration = Duration::from_secs(3_600);

    /// A body that never has any bytes.
    struct Never;

    impl Body for Never {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_that_makes_no_progress_ends_with_an_error() {
        let incomplete = IsIncomplete::default();
        let mut body = RequestBody::new(Never, SOON, incomplete.clone());
        match body.frame().await {
            Some(Err(Error::ConnectionReadTimeout)) => {}
            other => panic!("{other:?}"),
        }
        assert!(incomplete.get());
        let incomplete = IsIncomplete::default();
        let mut body = RequestBody::new(Empty::new(), LATE, incomplete.clone());
        assert!(body.frame().await.is_none());
        assert!(!incomplete.get());
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_detected() {
        let progress = ReadProgress::default();
        progress.record(true);
        progress.record(false);
        progress.stalled(SOON).await;
    }

    #[tokio::test]
    async fn a_client_that_waits_for_the_guest_does_not_stall() {
        let progress = ReadProgress::default();
        progress.record(true);
        let stalled = progress.stalled(SOON);
        assert!(tokio::time::timeout(SOON * 10, stalled).await.is_err());
    }
}
