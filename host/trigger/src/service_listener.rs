//! Services: a listener and the plugin that answers all its requests.
//!
//! Bodies pass through in both directions as they come, so a request may have any size. A client that goes away takes the
//! plugin's instance with it at once. This module knows no AWS service: what is no answer of the plugin's is plain text.
//!
//! On failure: a plugin that is at fault answers 500, a host that can not run it now answers 503; both name the plugin
//! and the cause, in the answer and in the log. A caller whose body broke off is told so with 400, if the plugin has no
//! answer to that. If it fails when its answer has begun, the connection is broken off, so
//! that nobody takes a part for the whole.

use std::net::SocketAddr;
use std::sync::Arc;

use ::http::header::{CONTENT_TYPE, HeaderValue};
use ::http::{Request, StatusCode};
use hyper::body::Incoming;
use lambkin_http::{Body, IdleTimeout, Response};
use lambkin_plugin::{Failure, PluginError, Service};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// One service, ready to serve.
#[derive(Debug)]
pub struct ServiceListener {
    /// The configured plugin.
    pub service: Service,
}

impl ServiceListener {
    /// Serves requests until `stop` is cancelled, then lets those under way finish.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let this = Arc::new(self);
        lambkin_http::serve(
            listener,
            IdleTimeout::Limited,
            stop,
            move |request, peer| {
                let this = Arc::clone(&this);
                async move { this.answer(request, peer).await }
            },
        )
        .await;
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response {
        let (method, path) = (request.method().clone(), request.uri().clone());
        match self.service.answer(request, peer).await {
            Ok(response) => response.map(Body::Boxed),
            Err(error) => {
                match error.failure {
                    Failure::Incomplete => tracing::debug!("{method} {}: {error}", path.path()),
                    _ => tracing::error!("{method} {}: {error}", path.path()),
                }
                failed(&error)
            }
        }
    }
}

fn failed(error: &PluginError) -> Response {
    let mut response = Response::new(format!("{error}\n").into());
    *response.status_mut() = match error.failure {
        Failure::Host(_) => StatusCode::SERVICE_UNAVAILABLE,
        Failure::Incomplete => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
