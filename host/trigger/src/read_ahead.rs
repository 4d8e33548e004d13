//! Requests to a service take one of its places when they are there.
//!
//! A service runs a limited number of requests at a time. A client that sends half a request must not take such a
//! place from one that sends a whole one. So a request's body is read ahead before the plugin starts. One that ends
//! within [`READ_AHEAD_BYTES`] is complete and may take any place. A longer or slower one needs one of
//! [`INCOMPLETE_REQUESTS`] permits, which it keeps until its body has ended. Requests that wait for one make the
//! listener give up the slow bodies among those that have one.
//!
//! On failure: a request without a permit is refused after [`INCOMPLETE_WAIT`].

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::EXPECT;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use lambkin_http::{BodyError, RequestBody, Shortage};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::limits::{
    INCOMPLETE_REQUESTS, INCOMPLETE_WAIT, READ_AHEAD_BYTES, READ_AHEAD_TOTAL_BYTES, READ_AHEAD_WAIT,
};

/// The requests of one listener that are not complete.
#[derive(Debug, Clone)]
pub(crate) struct ReadAhead {
    permits: Arc<Semaphore>,
    shortage: Shortage,
    /// The bytes that all requests have read ahead.
    bytes: Arc<AtomicUsize>,
}

/// No permit became free in time.
#[derive(Debug)]
pub(crate) struct TooManyIncomplete;

impl ReadAhead {
    pub(crate) fn new(shortage: Shortage) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(INCOMPLETE_REQUESTS)),
            shortage,
            bytes: Arc::default(),
        }
    }

    /// Reads ahead and returns the request when it may take a place.
    pub(crate) async fn admit(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Request<AdmittedBody>, TooManyIncomplete> {
        let (head, rest) = request.into_parts();
        let mut body = AdmittedBody {
            read: VecDeque::new(),
            read_bytes: 0,
            length: rest.size_hint(),
            rest: Some(rest),
            bytes: Arc::clone(&self.bytes),
            _permit: None,
        };
        if !self.read_to_end(&head.headers, &mut body).await {
            body._permit = Some(self.permit().await?);
        }
        Ok(Request::from_parts(head, body))
    }

    /// Reads ahead. Returns whether the request is complete.
    async fn read_to_end(&self, headers: &HeaderMap, body: &mut AdmittedBody) -> bool {
        if body.is_end_stream() {
            return true;
        }
        // The plugin may answer instead of asking for the body.
        if headers.contains_key(EXPECT) {
            return false;
        }
        let mut patience = std::pin::pin!(sleep(READ_AHEAD_WAIT));
        loop {
            let is_full = body.read_bytes >= READ_AHEAD_BYTES
                || self.bytes.load(Ordering::Relaxed) >= READ_AHEAD_TOTAL_BYTES;
            if is_full {
                return false;
            }
            let Some(rest) = &mut body.rest else {
                return true;
            };
            let frame = tokio::select! {
                biased;
                frame = rest.frame() => frame,
                // The client may wait for the plugin before it sends more.
                () = patience.as_mut() => return false,
            };
            let Some(frame) = frame else {
                body.rest = None;
                return true;
            };
            let is_broken = frame.is_err();
            body.keep(frame);
            if is_broken {
                return true;
            }
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, TooManyIncomplete> {
        let permits = Arc::clone(&self.permits);
        if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _waits = self.shortage.wait_for_place();
        match timeout(INCOMPLETE_WAIT, permits.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(TooManyIncomplete),
        }
    }
}

/// The body of a request that may take a place: what was read ahead, then the rest.
#[derive(Debug)]
pub(crate) struct AdmittedBody {
    read: VecDeque<Result<Frame<Bytes>, BodyError>>,
    read_bytes: usize,
    /// Of the whole body.
    length: SizeHint,
    rest: Option<RequestBody>,
    bytes: Arc<AtomicUsize>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl AdmittedBody {
    fn keep(&mut self, frame: Result<Frame<Bytes>, BodyError>) {
        let bytes = length(&frame);
        self.read_bytes += bytes;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.read.push_back(frame);
    }

    fn release(&mut self, bytes: usize) {
        self.read_bytes -= bytes;
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

fn length(frame: &Result<Frame<Bytes>, BodyError>) -> usize {
    let data = frame.as_ref().ok().and_then(Frame::data_ref);
    data.map_or(0, Bytes::len)
}

impl Body for AdmittedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(frame) = self.read.pop_front() {
            let bytes = length(&frame);
            self.release(bytes);
            return Poll::Ready(Some(frame));
        }
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let frame = Pin::new(&mut *rest).poll_frame(context);
        if rest.is_end_stream() && frame.is_ready() {
            self.rest = None;
            self._permit = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.length
    }
}

impl Drop for AdmittedBody {
    fn drop(&mut self) {
        self.release(self.read_bytes);
    }
}
