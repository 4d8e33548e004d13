//! The listener of a service, whose plugin answers all requests.
//!
//! Bodies are streamed in both directions and may have any size; the beginning of a request's body is read before the
//! plugin starts ([`read_ahead`](crate::read_ahead)). When a client goes away, the plugin's instance is
//! dropped at once. The listener knows no AWS service: its own error responses are plain text.
//!
//! On failure before the response has begun: status 500 if the plugin failed, 503 if the host cannot run it now, 400 if
//! the request's body ended early and the plugin did not respond to that. The response and the log name the plugin and
//! the cause. On failure after that, the connection is closed, so that the client can tell that the response is
//! incomplete.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Method, Request, StatusCode};
use lambkin_http::{
    Allowlist, Body, CrossOrigin, ForeignPages, FromForeignPage, Listener, RequestBody, Response,
    Server, text, write_names_as,
};
use lambkin_plugin::{CallError, Client, PluginError, Service};
use tokio_util::sync::CancellationToken;

use crate::limits::INCOMPLETE_REQUESTS;
use crate::read_ahead::ReadAhead;

/// The header in which a service lists the names that are not to be written in lower case.
const NAMES: &str = "x-lambkin-header-names";

/// The listener of one service.
#[derive(Debug)]
pub struct ServiceListener {
    /// The configured plugin.
    pub service: Service,
    /// The hosts and web pages, besides local ones, from which it accepts requests.
    pub allowlist: Allowlist,
}

impl ServiceListener {
    /// Serves requests until `stop` is cancelled, then lets those under way finish.
    pub async fn serve(self, listener: Listener, stop: CancellationToken) {
        let foreign_pages = if self.service.judges_foreign_pages() {
            ForeignPages::Marked
        } else {
            ForeignPages::Refused
        };
        let rules = CrossOrigin::new(self.allowlist.clone(), foreign_pages);
        let is_encrypted = listener.certificate.is_some();
        let server = Server::for_clients(rules, stop).with_certificate(listener.certificate);
        let shared = Arc::new((self, ReadAhead::new(server.shortage.clone())));
        let handler = move |request, peer| {
            let shared = Arc::clone(&shared);
            async move {
                let (service, read_ahead) = &*shared;
                service
                    .answer(request, (peer, is_encrypted), read_ahead)
                    .await
            }
        };
        server.serve(listener.socket, handler).await;
    }

    async fn answer(
        &self,
        request: Request<RequestBody>,
        (peer, is_encrypted): (SocketAddr, bool),
        read_ahead: &ReadAhead,
    ) -> Response {
        let (method, path) = (request.method().clone(), request.uri().clone());
        let Ok(request) = read_ahead.admit(request).await else {
            let limit = INCOMPLETE_REQUESTS;
            let reason = format!("{limit} requests are being sent already; try again\n");
            return text(StatusCode::SERVICE_UNAVAILABLE, reason);
        };
        let page = request.extensions().get::<FromForeignPage>().cloned();
        let client = Client {
            peer,
            is_foreign_page: page.is_some(),
            is_encrypted,
        };
        match self.service.answer(request, client).await {
            Ok(response) => {
                let is_read = matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
                if let Some(page) = page
                    && response.status() == StatusCode::FORBIDDEN
                    && !is_read
                {
                    self.allowlist.warn_of_page(self.service.name(), &page);
                }
                spelt(response.map(Body::Boxed))
            }
            Err(error) => {
                match error.cause {
                    CallError::IncompleteRequest => {
                        tracing::debug!("{method} {}: {error}", path.path())
                    }
                    _ => tracing::error!("{method} {}: {error}", path.path()),
                }
                failed(&error)
            }
        }
    }
}

/// The response with its header names as the service spells them.
fn spelt(mut response: Response) -> Response {
    if let Some(names) = response.headers_mut().remove(NAMES)
        && let Ok(names) = names.to_str()
    {
        let names = names.split(',').map(str::trim);
        write_names_as(names, response.extensions_mut());
    }
    response
}

fn failed(error: &PluginError) -> Response {
    let status = match error.cause {
        CallError::Host(_) => StatusCode::SERVICE_UNAVAILABLE,
        CallError::IncompleteRequest => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    text(status, format!("{error}\n"))
}
