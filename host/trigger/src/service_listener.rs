//! The listener of a service, whose plugin answers all requests.
//!
//! Bodies are streamed in both directions and may have any size. When a client goes away, the plugin's instance is
//! dropped at once. The listener knows no AWS service: its own error responses are plain text.
//!
//! On failure before the response has begun: status 500 if the plugin failed, 503 if the host cannot run it now, 400 if
//! the request's body ended early and the plugin did not respond to that. The response and the log name the plugin and
//! the cause. On failure after that, the connection is closed, so that the client can tell that the response is
//! incomplete.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, StatusCode};
use hyper::body::Incoming;
use lambkin_http::{Body, IdleTimeout, Response, text};
use lambkin_plugin::{CallError, PluginError, Service};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The listener of one service.
#[derive(Debug)]
pub struct ServiceListener {
    /// The configured plugin.
    pub service: Service,
}

impl ServiceListener {
    /// Serves requests until `stop` is cancelled, then lets those under way finish.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let shared = Arc::new(self);
        lambkin_http::serve(
            listener,
            IdleTimeout::Limited,
            stop,
            move |request, peer| {
                let shared = Arc::clone(&shared);
                async move { shared.answer(request, peer).await }
            },
        )
        .await;
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response {
        let (method, path) = (request.method().clone(), request.uri().clone());
        match self.service.answer(request, peer).await {
            Ok(response) => response.map(Body::Boxed),
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

fn failed(error: &PluginError) -> Response {
    let status = match error.cause {
        CallError::Host(_) => StatusCode::SERVICE_UNAVAILABLE,
        CallError::IncompleteRequest => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    text(status, format!("{error}\n"))
}
