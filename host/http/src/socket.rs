//! The socket of a connection, which notes what the connection waits for.
//!
//! It also writes `100 Continue` where hyper does not: before the response to a request that expects it and whose body
//! is empty. botocore before 1.36 takes a response without it for the response to its next request, too, and hangs.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::boundaries::Boundaries;
use crate::peer::Peer;
use crate::stream::Stream;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The socket of one connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    /// What has been read of the stream and not been passed on.
    first: Vec<u8>,
    peer: Arc<Peer>,
    write_waits: bool,
    /// What is left to be written of `100 Continue`.
    interim: &'static [u8],
    /// Of requests over HTTP/1.
    boundaries: Option<Boundaries>,
}

impl Socket {
    /// A socket of which `first` has been read already. `boundaries` are those of HTTP/1.
    pub(crate) fn new(
        stream: Stream,
        first: Vec<u8>,
        peer: Arc<Peer>,
        boundaries: Option<Boundaries>,
    ) -> Self {
        Self {
            stream,
            first,
            peer,
            write_waits: false,
            interim: &[],
            boundaries,
        }
    }

    /// Passes on what was read before.
    fn read_first(&mut self, into: &mut ReadBuf<'_>) {
        let length = self.first.len().min(into.remaining());
        into.put_slice(self.first.get(..length).unwrap_or_default());
        self.first.drain(..length);
        if self.first.is_empty() {
            self.first = Vec::new();
        }
    }

    /// Writes `100 Continue` if it is owed, before anything else.
    fn poll_interim(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.peer.owes_continue.load(Ordering::Relaxed) {
            self.peer.owes_continue.store(false, Ordering::Relaxed);
            self.interim = CONTINUE;
        }
        while !self.interim.is_empty() {
            let written = Pin::new(&mut self.stream).poll_write(context, self.interim);
            let written = ready!(self.note(written))?;
            self.interim = self.interim.get(written..).unwrap_or_default();
        }
        Poll::Ready(Ok(()))
    }

    /// Notes whether the client reads.
    fn note<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            if !self.write_waits {
                self.write_waits = true;
                self.peer.write_waits();
            }
        } else if self.write_waits {
            self.write_waits = false;
            self.peer.write_moves();
        }
        written
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.peer.is_upgraded.load(Ordering::Relaxed) && self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        let before = into.filled().len();
        let read = if self.first.is_empty() {
            Pin::new(&mut self.stream).poll_read(context, into)
        } else {
            self.read_first(into);
            Poll::Ready(Ok(()))
        };
        let Self {
            boundaries, peer, ..
        } = &mut *self;
        let Some(boundaries) = boundaries else {
            return read;
        };
        if let Some(bytes) = into.filled_mut().get_mut(before..) {
            boundaries.feed(bytes, |head| peer.head_arrives(head));
        }
        if read.is_pending() && boundaries.is_in_head() && peer.is_between_requests() {
            peer.head_waits();
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.peer.flushed.store(false, Ordering::Relaxed);
        ready!(self.poll_interim(context))?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.peer.flushed.store(false, Ordering::Relaxed);
        ready!(self.poll_interim(context))?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_interim(context))?;
        self.peer.flushed.store(true, Ordering::Relaxed);
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        // TLS takes more than the client reads. Flushing the plain stream does nothing.
        if self.stream.is_tls() {
            return self.note(flushed);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
