//! One connection of HTTP/2.
//!
//! Requests reach the handler in the form that those of HTTP/1.1 have: the target is a path, the host is in `Host`, and
//! there is one `Cookie`. Each of them runs in a task of its own with a [`Peer`] of its own. Limits are those of
//! HTTP/1.1, applied to each request, and those that HTTP/2 needs in addition: for the number of requests at a time, of
//! resets, and of bytes that wait.
//!
//! On failure: a client that breaks the protocol loses its connection, with the reason in HTTP/2's own terms. One that
//! does not read one of its responses loses it, too, as over HTTP/1.1. A body that stalls ends its own request only.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use http::header::{COOKIE, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use hyper::body::{Body as _, Incoming};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;

use crate::limits::{CONCURRENT_STREAMS, CONNECTION_WINDOW_BYTES, HEAD_BYTES, STREAM_WINDOW_BYTES};
use crate::peer::Peer;
use crate::reply::text;
use crate::request_body::RequestBody;
use crate::response::{Outgoing, Response};
use crate::shared::{End, Shared, end};
use crate::socket::Socket;

/// Spawns the tasks of a connection's requests, which end with the connection.
#[derive(Debug, Clone)]
struct Requests(CancellationToken);

impl<F> Executor<F> for Requests
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, request: F) {
        let ended = self.0.clone();
        tokio::spawn(async move {
            let _ = ended.run_until_cancelled(request).await; // the client is gone
        });
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve<H, F>(
    socket: Socket,
    client: SocketAddr,
    peer: Arc<Peer>,
    shared: Shared,
    handler: H,
) where
    H: Fn(Request<RequestBody>, SocketAddr) -> F + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let ended = CancellationToken::new();
    let mut builder = http2::Builder::new(Requests(ended.clone()));
    let _ends_requests = ended.drop_guard();
    builder
        .max_concurrent_streams(CONCURRENT_STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
    let service = {
        let (peer, shared) = (Arc::clone(&peer), shared.clone());
        service_fn(move |request| answer(request, client, &peer, &shared, &handler))
    };
    let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let mut short = shared.shortage.watch();
    let mut gracefully = true;
    let served = loop {
        let end = end(&peer, &shared, &mut short, gracefully);
        tokio::select! {
            served = connection.as_mut() => break served,
            end = end => match end {
                End::Gracefully => {
                    gracefully = false;
                    peer.is_to_leave();
                    connection.as_mut().graceful_shutdown();
                }
                End::Now(reason) => {
                    tracing::debug!(%client, "connection closed: {reason}");
                    return;
                }
            },
        }
    };
    if let Err(error) = served {
        tracing::debug!(%client, "connection of HTTP/2 ended: {error}");
    }
}

fn answer<H, F>(
    mut request: Request<Incoming>,
    client: SocketAddr,
    connection: &Arc<Peer>,
    shared: &Shared,
    handler: &H,
) -> impl Future<Output = Result<http::Response<Outgoing>, Infallible>> + use<H, F>
where
    H: Fn(Request<RequestBody>, SocketAddr) -> F,
    F: Future<Output = Response>,
{
    let peer = Peer::stream(connection, !request.body().is_end_stream());
    let max_headers = shared.limits.headers;
    let refused = if request.headers().len() > max_headers {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let why = format!("The request has more than {max_headers} headers.\n");
        Some(text(status, why))
    } else {
        let refused = shared.refuse(&mut request, false, client);
        refused.map(|(response, _)| response)
    };
    as_http_1(&mut request);
    let request = request.map(|body| RequestBody::new(body, Arc::clone(&peer)));
    let handled = match refused {
        Some(response) => Err(response),
        None => Ok(handler(request, client)),
    };
    async move {
        let response = match handled {
            Ok(handled) => handled.await,
            Err(response) => response,
        };
        peer.response_begins();
        Ok(response.map(|body| Outgoing::new(body, peer)))
    }
}

/// Gives a request the form that those of HTTP/1.1 have.
fn as_http_1<B>(request: &mut Request<B>) {
    if let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        request.headers_mut().insert(HOST, host);
    }
    let target = request.uri().path_and_query().cloned();
    let target = target.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(target);
    join_cookies(request.headers_mut());
}

/// HTTP/2 allows a header for each cookie; programs expect one for all.
fn join_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if cookies.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_gets_the_form_of_http_1() {
        let mut request = Request::builder()
            .uri("https://a.example:8443/p%20q?x=1")
            .header("cookie", "a=1")
            .header("x-b", "2")
            .header("cookie", "c=3")
            .body(())
            .unwrap();
        as_http_1(&mut request);
        assert_eq!(request.uri(), "/p%20q?x=1");
        assert_eq!(request.headers()["host"], "a.example:8443");
        let cookies: Vec<_> = request.headers().get_all("cookie").iter().collect();
        assert_eq!(cookies, ["a=1; c=3"]);
    }

    #[test]
    fn a_host_that_is_only_a_header_is_kept() {
        let mut request = Request::builder()
            .uri("/")
            .header("host", "a")
            .body(())
            .unwrap();
        as_http_1(&mut request);
        assert_eq!(request.headers()["host"], "a");
    }
}
