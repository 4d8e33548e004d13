//! What the listeners of this crate have in common: they answer clients on this machine, and refuse requests of web
//! pages on other machines.

use http::Request;
use lambkin_http::{Allowlist, CrossOrigin, ForeignPages, RequestBody, Response, Server};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Answers each request with `respond` until `stop` is cancelled. Web pages on other machines are served if `allowlist`
/// has their origin.
pub(crate) async fn serve_clients<F>(
    listener: TcpListener,
    allowlist: Allowlist,
    stop: CancellationToken,
    respond: impl Fn(Request<RequestBody>) -> F + Clone + Send + 'static,
) where
    F: Future<Output = Response> + Send + 'static,
{
    let rules = CrossOrigin::new(allowlist, ForeignPages::Refused);
    let handler = move |request, _client| respond(request);
    Server::for_clients(rules, stop)
        .serve(listener, handler)
        .await;
}
