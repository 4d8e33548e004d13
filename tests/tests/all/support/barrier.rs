//! A place where a function or an extension waits for the test, without either of them sleeping.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::eventually;

/// An address that programs under test connect to when they have come to a certain point. They go on when their
/// connection is closed at this end.
pub struct Barrier(TcpListener);

impl Barrier {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        // A program that never comes fails its test, not the whole run.
        listener.set_nonblocking(true).expect("a listener's mode");
        Self(listener)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("its address")
    }

    /// Waits until a program has come. It goes on when what this returns is dropped.
    #[track_caller]
    pub fn arrival(&self) -> TcpStream {
        let mut arrived = None;
        eventually("a program at the barrier", || {
            arrived = self.0.accept().ok();
            arrived.is_some()
        });
        arrived.expect("it has come").0
    }

    /// A program that has come within a moment, if any has.
    pub fn arrived(&self) -> Option<TcpStream> {
        let arrived = self.0.accept().ok();
        if arrived.is_none() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        Some(arrived?.0)
    }
}
