//! The ports at which debuggers attach to the environments of a function.
//!
//! The first environment of a function has the configured port, further ones that exist at the same time the next free
//! ports. The host itself listens there and passes each connection on to the port at which the debugger of the
//! environment's runtime listens. So a port stays the same when an environment is replaced, and the host knows while
//! somebody is attached: then the function's [`Clock`] is paused. A debugger is attached from its first byte on, so that
//! a program that only tries which ports are open is none.
//!
//! Web pages are kept out: see [`HttpRules`]. Requests that do not lead to a debugger's session attach nobody.
//!
//! An environment that is being replaced keeps the connections that there are and gives its port to the next one.
//!
//! On failure: if the configured port is taken, the host does not start. A connection that comes before the runtime
//! listens waits for it as long as the client does; one to an environment that has ended is closed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Hold};
use crate::debugger_http::{HttpRules, Stage, Verdict};
use crate::limits::{DEBUG_CONNECT_PAUSE, DEBUG_FIRST_BYTES, DEBUG_HEAD_BYTES, DEBUG_PORTS};

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

    /// The first port that no environment uses. `first` is the port of the first environment, or 0 for a free one.
    ///
    /// # Errors
    ///
    /// A further port is needed, and neither it nor one of the [`DEBUG_PORTS`] that follow is free.
    pub(crate) fn take(self: &Arc<Self>, first: u16) -> io::Result<PortInUse> {
        let mut ports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = match ports.iter().position(|port| port.accepting.is_none()) {
            Some(index) => index,
            None => {
                let listener = match ports.last() {
                    Some(last) => listen_after(last.listener.local_addr()?.port())?,
                    None => listen(first).or_else(|_| listen_after(first))?,
                };
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

impl PortInUse {
    /// Where a debugger attaches.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
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
    /// Whether a debugger is attached, or was.
    was_attached: Arc<AtomicBool>,
    /// Held while the function waits for a debugger.
    until_initialized: Option<Hold>,
    _port: PortInUse,
}

impl Debugger {
    /// Opens the way. If `waits`, the clock is paused until [`initialized`](Self::initialized) is called: only the
    /// runtime knows when its debugger lets the function's code run. `rules` say what browsers may send.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub(crate) fn start(
        port: PortInUse,
        clock: &Arc<Clock>,
        waits: bool,
        rules: HttpRules,
    ) -> io::Result<Self> {
        let address = port.address()?;
        let until_initialized = waits.then(|| clock.hold());
        let runtime_port = listen(0)?.local_addr()?.port();
        let way = Way {
            runtime_port,
            clock: Arc::clone(clock),
            was_attached: Arc::default(),
            rules: Arc::new(rules),
        };
        let was_attached = Arc::clone(&way.was_attached);
        let forwarding = tokio::spawn(forward(
            Arc::clone(&port.listener),
            port.accepting.clone(),
            way,
        ));
        Ok(Self {
            address,
            runtime_port,
            forwarding: forwarding.abort_handle(),
            was_attached,
            until_initialized,
            _port: port,
        })
    }

    /// The function's code has been initialized: it no longer waits.
    pub(crate) fn initialized(&mut self) {
        self.until_initialized = None;
    }

    /// Whether the function waits for a debugger, and none has attached yet.
    pub(crate) fn is_awaited(&self) -> bool {
        self.until_initialized.is_some() && !self.was_attached.load(Ordering::Relaxed)
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

/// Where connections are passed on to.
#[derive(Debug, Clone)]
struct Way {
    runtime_port: u16,
    clock: Arc<Clock>,
    was_attached: Arc<AtomicBool>,
    rules: Arc<HttpRules>,
}

/// Passes on every connection, until it is aborted, or no further ones are accepted and those that there are have ended.
async fn forward(listener: Arc<TcpListener>, accepting: CancellationToken, way: Way) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = accepting.cancelled(), if !connections.is_empty() => {
                connections.join_next().await;
            }
            () = accepting.cancelled() => return,
            accepted = listener.accept() => match accepted {
                // How it ends does not matter: nobody is attached any more.
                Ok((client, _)) => drop(connections.spawn(pass_on(client, way.clone()))),
                // No more files can be opened: the next attempt may succeed.
                Err(_) => tokio::time::sleep(DEBUG_CONNECT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Passes a connection on. It reaches the runtime when the client has sent something, as most debuggers do at once, or
/// after a moment: what only tries whether the port is open has gone by then.
async fn pass_on(mut client: TcpStream, way: Way) -> io::Result<()> {
    let mut piece = Vec::with_capacity(16 * 1024);
    let first = client.read_buf(&mut piece);
    if let Ok(read) = tokio::time::timeout(DEBUG_FIRST_BYTES, first).await
        && read? == 0
    {
        return Ok(());
    }
    if let Verdict::Refuse(response) = way.rules.judge(Stage::Begun, &piece) {
        return client.write_all(response.as_bytes()).await;
    }
    let connecting = connect(way.runtime_port);
    tokio::pin!(connecting);
    let mut runtime = loop {
        tokio::select! {
            runtime = &mut connecting => break runtime,
            // The client may leave before the runtime listens.
            read = client.read_buf(&mut piece), if piece.len() <= DEBUG_HEAD_BYTES => if read? == 0 {
                return Ok(());
            }
        }
    };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_runtime, mut to_runtime) = runtime.split();
    let to_runtime = async {
        let mut stage = Stage::Begun;
        let mut attached = None;
        loop {
            while !piece.is_empty() {
                let len = match way.rules.judge(stage, &piece) {
                    Verdict::Incomplete => break,
                    Verdict::Pass(len, next) => {
                        stage = next;
                        len
                    }
                    Verdict::Refuse(response) => return io::Result::Ok(Some(response)),
                };
                if stage == Stage::Attached {
                    attached.get_or_insert_with(|| way.clock.hold());
                    way.was_attached.store(true, Ordering::Relaxed);
                }
                to_runtime
                    .write_all(piece.get(..len).unwrap_or_default())
                    .await?;
                piece.drain(..len);
            }
            if from_client.read_buf(&mut piece).await? == 0 {
                return Ok(None);
            }
        }
    };
    // Either side may close the connection in any way, and nobody is attached any more.
    let refused = tokio::select! {
        ended = to_runtime => ended?,
        ended = copy(&mut from_runtime, &mut to_client) => return ended.map(drop),
    };
    match refused {
        Some(response) => client.write_all(response.as_bytes()).await,
        None => Ok(()),
    }
}

/// Connects to the runtime's debugger as soon as it listens.
async fn connect(port: u16) -> TcpStream {
    loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            Ok(runtime) => return runtime,
            Err(_) => tokio::time::sleep(DEBUG_CONNECT_PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use lambkin_http::{Allowlist, CrossOrigin, ForeignPages};

    use super::*;

    fn rules() -> HttpRules {
        HttpRules {
            pages: Some(CrossOrigin::new(
                Allowlist::default(),
                ForeignPages::Refused,
            )),
            listener: "the debugger".to_owned(),
        }
    }

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
    async fn a_port_that_was_not_opened_before_is_the_configured_one_or_a_free_one() {
        let any = Arc::new(DebugPorts::default()).take(0).unwrap();
        let port = any.listener.local_addr().unwrap().port();
        assert!(port >= 1024, "any free port, not the first one: {port}");
        // The configured one is taken.
        let next = Arc::new(DebugPorts::default()).take(port).unwrap();
        let next = next.listener.local_addr().unwrap().port();
        assert!(next > port && next <= port + DEBUG_PORTS, "{next}");
    }

    #[tokio::test]
    async fn the_clock_is_paused_while_somebody_is_attached_and_before_if_the_function_waits() {
        let ports = Arc::new(DebugPorts::default());
        let address = ports.open(0).unwrap();
        let clock = Arc::new(Clock::default());
        let port = ports.take(address.port()).unwrap();
        let mut debugger = Debugger::start(port, &clock, true, rules()).unwrap();
        assert!(clock.is_paused(), "nobody has attached");
        // The connection comes before the runtime listens.
        let mut client = TcpStream::connect(debugger.address).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        let inner = listen(debugger.runtime_port).unwrap();
        let (mut runtime, _) = inner.accept().await.unwrap();
        let mut bytes = [0; 5];
        runtime.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"hello");
        until(|| !debugger.is_awaited()).await;
        drop(client);
        assert_eq!(runtime.read(&mut bytes).await.unwrap(), 0);
        assert!(clock.is_paused(), "the code has not run yet");
        debugger.initialized();
        until(|| !clock.is_paused()).await;
        let text = debugger.fill_in("--inspect=127.0.0.1:{debug-port}");
        assert_eq!(
            text,
            format!("--inspect=127.0.0.1:{}", debugger.runtime_port)
        );
        // An environment that is being replaced keeps its connections.
        let mut client = TcpStream::connect(debugger.address).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        let (_runtime, _) = inner.accept().await.unwrap();
        until(|| clock.is_paused()).await;
        ports.take_back();
        let next = ports.take(address.port()).unwrap();
        assert_eq!(next.index, 0, "the port is free for the next environment");
        let next = Debugger::start(next, &Arc::default(), false, rules()).unwrap();
        let other = TcpStream::connect(next.address).await.unwrap();
        let of_next = listen(next.runtime_port).unwrap();
        of_next.accept().await.unwrap();
        assert!(clock.is_paused(), "the first client is still attached");
        drop((client, other));
        until(|| !clock.is_paused()).await;
        ports.take_back();
        until(|| debugger.forwarding.is_finished() && next.forwarding.is_finished()).await;
    }

    #[tokio::test]
    async fn what_only_tries_the_port_is_no_debugger() {
        let ports = Arc::new(DebugPorts::default());
        let address = ports.open(0).unwrap();
        let clock = Arc::new(Clock::default());
        let port = ports.take(address.port()).unwrap();
        let debugger = Debugger::start(port, &clock, true, rules()).unwrap();
        let inner = listen(debugger.runtime_port).unwrap();
        drop(TcpStream::connect(address).await.unwrap());
        // A client that waits for the runtime to begin reaches it, and counts when it has answered.
        let mut silent = TcpStream::connect(address).await.unwrap();
        let (mut runtime, _) = inner.accept().await.unwrap();
        runtime.write_all(b"> ").await.unwrap();
        let mut bytes = [0; 2];
        silent.read_exact(&mut bytes).await.unwrap();
        assert!(debugger.is_awaited());
        silent.write_all(b"go").await.unwrap();
        until(|| !debugger.is_awaited()).await;
        runtime.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"go");
    }

    #[tokio::test]
    async fn a_connection_ends_with_its_client_even_if_the_runtime_never_listens() {
        let ports = Arc::new(DebugPorts::default());
        let address = ports.open(0).unwrap();
        let way = Way {
            runtime_port: listen(0).unwrap().local_addr().unwrap().port(),
            clock: Arc::default(),
            was_attached: Arc::default(),
            rules: Arc::new(rules()),
        };
        let port = ports.take(address.port()).unwrap();
        for sent in ["hello", ""] {
            let mut client = TcpStream::connect(address).await.unwrap();
            let (accepted, _) = port.listener.accept().await.unwrap();
            let passing = tokio::spawn(pass_on(accepted, way.clone()));
            client.write_all(sent.as_bytes()).await.unwrap();
            drop(client);
            until(|| passing.is_finished()).await;
        }
        assert!(!way.was_attached.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn a_foreign_page_gets_an_answer_and_is_no_debugger() {
        let ports = Arc::new(DebugPorts::default());
        let address = ports.open(0).unwrap();
        let clock = Arc::new(Clock::default());
        let port = ports.take(address.port()).unwrap();
        let debugger = Debugger::start(port, &clock, true, rules()).unwrap();
        let request =
            b"GET /json HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n";
        // The runtime does not listen yet.
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(request).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        // The page's request follows one that is harmless.
        let inner = listen(debugger.runtime_port).unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let harmless = b"GET /json HTTP/1.1\r\nHost: localhost\r\n\r\n";
        client
            .write_all(&[harmless.as_slice(), request].concat())
            .await
            .unwrap();
        let (mut runtime, _) = inner.accept().await.unwrap();
        let mut received = Vec::new();
        runtime.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, harmless);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(debugger.is_awaited());
    }
}
