//! The accept loop and the life of a connection.
//!
//! Dropping the future of [`serve`] drops every connection it accepted. Stopping it by its [`StopSignal`] lets the
//! requests under way finish first.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::response::Response;

/// A client of the outside has this long to send the head of its next request, then its connection is closed.
const IDLE_LIMIT: Duration = Duration::from_secs(75);

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

/// Asks a server to stop; see [`StopSignal::new`].
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// Tells a server when to stop.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<bool>);

impl StopSignal {
    /// A pair: the one who stops, and what those who are to stop listen to.
    pub fn new() -> (Stop, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stop(sender), Self(receiver))
    }

    /// Returns when the stop is asked for, or when nobody is left who could ask.
    pub async fn stopped(&mut self) {
        // An error means that the sender is gone, which is a stop as well.
        let _gone = self.0.wait_for(|stopped| *stopped).await;
    }
}

impl Stop {
    /// Stops every holder of the signal.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Listens on an address; port 0 takes a free port.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves HTTP/1.1 on `listener` until the signal comes, then lets the requests under way finish.
///
/// `answer` gets the request and the client's address. It runs in the connection's task and is dropped when the client
/// goes away.
pub async fn serve<A, F>(listener: TcpListener, idle: Idle, mut stop: StopSignal, answer: A)
where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.stopped() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, idle, stop.clone(), answer.clone()));
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

async fn connection<A, F>(
    stream: TcpStream,
    peer: SocketAddr,
    idle: Idle,
    mut stop: StopSignal,
    answer: A,
) where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // Answers are small and awaited: do not hold them back to fill packets.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, "can not switch off Nagle's algorithm: {error}");
    }
    let service = service_fn(move |request| {
        let response = answer(request, peer);
        async move { Ok::<_, Infallible>(response.await) }
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
        () = stop.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, "connection ended: {error}");
    }
}
