//! Which processes may use the server of a sandbox: the sandbox's own.
//!
//! The server's address is in the variables of the sandbox's processes, but every process of the machine can connect to
//! it, for example one of another function that tries all ports. The process at the other end of a connection is
//! therefore looked up at its first request. It has to be a descendant of one of the sandbox's supervisors.
//!
//! On failure: a process that is not gets 403 for everything, and one warning is logged. Some processes cannot be
//! determined:
//!
//! - One that has sent its request and closed its connection or ended, as `printf … > /dev/tcp/…` in a shell does. It
//!   may post, which requires the id of an invocation, but it gets no event.
//! - One that could be a process of the function whose open files the host may not see, such as one that hides them
//!   itself. It is accepted. The first process of a sandbox also hides them, but is the host's own and does not count.
//! - All of them, where the system has no socket diagnostics, such as macOS. They are accepted.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use lambkin_process::{Holder, Socket};

/// The processes that may use a sandbox's server.
#[derive(Debug)]
pub(crate) struct Peers {
    /// The name of the function.
    function: String,
    server: SocketAddr,
    supervisors: Mutex<Vec<i32>>,
    has_warned: AtomicBool,
    /// Whether everyone is accepted, because the server has an address that the operator has chosen.
    accepts_all: bool,
}

/// A process at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A process of the sandbox, or one that is treated like it.
    Own,
    /// A process that no longer has the connection.
    Gone,
    /// A process outside of the sandbox.
    Stranger,
}

impl Peers {
    pub(crate) fn new(function: &str, server: SocketAddr, accepts_all: bool) -> Self {
        Self {
            function: function.to_owned(),
            server,
            supervisors: Mutex::default(),
            has_warned: AtomicBool::new(false),
            accepts_all,
        }
    }

    /// Starts a process and adds its supervisor. No connection is judged in between, so that a process can connect as
    /// soon as it runs.
    pub(crate) fn add<T, E>(
        &self,
        start: impl FnOnce() -> Result<T, E>,
        supervisor: impl FnOnce(&T) -> Option<i32>,
    ) -> Result<T, E> {
        let mut supervisors = self
            .supervisors
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let started = start()?;
        supervisors.extend(supervisor(&started));
        Ok(started)
    }

    /// The supervisors of the sandbox's processes.
    pub(crate) fn supervisors(&self) -> Vec<i32> {
        self.supervisors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn judge(&self, client: SocketAddr) -> Peer {
        if self.accepts_all {
            return Peer::Own;
        }
        for attempt in 0..2 {
            let socket = match Socket::connected(client, self.server) {
                Ok(Some(socket)) => socket,
                Ok(None) => return Peer::Gone,
                Err(error) => {
                    tracing::debug!("cannot tell which process has connected: {error}");
                    return Peer::Own;
                }
            };
            match socket.holder_below(&self.supervisors()) {
                Holder::Process(_) | Holder::Unclear => return Peer::Own,
                // A process that ended just now may have left its connection to its parent or to a child.
                Holder::Nobody if attempt == 0 => {}
                Holder::Nobody => self.warn(socket),
            }
        }
        Peer::Stranger
    }

    fn warn(&self, socket: Socket) {
        if self.has_warned.swap(true, Ordering::Relaxed) {
            return;
        }
        let process = socket.holder_anywhere().map_or_else(
            || "a process of another user".to_owned(),
            |pid| {
                let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                format!("process {pid} ({})", name.trim_end())
            },
        );
        tracing::warn!(
            "function {}: refused {process} at the Runtime API, because it is not one of the function's processes: \
             only what its bootstrap and extensions start may connect",
            self.function
        );
    }
}

/// One connection to a sandbox's server.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    peers: Arc<Peers>,
    client: SocketAddr,
    peer: Arc<OnceLock<Peer>>,
}

impl Connection {
    pub(crate) fn new(peers: Arc<Peers>, client: SocketAddr) -> Self {
        Self {
            peers,
            client,
            peer: Arc::default(),
        }
    }

    /// The process at the other end, which is looked up once.
    pub(crate) fn peer(&self) -> Peer {
        *self.peer.get_or_init(|| self.peers.judge(self.client))
    }
}
