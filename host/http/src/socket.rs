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
use tokio::net::TcpStream;

use crate::boundaries::Boundaries;
use crate::peer::Peer;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The socket of one connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    peer: Arc<Peer>,
    write_waits: bool,
    /// What is left to be written of `100 Continue`.
    interim: &'static [u8],
    boundaries: Boundaries,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, peer: Arc<Peer>, keeps_heads: bool) -> Self {
        Self {
            stream,
            peer,
            write_waits: false,
            interim: &[],
            boundaries: Boundaries::new(keeps_heads),
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
        if self.peer.is_upgraded.load(Ordering::Relaxed) {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        let Self {
            boundaries, peer, ..
        } = &mut *self;
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
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
