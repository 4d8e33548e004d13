//! The body of a request, and reading the whole of it, up to a size limit.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::leftover;
use crate::peer::Peer;

/// The body of a request. A client that does not send it in time is given up: the body ends with
/// [`BodyError::TimedOut`]. What is left of it when it is dropped is discarded within limits, and the connection is
/// closed after the response.
#[derive(Debug)]
pub struct RequestBody {
    /// `None` after the end of the body.
    rest: Option<Incoming>,
    peer: Arc<Peer>,
    /// Whether the last poll found nothing.
    waits: bool,
}

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The body is longer than allowed.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The maximum length in bytes.
        limit: usize,
        /// The request's `Content-Length`; `None` if the body is chunked.
        declared: Option<u64>,
    },
    /// The connection ended, or the chunked encoding was invalid, before the body was complete.
    #[error("the body is incomplete: {0}")]
    Incomplete(String),
    /// The client has paused for this time, and was given up.
    #[error("the body is incomplete: the client sent nothing for {} s", .0.as_secs_f32().round())]
    TimedOut(Duration),
}

impl BodyError {
    /// The status of a response to the request.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete(_) => StatusCode::BAD_REQUEST,
            Self::TimedOut(_) => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

impl RequestBody {
    pub(crate) fn new(body: Incoming, peer: Arc<Peer>) -> Self {
        Self {
            rest: (!body.is_end_stream()).then_some(body),
            peer,
            waits: false,
        }
    }

    fn end(&mut self) {
        self.rest = None;
        self.peer.body_ends();
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some(rest) = &mut this.rest else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = Pin::new(&mut *rest).poll_frame(context) else {
            this.waits = true;
            return match this.peer.body_waits(context.waker()) {
                Some(pause) => Poll::Ready(Some(Err(BodyError::TimedOut(pause)))),
                None => Poll::Pending,
            };
        };
        let is_end = rest.is_end_stream();
        match frame {
            Some(Ok(frame)) => {
                if is_end {
                    this.end();
                } else if std::mem::take(&mut this.waits) {
                    this.peer
                        .body_arrives(frame.data_ref().map_or(0, Bytes::len));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                this.end();
                let reason = match std::error::Error::source(&error) {
                    Some(source) => format!("{error}: {source}"),
                    None => error.to_string(),
                };
                Poll::Ready(Some(Err(BodyError::Incomplete(reason))))
            }
            None => {
                this.end();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            Some(rest) => rest.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take()
            && let Some(rest) = self.peer.body_is_left(rest)
        {
            leftover::discard_later(rest, &self.peer);
        }
    }
}

/// Reads a body of at most `limit` bytes. If its declared length is more, nothing is read.
pub async fn read_body(mut body: RequestBody, limit: usize) -> Result<Bytes, BodyError> {
    let declared = body.size_hint().exact();
    let too_large = BodyError::TooLarge { limit, declared };
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large);
    }
    match Limited::new(&mut body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large),
        Err(error) => Err(match error.downcast() {
            Ok(error) => *error,
            Err(other) => BodyError::Incomplete(other.to_string()),
        }),
    }
}
