//! One connection, from its first request to its end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request, Version};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::boundaries::Boundaries;
use crate::http2;
use crate::leftover;
use crate::limits::FREE_HEADERS;
use crate::opening::{self, Opened};
use crate::peer::Peer;
use crate::request_body::RequestBody;
use crate::response::{Outgoing, Response};
use crate::shared::{End, Shared, end};
use crate::socket::Socket;
use crate::stream::Stream;
use crate::upgrade::{Task, Upgrade};

/// One connection of a listener.
pub(crate) struct Connection {
    pub client: SocketAddr,
    pub shared: Shared,
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
        let opened = open(stream, client, &peer, &shared).await?;
        let Opened { stream, first, .. } = opened;
        if opened.is_http_2 {
            let socket = Socket::new(stream, first, Arc::clone(&peer), None);
            Box::pin(http2::serve(socket, client, peer, shared, handler)).await;
            return None;
        }
        let boundaries = Boundaries::new(shared.keeps_heads_as_sent);
        let socket = Socket::new(stream, first, Arc::clone(&peer), Some(boundaries));
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

/// Opens a connection. Returns `None` if it has ended, or has to end, before a request.
async fn open(
    stream: TcpStream,
    client: SocketAddr,
    peer: &Peer,
    shared: &Shared,
) -> Option<Opened> {
    if shared.tls.is_none() && !shared.speaks_http_2 {
        return Some(Opened {
            stream: Stream::Plain(stream),
            first: Vec::new(),
            is_http_2: false,
        });
    }
    let names = (client, &*shared.address);
    let mut opening = pin!(opening::open(stream, shared.tls.as_ref(), names, peer));
    let mut short = shared.shortage.watch();
    let mut gracefully = true;
    loop {
        tokio::select! {
            opened = opening.as_mut() => return opened,
            end = end(peer, shared, &mut short, gracefully) => match end {
                // What has begun has as long as the head of a request.
                End::Gracefully if peer.has_begun() && !shared.stop.is_cancelled() => gracefully = false,
                End::Gracefully => return None,
                End::Now(reason) => {
                    tracing::debug!(%client, "connection closed: {reason}");
                    return None;
                }
            },
        }
    }
}

/// What usually makes a client send such a head.
fn hint(error: &hyper::Error) -> &'static str {
    if error.is_parse_too_large() {
        " (up to 400 KB and 256 headers are read)"
    } else if error.is_parse_version_h2() {
        " (the client speaks HTTP/2, which this port does not)"
    } else if error.to_string().contains("URI") {
        " (characters such as <, >, \" and spaces must be percent-encoded in a URL)"
    } else if error.to_string().contains("method") {
        " (does the client use https or wss? This port is not encrypted: use http or ws, or set `tls`)"
    } else {
        ""
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
    let (refused, mut closes) = match shared.refuse(&mut request, head.is_ambiguous, client) {
        Some((response, closes)) => (Some(response), closes),
        None => (None, false),
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
