//! The listener of the Invoke API.

use http::{Method, Request};
use lambkin_http::{Allowlist, Listener, RequestBody, Response, set_header};
use lambkin_lambda::{Lambda, new_request_id};
use tokio_util::sync::CancellationToken;

use crate::error::ApiError;
use crate::listener::serve_clients;
use crate::operation::Operation;
use crate::response::{REQUEST_ID, method_not_allowed};
use crate::{control, invoke};

/// Serves the Invoke API until `stop` is cancelled. Web pages on other machines can use it if `allowlist` has their
/// origin.
pub async fn serve(
    listener: impl Into<Listener>,
    allowlist: Allowlist,
    stop: CancellationToken,
    lambda: Lambda,
) {
    let respond = move |request| respond(lambda.clone(), request);
    serve_clients(listener, allowlist, stop, respond).await;
}

/// Responds to one request. A connection moves this future for each request, so everything but a plain invocation is
/// boxed.
async fn respond(lambda: Lambda, request: Request<RequestBody>) -> Response {
    let request_id = new_request_id();
    let (head, body) = request.into_parts();
    let result = match Operation::of(head.uri.path()) {
        Some(_) if head.method != Method::POST => Ok(method_not_allowed()),
        Some((operation, name)) => {
            invoke::invoke(&lambda, operation, name, &head, body, &request_id).await
        }
        None => Box::pin(control::respond(&lambda, &head)).await,
    };
    let mut response = result.unwrap_or_else(ApiError::into_response);
    set_header(&mut response, REQUEST_ID, request_id.as_str());
    response
}
