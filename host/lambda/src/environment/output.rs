//! Reading what a process prints.

use std::future;
use std::io;

use tokio::net::unix::pipe;

/// One of a process's outputs.
#[derive(Debug)]
pub(super) struct Output {
    /// None once it has been closed: an end that is read again and again would keep this task from ever waiting.
    pipe: Option<pipe::Receiver>,
}

impl Output {
    pub(super) fn new(pipe: pipe::Receiver) -> Self {
        Self { pipe: Some(pipe) }
    }

    /// Returns when there is something to read; never, once the output has been closed.
    pub(super) async fn readable(&self) {
        let Some(pipe) = &self.pipe else {
            return future::pending().await;
        };
        // Polled, not awaited: a busy environment asks thousands of times a second, and this way of asking leaves
        // no waiter behind that would have to be taken back under a lock. An error is for the reading to find.
        let _error = future::poll_fn(|context| pipe.poll_read_ready(context)).await;
    }

    /// Reads what has been announced.
    pub(super) fn pass_on(&mut self, take: impl FnMut(&[u8])) {
        self.read_with(take, |pipe, buffer| pipe.try_read(buffer));
    }

    /// Reads what is there, announced or not: the announcement may come later than a request sent after the output.
    pub(super) fn drain(&mut self, take: impl FnMut(&[u8])) {
        self.read_with(take, |pipe, buffer| Ok(rustix::io::read(pipe, buffer)?));
    }

    fn read_with(
        &mut self,
        mut take: impl FnMut(&[u8]),
        read: impl Fn(&pipe::Receiver, &mut [u8]) -> io::Result<usize>,
    ) {
        let mut buffer = [0; 8 * 1024];
        while let Some(pipe) = &self.pipe {
            match read(pipe, &mut buffer) {
                Ok(length @ 1..) => take(buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => self.pipe = None,
            }
        }
    }
}
