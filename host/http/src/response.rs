//! Responses and their bodies: in one piece, or streamed.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::limits::PIECE_BYTES;
use crate::peer::Peer;

/// The response of every request handler.
pub type Response = http::Response<Body>;

/// The body of a [`Response`].
#[derive(Debug)]
pub enum Body {
    /// A body in one piece, sent with its length.
    Full(Full<Bytes>),
    /// A chunked body: each piece is sent when it arrives, until the sender is dropped. An error closes the connection
    /// before the last chunk, so that the client does not take a part for the whole.
    Channel(mpsc::Receiver<io::Result<Bytes>>),
    /// A body from elsewhere, which states its length if it is known. It is dropped when the client disconnects; an
    /// error closes the connection.
    Boxed(UnsyncBoxBody<Bytes, io::Error>),
}

impl Default for Body {
    fn default() -> Self {
        Self::Full(Full::default())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Full(Full::new(bytes.into()))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Full(body) => Pin::new(body)
                .poll_frame(context)
                .map_err(|never: Infallible| match never {}),
            Self::Channel(chunks) => chunks
                .poll_recv(context)
                .map(|chunk| chunk.map(|chunk| chunk.map(Frame::data))),
            Self::Boxed(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(body) => body.is_end_stream(),
            Self::Channel(_) => false,
            Self::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(body) => body.size_hint(),
            Self::Channel(_) => SizeHint::default(),
            Self::Boxed(body) => body.size_hint(),
        }
    }
}

/// The body of a response on its way to the connection, which notes when all of it has been passed on.
#[derive(Debug)]
pub(crate) struct Outgoing {
    body: Body,
    peer: Arc<Peer>,
    /// Over HTTP/2, what is left of a frame that is passed on in pieces.
    rest: Bytes,
}

impl Outgoing {
    pub(crate) fn new(body: Body, peer: Arc<Peer>) -> Self {
        Self {
            body,
            peer,
            rest: Bytes::new(),
        }
    }

    /// [`Body::poll_frame`] in pieces. HTTP/2 asks for another piece when the client has room for the one before.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.peer.write_moves();
        if self.rest.is_empty() {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(frame))) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(PIECE_BYTES);
        self.peer.write_waits();
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.peer.response_ends();
    }
}

impl hyper::body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.peer.is_stream() {
            return self.poll_piece(context);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    /// Of the whole body: it is asked for before the first frame only.
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
