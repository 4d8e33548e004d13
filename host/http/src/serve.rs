//! The accept loop and the connections.
//!
//! Dropping the future of [`serve`] drops every connection that it accepted. Cancelling its [`CancellationToken`]
//! stops it gracefully: requests in progress finish first.
//!
//! Each listener may use a share of the process's file descriptors, so that clients of one listener cannot exhaust
//! those of the others, the store and the functions. A listener at its limit closes its idle connections, and accepts
//! new ones as connections end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cross_origin::{CrossOrigin, Refusal};
use crate::request_body::discard;
use crate::response::Response;

/// A connection is closed if the head of its next request does not arrive within this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// Connections that the kernel queues until they are accepted. A client whose connection does not fit tries again after
/// a second.
const BACKLOG: u32 = 1024;

/// One listener may use the process's limit of open files divided by this, …
const FILES_DIVISOR: u64 = 8;
/// … but at least and at most this many connections.
const CONNECTIONS: (usize, usize) = (64, 8192);

/// How long a listener stays at its connection limit before it closes idle connections: a connection that has just been
/// opened is about to send its request.
const FULL_GRACE: Duration = Duration::from_millis(500);

/// The pause after `accept` failed, most likely because the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a connection may wait for its next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleTimeout {
    /// 75 seconds, for clients outside of the host.
    Limited,
    /// No limit, for runtimes, which may wait minutes between two requests.
    Unlimited,
}

/// Binds a listening socket; port 0 chooses a free port.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A port whose last connections are still in TIME_WAIT can be bound again.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The maximum number of connections of one listener.
fn max_connections() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let (min, max) = CONNECTIONS;
    let share = usize::try_from(files / FILES_DIVISOR).unwrap_or(max);
    share.clamp(min, max)
}

/// Serves HTTP/1.1 on `listener` until `stop` is cancelled, then lets requests in progress finish.
///
/// `handler` gets each request that the `rules` accept, with the client's address. It runs in the connection's task and
/// is dropped when the client disconnects.
pub async fn serve<H, F>(
    listener: TcpListener,
    idle_timeout: IdleTimeout,
    rules: CrossOrigin,
    stop: CancellationToken,
    handler: H,
) where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let rules = Arc::new(ListenerRules::new(rules, &listener));
    let max = max_connections();
    let (full, is_full) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        let accepts = connections.len() < max;
        full.send_if_modified(|full| {
            let changes = *full == accepts;
            *full = !accepts;
            changes
        });
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept(), if accepts => match accepted {
                Ok((stream, client)) => {
                    let shutdown = shutdown(stop.clone(), is_full.clone());
                    let (rules, handler) = (Arc::clone(&rules), handler.clone());
                    connections.spawn(serve_connection(stream, client, idle_timeout, rules, shutdown, handler));
                }
                Err(error) => {
                    tracing::warn!("cannot accept a connection, trying again in a moment: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            // Removes connections as they end, so that the set does not grow.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Returns when a connection has to end after its current request: the server stops or has too many connections.
async fn shutdown(stop: CancellationToken, is_full: watch::Receiver<bool>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = stays_full(is_full) => {}
    }
}

/// Returns when the listener has been at its limit before and after [`FULL_GRACE`].
async fn stays_full(mut is_full: watch::Receiver<bool>) {
    // The sender lives as long as the listener has connections.
    while is_full.wait_for(|full| *full).await.is_ok() {
        tokio::time::sleep(FULL_GRACE).await;
        if *is_full.borrow() {
            return;
        }
    }
}

/// The rules of a listener and its address, which messages name.
#[derive(Debug)]
struct ListenerRules {
    cross_origin: CrossOrigin,
    address: String,
}

impl ListenerRules {
    fn new(cross_origin: CrossOrigin, listener: &TcpListener) -> Self {
        let address = listener.local_addr();
        Self {
            cross_origin,
            address: address.map_or_else(|_| String::new(), |address| address.to_string()),
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        self.cross_origin.refuse(refusal, &self.address)
    }
}

/// The response to a request, when its body has been read and discarded. A client that waits for "100 Continue" does
/// not send one.
async fn after_body(response: Response, mut body: Incoming, expects_continue: bool) -> Response {
    if !expects_continue {
        discard(&mut body).await;
    }
    response
}

async fn serve_connection<H, F>(
    stream: TcpStream,
    client: SocketAddr,
    idle_timeout: IdleTimeout,
    rules: Arc<ListenerRules>,
    shutdown: impl Future<Output = ()>,
    handler: H,
) where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // Responses are small and awaited, so they must not be held back to fill packets.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%client, "cannot disable Nagle's algorithm: {error}");
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        let expects_continue = request.headers().contains_key(EXPECT);
        let accepted = match rules.cross_origin.check(&mut request) {
            Ok(()) => Ok(handler(request, client)),
            Err(refusal) => Err((rules.refuse(&refusal), request.into_body())),
        };
        async move {
            let mut response = match accepted {
                Ok(response) => response.await,
                Err((response, body)) => {
                    Box::pin(after_body(response, body, expects_continue)).await
                }
            };
            if expects_continue && !response.status().is_success() {
                // The client does not send its body then, so hyper closes the connection. Without this header the
                // client would send its next request into a closing connection.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = http1::Builder::new();
    if idle_timeout == IdleTimeout::Limited {
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIMEOUT);
    }
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = shutdown => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%client, "connection ended: {error}");
    }
}
