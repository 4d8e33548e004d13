//! What a listener answers with: a body that is whole, or one that comes as it is made.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

/// What every listener answers with.
pub type Response = http::Response<Body>;

/// The body of a [`Response`].
#[derive(Debug)]
pub enum Body {
    /// All of it, sent with its length.
    Whole(Full<Bytes>),
    /// Sent in chunks as they come, until the sender is dropped. An error breaks the connection off, so that the client
    /// does not take what it has for the whole.
    Stream(mpsc::Receiver<io::Result<Bytes>>),
    /// A body made elsewhere, which says itself whether its length is known. It is dropped as soon as the client goes away;
    /// an error breaks the connection off.
    Made(UnsyncBoxBody<Bytes, io::Error>),
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Whole(Full::new(bytes.into()))
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
            Self::Whole(body) => Pin::new(body)
                .poll_frame(context)
                .map_err(|never: Infallible| match never {}),
            Self::Stream(chunks) => chunks
                .poll_recv(context)
                .map(|chunk| chunk.map(|chunk| chunk.map(Frame::data))),
            Self::Made(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Stream(_) => false,
            Self::Made(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Stream(_) => SizeHint::default(),
            Self::Made(body) => body.size_hint(),
        }
    }
}
