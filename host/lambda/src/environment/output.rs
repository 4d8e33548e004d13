//! Reads the outputs of a process.

use std::future;
use std::io;

use tokio::net::unix::pipe;

/// The standard output or standard error of a process.
#[derive(Debug)]
pub(super) struct Output {
    /// `None` once the process has closed it: a closed pipe is always readable, so the task would never wait.
    pipe: Option<pipe::Receiver>,
}

impl Output {
    pub(super) fn new(pipe: pipe::Receiver) -> Self {
        Self { pipe: Some(pipe) }
    }

    /// Waits until there is something to read; never returns once the output has been closed.
    pub(super) async fn readable(&self) {
        let Some(pipe) = &self.pipe else {
            return future::pending().await;
        };
        // Polled instead of awaited: a busy environment waits thousands of times a second, and a future of `readable`
        // would register a waiter under a lock each time. The read reports the error, if there is one.
        let _ = future::poll_fn(|context| pipe.poll_read_ready(context)).await;
    }

    /// Reads everything that tokio knows to be readable.
    pub(super) fn read(&mut self, take: impl FnMut(&[u8])) {
        self.read_with(take, |pipe, buffer| pipe.try_read(buffer));
    }

    /// Reads everything that is in the pipe. Tokio may learn that the pipe is readable later than it receives a request
    /// that the process sent after it wrote.
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
