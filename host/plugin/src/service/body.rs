//! The bodies of a service's request and answer.
//!
//! Both are streamed: a piece is taken when the other side has room for it, so a body of any size costs the memory of a
//! few pieces. A body that stands still is given up after a while ([`limits::BODY_IDLE`](crate::limits::BODY_IDLE)), since it holds an instance: a request's
//! ends with an error that the guest sees, an answer's ends the guest.

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

/// A request's body on its way to the guest.
pub(super) struct Request<B> {
    body: B,
    /// How long it may stand still.
    patience: Duration,
    /// Runs while the guest waits for bytes.
    idle: Option<Pin<Box<Sleep>>>,
    incomplete: Incomplete,
}

/// Whether a request's body has ended with an error.
#[derive(Debug, Clone, Default)]
pub(super) struct Incomplete(Arc<AtomicBool>);

impl Incomplete {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<B> Request<B> {
    pub(super) fn new(body: B, patience: Duration, incomplete: Incomplete) -> Self {
        Self {
            body,
            patience,
            idle: None,
            incomplete,
        }
    }
}

impl<B> Body for Request<B>
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
            patience,
            idle,
            incomplete,
        } = &mut *self;
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            *idle = None;
            let broken = |error| {
                incomplete.note();
                Error::InternalError(Some(format!("the body is incomplete: {error}")))
            };
            return Poll::Ready(frame.map(|frame| frame.map_err(broken)));
        }
        let idle = idle.get_or_insert_with(|| Box::pin(sleep(*patience)));
        idle.as_mut().poll(context).map(|()| {
            incomplete.note();
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

/// An answer's body that is still being made. Dropping it, as happens when the client goes away, ends the guest at once.
pub(super) struct Answer {
    /// What was read before the answer was passed on, and is still to be sent.
    pub read: Bytes,
    pub rest: WasiBody,
    pub guest: AbortOnDropJoinHandle<Result<(), PluginError>>,
    pub taken: Arc<Taken>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.read.is_empty() {
            self.taken.asked(false);
            let read = std::mem::take(&mut self.read);
            return Poll::Ready(Some(Ok(Frame::data(read))));
        }
        let frame = Pin::new(&mut self.rest).poll_frame(context);
        self.taken.asked(frame.is_pending());
        match frame {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(frame)) => Poll::Ready(Some(frame.map_err(io::Error::other))),
            // The body also ends here if the guest broke down with it: then its client must not take it for the whole.
            Poll::Ready(None) => match Pin::new(&mut self.guest).poll(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(())) => Poll::Ready(None),
                Poll::Ready(Err(error)) => Poll::Ready(Some(Err(io::Error::other(error)))),
            },
        }
    }
}

/// Whether the client takes what the guest makes.
#[derive(Debug, Default)]
pub(super) struct Taken(AtomicU64);

impl Taken {
    /// The client has come for more. The lowest bit says that it waits for the guest.
    fn asked(&self, waits: bool) {
        let times = self.0.load(Ordering::Relaxed) >> 1;
        let now = (times.wrapping_add(1) << 1) | u64::from(waits);
        self.0.store(now, Ordering::Relaxed);
    }

    /// Returns when the client has not come for more for so long, though there was some.
    pub(super) async fn stalled(&self, patience: Duration) {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            sleep(patience).await;
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

    /// A body that never comes.
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
    async fn a_body_that_does_not_come_ends_with_an_error() {
        let incomplete = Incomplete::default();
        let mut body = Request::new(Never, SOON, incomplete.clone());
        match body.frame().await {
            Some(Err(Error::ConnectionReadTimeout)) => {}
            other => panic!("{other:?}"),
        }
        assert!(incomplete.is_so());
        let incomplete = Incomplete::default();
        let mut body = Request::new(Empty::new(), LATE, incomplete.clone());
        assert!(body.frame().await.is_none());
        assert!(!incomplete.is_so());
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_noticed() {
        let taken = Taken::default();
        taken.asked(true);
        taken.asked(false);
        taken.stalled(SOON).await;
    }

    #[tokio::test]
    async fn a_client_that_waits_for_the_guest_is_not_to_blame() {
        let taken = Taken::default();
        taken.asked(true);
        let stalled = taken.stalled(SOON);
        assert!(tokio::time::timeout(SOON * 10, stalled).await.is_err());
    }
}
