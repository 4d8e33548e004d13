//! What the listeners of this crate have in common: they answer clients on this machine, and refuse requests of web
//! pages on other machines.

use http::Request;
use lambkin_http::{Allowlist, CrossOrigin, ForeignPages, Listener, RequestBody, Response, Server};
use tokio_util::sync::CancellationToken;

/// Answers each request with `respond` until `stop` is cancelled. Web pages on other machines are served if `allowlist`
/// has their origin.
pub(crate) async fn serve_clients<F>(
    listener: impl Into<Listener>,
    allowlist: Allowlist,
    stop: CancellationToken,
    respond: impl Fn(Request<RequestBody>) -> F + Clone + Send + 'static,
) where
    F: Future<Output = Response> + Send + 'static,
{
    let rules = CrossOrigin::new(allowlist, ForeignPages::Refused);
    let handler = move |request, _client| respond(request);
    let Listener {
        socket,
        certificate,
    } = listener.into();
    Server::for_clients(rules, stop)
        .with_certificate(certificate)
        .serve(socket, handler)
        .await;
}
