//! The accept loop and the life of a connection.
//!
//! Dropping the future of [`serve`] drops every connection it accepted. Cancelling its [`CancellationToken`] lets
//! the requests under way finish first.
//!
//! A listener has a share of the files that the process may have open, so that whoever fills one leaves the others, the
//! store and the functions theirs. A full listener closes its idle connections, and accepts again as others end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
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

use crate::response::Response;

/// A client of the outside has this long to send the head of its next request, then its connection is closed.
const IDLE_LIMIT: Duration = Duration::from_secs(75);

/// Connections that may wait to be accepted. Of more that come at the same moment, the rest is a second late.
const BACKLOG: u32 = 1024;

/// A listener may have this part of the files that the process may have open, within these bounds.
const FILES_SHARE: u64 = 8;
/// See [`FILES_SHARE`].
const CONNECTIONS: (usize, usize) = (64, 8192);

/// How long a connection of a full listener may stay idle: one that was only just made is about to send its request.
const GRACE: Duration = Duration::from_millis(500);

/// The pause after an accept that failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a connection may stay without a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// 75 seconds: for clients of the outside.
    Limited,
    /// For ever: for runtimes, which may think for minutes between two requests.
    Unlimited,
}

/// Listens on an address; port 0 takes a free port.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A port that another process has just left may be taken.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The most connections of one listener.
fn most_connections() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let (least, most) = CONNECTIONS;
    let share = usize::try_from(files / FILES_SHARE).unwrap_or(most);
    share.clamp(least, most)
}

/// Serves HTTP/1.1 on `listener` until `stop` is cancelled, then lets the requests under way finish.
///
/// `answer` gets the request and the client's address. It runs in the connection's task and is dropped when the client
/// goes away.
pub async fn serve<A, F>(listener: TcpListener, idle: Idle, stop: CancellationToken, answer: A)
where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let (most, (full, is_full)) = (most_connections(), watch::channel(false));
    let mut connections = JoinSet::new();
    loop {
        let has_room = connections.len() < most;
        full.send_if_modified(|full| {
            let changes = *full == has_room;
            *full = !has_room;
            changes
        });
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept(), if has_room => match accepted {
                Ok((stream, peer)) => {
                    let end = end(stop.clone(), is_full.clone());
                    connections.spawn(connection(stream, peer, idle, end, answer.clone()));
                }
                Err(error) => {
                    tracing::warn!("can not accept a connection, waiting a moment: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            // Finished connections are forgotten as they end, so the set does not grow.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Returns when connections are to end with the request that is under way: all are to stop, or there are too many.
async fn end(stop: CancellationToken, is_full: watch::Receiver<bool>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = too_many(is_full) => {}
    }
}

/// Returns when there are too many connections, and that has been so for a while.
async fn too_many(mut is_full: watch::Receiver<bool>) {
    // The listener says so for as long as it has connections.
    while is_full.wait_for(|full| *full).await.is_ok() {
        tokio::time::sleep(GRACE).await;
        if *is_full.borrow() {
            return;
        }
    }
}

async fn connection<A, F>(
    stream: TcpStream,
    peer: SocketAddr,
    idle: Idle,
    end: impl Future<Output = ()>,
    answer: A,
) where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // Answers are small and awaited: do not hold them back to fill packets.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, "can not switch off Nagle's algorithm: {error}");
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let asks_first = request.headers().contains_key(EXPECT);
        let response = answer(request, peer);
        async move {
            let mut response = response.await;
            if asks_first && !response.status().is_success() {
                // The body is not sent any more, so the connection ends here. A client that is not told sends its next
                // request into a connection that is being closed.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = http1::Builder::new();
    if idle == Idle::Limited {
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_LIMIT);
    }
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = end => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, "connection ended: {error}");
    }
}
