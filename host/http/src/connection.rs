//! One connection, from its first request to its end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request, Version};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cross_origin::CrossOrigin;
use crate::head;
use crate::leftover;
use crate::limits::{FREE_HEADERS, Limits, SHORTAGE_GRACE};
use crate::peer::{Next, Peer};
use crate::request_body::RequestBody;
use crate::response::{Outgoing, Response};
use crate::shortage::{Short, Shortage};
use crate::socket::Socket;
use crate::upgrade::{Task, Upgrade};

/// What the connections of a listener have in common.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub rules: CrossOrigin,
    /// Of the listener, for messages.
    pub address: Arc<str>,
    pub limits: &'static Limits,
    pub shortage: Shortage,
    /// Whether requests have a [`HeadAsSent`](crate::HeadAsSent).
    pub keeps_heads_as_sent: bool,
    pub stop: CancellationToken,
}

/// One connection of a listener.
pub(crate) struct Connection {
    pub client: SocketAddr,
    pub shared: Shared,
}

/// What ends a connection that its client keeps open.
enum End {
    /// It ends after its current request, or immediately if it has no request.
    Gracefully,
    /// It ends now, for this reason.
    Now(&'static str),
}

impl Connection {
    /// Serves the connection to its end. Returns the work on it if it has stopped speaking HTTP.
    pub(crate) async fn serve<H, F>(self, stream: TcpStream, handler: H) -> Option<Task>
    where
        H: Fn(Request<RequestBody>, SocketAddr) -> F + Send + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let Self { client, shared } = self;
        // Responses are small and awaited, so they must not be held back to fill packets.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%client, "cannot disable Nagle's algorithm: {error}");
        }
        let peer = Arc::new(Peer::new());
        let socket = Socket::new(stream, Arc::clone(&peer), shared.keeps_heads_as_sent);
        let service = {
            let (peer, shared) = (Arc::clone(&peer), shared.clone());
            service_fn(move |request| answer(request, client, &peer, &shared, &handler))
        };
        let mut builder = http1::Builder::new();
        // A runtime may close its connection without waiting for the response to what it has sent. The end of the
        // process ends what waits for it.
        builder.half_close(shared.limits.half_close);
        if shared.limits.headers != FREE_HEADERS {
            builder.max_headers(shared.limits.headers);
        }
        let connection = builder.serve_connection(TokioIo::new(socket), service);
        let connection = connection.with_upgrades();
        let mut connection = pin!(connection);
        let mut short = shared.shortage.watch();
        let mut gracefully = true;
        let served = loop {
            let end = end(&peer, &shared, &mut short, gracefully);
            tokio::select! {
                served = connection.as_mut() => break served,
                end = end => match end {
                    End::Gracefully => {
                        gracefully = false;
                        connection.as_mut().graceful_shutdown();
                    }
                    End::Now(reason) => {
                        tracing::debug!(%client, "connection closed: {reason}");
                        return None;
                    }
                },
            }
        };
        let Err(error) = served else {
            return peer.take_upgrade().map(Upgrade::into_task);
        };
        if error.is_parse() {
            tracing::warn!(
                "{}: refused a request from {client}, because its head is not valid HTTP/1.1: {error}{}",
                shared.address,
                hint(&error)
            );
        } else {
            tracing::debug!(%client, "connection ended: {error}");
        }
        None
    }
}

/// What usually makes a client send such a head.
fn hint(error: &hyper::Error) -> &'static str {
    if error.is_parse_too_large() {
        " (up to 400 KB and 256 headers are read)"
    } else if error.is_parse_version_h2() {
        " (the client speaks HTTP/2, and only HTTP/1.1 is spoken here)"
    } else if error.to_string().contains("URI") {
        " (characters such as <, >, \" and spaces must be percent-encoded in a URL)"
    } else if error.to_string().contains("method") {
        " (does the client use https? This is an http port)"
    } else {
        ""
    }
}

/// Returns when the connection has to end although its client keeps it open. `gracefully` is false after
/// [`End::Gracefully`].
async fn end(
    peer: &Peer,
    shared: &Shared,
    short: &mut watch::Receiver<Short>,
    gracefully: bool,
) -> End {
    loop {
        let is_short = short.borrow_and_update().of_anything();
        let now = Instant::now();
        let next = match peer.check(now, shared.limits, Short::default()) {
            Next::At(next) => next,
            Next::End(reason) => return End::Now(reason),
        };
        if !is_short {
            tokio::select! {
                () = shared.stop.cancelled(), if gracefully => return End::Gracefully,
                () = tokio::time::sleep_until(next.into()) => {}
                // The sender lives as long as `shared`.
                _ = short.changed() => {}
            }
            continue;
        }
        // Connections come and go while a listener is at its limit, so what counts is whether it is there again after
        // the grace, and not whether it was there all the time.
        let mut look = now + SHORTAGE_GRACE;
        loop {
            tokio::select! {
                () = shared.stop.cancelled(), if gracefully => return End::Gracefully,
                () = tokio::time::sleep_until(look.into()) => {}
            }
            let still = *short.borrow_and_update();
            if !still.of_anything() {
                break;
            }
            if still.connections && gracefully {
                return End::Gracefully;
            }
            look = match peer.check(Instant::now(), shared.limits, still) {
                Next::At(next) => next,
                Next::End(reason) => return End::Now(reason),
            };
        }
    }
}

/// Answers one request. hyper moves this future for each request, so everything rare is boxed.
fn answer<H, F>(
    mut request: Request<Incoming>,
    client: SocketAddr,
    peer: &Arc<Peer>,
    shared: &Shared,
    handler: &H,
) -> impl Future<Output = Result<http::Response<Outgoing>, Infallible>> + use<H, F>
where
    H: Fn(Request<RequestBody>, SocketAddr) -> F,
    F: Future<Output = Response>,
{
    let peer = Arc::clone(peer);
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let expected = request.headers().get(EXPECT);
    let expects_continue =
        expected.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let head = peer.take_head();
    if let Some(as_sent) = head.as_sent {
        request.extensions_mut().insert(as_sent);
    }
    let has_body = !request.body().is_end_stream();
    peer.request_begins(has_body);
    let mut closes = false;
    let refused = if let Some(refusal) = head::refusal(&request, head.is_ambiguous) {
        let (listener, method, path) = (&shared.address, request.method(), request.uri().path());
        let reason = refusal.reason;
        tracing::warn!("{listener}: refused {method} {path} from {client}: {reason}");
        closes = true;
        Some(refusal.into_response())
    } else {
        let checked = shared.rules.check(&mut request).err();
        checked.map(|refusal| shared.rules.refuse(&refusal, &shared.address))
    };
    let request = request.map(|body| RequestBody::new(body, Arc::clone(&peer)));
    // Where there is a body, hyper writes it when the handler begins to read.
    let owes_continue = expects_continue && !has_body && request.version() == Version::HTTP_11;
    let can_pay = owes_continue && peer.flushed.load(Ordering::Relaxed);
    if can_pay {
        peer.owes_continue.store(true, Ordering::Relaxed);
    }
    closes |= owes_continue != can_pay;
    // A request that is refused is dropped here, and what there is of its body is disposed of as always.
    let handled = match refused {
        Some(response) => Err(response),
        None => Ok(handler(request, client)),
    };
    async move {
        let mut response = match handled {
            Ok(handled) => handled.await,
            Err(response) => response,
        };
        if let Some(upgrade) = Upgrade::take(on_upgrade, response.extensions_mut()) {
            peer.upgrades(upgrade);
        }
        if let Some(rest) = peer.response_begins() {
            closes |= !Box::pin(leftover::dispose(rest, &peer, expects_continue)).await;
        }
        if closes {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        Ok(response.map(|body| Outgoing::new(body, peer)))
    }
}
