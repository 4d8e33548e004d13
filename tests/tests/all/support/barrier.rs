//! A synchronisation point at which a function or an extension waits for the test, without sleeping.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::eventually;

/// A listener that programs under test connect to when they reach a certain point. They continue when the test closes
/// their connection.
pub struct Barrier(TcpListener);

impl Barrier {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        // A program that never connects fails its test instead of blocking the whole run.
        listener.set_nonblocking(true).expect("a listener's mode");
        Self(listener)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("its address")
    }

    /// Waits for a program. It continues when the returned connection is dropped.
    #[track_caller]
    pub fn arrival(&self) -> TcpStream {
        let mut arrived = None;
        eventually("a program at the barrier", || {
            arrived = self.0.accept().ok();
            arrived.is_some()
        });
        arrived.expect("a connection").0
    }

    /// The connection of a program that has arrived, or `None` after a millisecond.
    pub fn arrived(&self) -> Option<TcpStream> {
        let arrived = self.0.accept().ok();
        if arrived.is_none() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        Some(arrived?.0)
    }
}
