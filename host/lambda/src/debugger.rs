//! The ports at which debuggers attach to the environments of a function.
//!
//! The first environment of a function has the configured port, further ones that exist at the same time the next free
//! ports. The host itself listens there and passes each connection on to the port at which the debugger of the
//! environment's runtime listens. So a port stays the same when an environment is replaced, and the host knows while
//! somebody is attached: then the function's [`Clock`] stands.
//!
//! An environment that is being replaced keeps the connections that there are and gives its port to the next one.
//!
//! On failure: if the configured port is taken, the host does not start. A connection that comes before the runtime
//! listens waits for it; one to an environment that has ended is closed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Hold};
use crate::limits::{DEBUG_CONNECT_PAUSE, DEBUG_PORTS};

/// In the arguments and variables of a function that is debugged, this text stands for the port at which the debugger of
/// its runtime has to listen, on `127.0.0.1`. The variable `LAMBKIN_DEBUG_PORT` has the port, too.
pub const DEBUG_PORT: &str = "{debug-port}";

/// How a function is debugged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebugSettings {
    /// The port at which a debugger attaches to the first environment.
    pub port: u16,
    /// Whether the function waits for a debugger before its code runs.
    pub wait: bool,
}

/// The listeners of a function, of which each environment uses one.
#[derive(Debug, Default)]
pub(crate) struct DebugPorts(Mutex<Vec<Port>>);

#[derive(Debug)]
struct Port {
    listener: Arc<TcpListener>,
    /// Whether the environment that uses it accepts connections; `None` if none uses it.
    accepting: Option<CancellationToken>,
}

/// A listener that an environment uses, until this is dropped.
#[derive(Debug)]
pub(crate) struct PortInUse {
    ports: Arc<DebugPorts>,
    index: usize,
    listener: Arc<TcpListener>,
    /// Cancelled when the port belongs to another environment.
    accepting: CancellationToken,
}

impl DebugPorts {
    /// Listens at the port of the first environment.
    ///
    /// # Errors
    ///
    /// The port is taken.
    pub(crate) fn open(&self, port: u16) -> io::Result<SocketAddr> {
        let mut ports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = ports.first() {
            return first.listener.local_addr();
        }
        let listener = listen(port)?;
        let address = listener.local_addr()?;
        ports.push(Port {
            listener: Arc::new(listener),
            accepting: None,
        });
        Ok(address)
    }

    /// The first port that no environment uses.
    ///
    /// # Errors
    ///
    /// A further port is needed, and none of the [`DEBUG_PORTS`] after the last one is free.
    pub(crate) fn take(self: &Arc<Self>, first: u16) -> io::Result<PortInUse> {
        let mut ports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = match ports.iter().position(|port| port.accepting.is_none()) {
            Some(index) => index,
            None => {
                let last = match ports.last() {
                    Some(last) => last.listener.local_addr()?.port(),
                    None => first.saturating_sub(1),
                };
                let listener = listen_after(last)?;
                ports.push(Port {
                    listener: Arc::new(listener),
                    accepting: None,
                });
                ports.len() - 1
            }
        };
        let Some(port) = ports.get_mut(index) else {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        };
        let accepting = CancellationToken::new();
        port.accepting = Some(accepting.clone());
        Ok(PortInUse {
            ports: Arc::clone(self),
            index,
            listener: Arc::clone(&port.listener),
            accepting,
        })
    }

    /// Takes the ports from all environments, which are being replaced. They keep the connections that there are.
    pub(crate) fn take_back(&self) {
        let mut ports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for port in ports.iter_mut() {
            if let Some(accepting) = port.accepting.take() {
                accepting.cancel();
            }
        }
    }
}

impl Drop for PortInUse {
    fn drop(&mut self) {
        let mut ports = self.ports.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.accepting.is_cancelled()
            && let Some(port) = ports.get_mut(self.index)
        {
            port.accepting = None;
        }
    }
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Listens at the first free port after this one.
fn listen_after(port: u16) -> io::Result<TcpListener> {
    let mut next = (1..=DEBUG_PORTS).filter_map(|more| port.checked_add(more));
    let free = next.find_map(|port| listen(port).ok());
    free.ok_or_else(|| {
        let what = format!("none of the {DEBUG_PORTS} ports after {port} is free for a debugger");
        io::Error::new(io::ErrorKind::AddrInUse, what)
    })
}

/// The debugger's way to one environment. It is closed when this is dropped.
#[derive(Debug)]
pub(crate) struct Debugger {
    /// Where a debugger attaches.
    pub(crate) address: SocketAddr,
    /// The port at which the debugger of the runtime has to listen.
    pub(crate) runtime_port: u16,
    forwarding: AbortHandle,
    _port: PortInUse,
}

impl Debugger {
    /// Opens the way. If `waits`, the clock stands until somebody has attached.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub(crate) fn start(port: PortInUse, clock: &Arc<Clock>, waits: bool) -> io::Result<Self> {
        let address = port.listener.local_addr()?;
        let until_attached = waits.then(|| clock.hold());
        let runtime_port = listen(0)?.local_addr()?.port();
        let forwarding = tokio::spawn(forward(
            Arc::clone(&port.listener),
            port.accepting.clone(),
            runtime_port,
            Arc::clone(clock),
            until_attached,
        ));
        Ok(Self {
            address,
            runtime_port,
            forwarding: forwarding.abort_handle(),
            _port: port,
        })
    }

    /// Puts the runtime's port where a text names it.
    pub(crate) fn fill_in(&self, text: &str) -> String {
        text.replace(DEBUG_PORT, &self.runtime_port.to_string())
    }
}

impl Drop for Debugger {
    fn drop(&mut self) {
        self.forwarding.abort();
    }
}

/// Passes on every connection, until it is aborted, or no further ones are accepted and those that there are have ended.
async fn forward(
    listener: Arc<TcpListener>,
    accepting: CancellationToken,
    runtime_port: u16,
    clock: Arc<Clock>,
    until_attached: Option<Hold>,
) {
    let until_attached = Arc::new(Mutex::new(until_attached));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = accepting.cancelled(), if !connections.is_empty() => {
                connections.join_next().await;
            }
            () = accepting.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    let (clock, until_attached) = (Arc::clone(&clock), Arc::clone(&until_attached));
                    connections.spawn(pass_on(client, runtime_port, clock, until_attached));
                }
                // No more files can be opened: the next attempt may succeed.
                Err(_) => tokio::time::sleep(DEBUG_CONNECT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn pass_on(
    mut client: TcpStream,
    runtime_port: u16,
    clock: Arc<Clock>,
    until_attached: Arc<Mutex<Option<Hold>>>,
) {
    let mut runtime = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, runtime_port)).await {
            Ok(runtime) => break runtime,
            // The runtime does not listen yet.
            Err(_) => tokio::time::sleep(DEBUG_CONNECT_PAUSE).await,
        }
    };
    let attached = clock.hold();
    until_attached
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let (mut from_client, mut to_client) = client.split();
    let (mut from_runtime, mut to_runtime) = runtime.split();
    // Either side may close the connection in any way, and nobody is attached any more.
    tokio::select! {
        _ = copy(&mut from_client, &mut to_runtime) => {}
        _ = copy(&mut from_runtime, &mut to_client) => {}
    }
    drop(attached);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn until(mut holds: impl FnMut() -> bool) {
        let waiting = async {
            while !holds() {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        waited.expect("it is so within a minute");
    }

    #[tokio::test]
    async fn environments_have_ports_of_their_own_and_the_first_free_one_is_used_again() {
        let ports = Arc::new(DebugPorts::default());
        let first = ports.open(0).unwrap();
        let one = ports.take(first.port()).unwrap();
        assert_eq!(one.listener.local_addr().unwrap(), first);
        let other = ports.take(first.port()).unwrap();
        let second = other.listener.local_addr().unwrap();
        assert!(second.port() > first.port(), "{second}");
        drop(one);
        let one = ports.take(first.port()).unwrap();
        assert_eq!(one.listener.local_addr().unwrap(), first);
        let error = DebugPorts::default().open(first.port()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn the_clock_stands_while_somebody_is_attached_and_before_if_the_function_waits() {
        let ports = Arc::new(DebugPorts::default());
        let address = ports.open(0).unwrap();
        let clock = Arc::new(Clock::default());
        let port = ports.take(address.port()).unwrap();
        let debugger = Debugger::start(port, &clock, true).unwrap();
        assert!(clock.stands(), "nobody has attached");
        // The connection comes before the runtime listens.
        let mut client = TcpStream::connect(debugger.address).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        let inner = listen(debugger.runtime_port).unwrap();
        let (mut runtime, _) = inner.accept().await.unwrap();
        let mut bytes = [0; 5];
        runtime.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"hello");
        assert!(clock.stands());
        drop(client);
        until(|| !clock.stands()).await;
        let text = debugger.fill_in("--inspect=127.0.0.1:{debug-port}");
        assert_eq!(
            text,
            format!("--inspect=127.0.0.1:{}", debugger.runtime_port)
        );
        // An environment that is being replaced keeps its connections.
        let client = TcpStream::connect(debugger.address).await.unwrap();
        let (_runtime, _) = inner.accept().await.unwrap();
        until(|| clock.stands()).await;
        ports.take_back();
        let next = ports.take(address.port()).unwrap();
        assert_eq!(next.index, 0, "the port is free for the next environment");
        let next = Debugger::start(next, &Arc::default(), false).unwrap();
        let other = TcpStream::connect(next.address).await.unwrap();
        let of_next = listen(next.runtime_port).unwrap();
        of_next.accept().await.unwrap();
        assert!(clock.stands(), "the first client is still attached");
        drop((client, other));
        until(|| !clock.stands()).await;
        ports.take_back();
        until(|| debugger.forwarding.is_finished() && next.forwarding.is_finished()).await;
    }
}
