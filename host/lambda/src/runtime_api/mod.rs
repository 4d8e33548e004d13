//! The server at `AWS_LAMBDA_RUNTIME_API`: the Runtime API (2018-06-01) and the routes to its neighbours.
//!
//! This file routes requests and writes responses; the [`RuntimeSession`] decides what a runtime's request means. A
//! runtime that requests the next event waits in its request until there is one.
//!
//! Only the processes of the sandbox are served ([`Peers`]).
//!
//! On failure: an unknown path gets 404 and a wrong method 405. Everything that the state machine refuses gets AWS's
//! status, error type and message. If the sandbox ends first, its connections are closed.

mod metadata;
mod peers;
mod response;
pub(crate) mod session;
mod state;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use lambkin_http::{
    BodyError, RequestBody, Response, header, json, method_not_allowed, not_found, read_body,
    set_header, text,
};

pub(crate) use self::metadata::{Metadata, availability_zone_id};
use self::peers::Peer;
pub(crate) use self::peers::{Connection, Peers};
pub use self::response::HTTP_INTEGRATION;
#[cfg(fuzzing)]
pub(crate) use self::response::{InBodyTrailers, error_in_trailers};
use self::session::{EventWithContext, InitError, NextEvent, RuntimeSession};
use crate::api_error::{ApiError, accepted_or_error};
use crate::extension::registry::ExtensionRegistry;
use crate::limits::RESPONSE_BYTES;
use crate::telemetry::hub::Telemetry;
use crate::telemetry::subscription::SubscriptionApi;
use crate::{extension, telemetry};

const EXTENSIONS: &str = "/2020-01-01/extension/";
const TELEMETRY: &str = "/2022-07-01/telemetry";
const LOGS: &str = "/2020-08-15/logs";

/// What the processes of one sandbox talk to.
#[derive(Debug)]
pub(crate) struct SandboxApi {
    pub session: Arc<RuntimeSession>,
    pub extensions: Arc<ExtensionRegistry>,
    pub telemetry: Arc<Telemetry>,
    pub metadata: Metadata,
    /// Whether the runtime is restored from a snapshot before its first event.
    pub snap_start: bool,
}

/// Responds to one request. A connection moves this future for each request, so everything
/// that is not part of every invocation is boxed.
pub(crate) async fn respond(
    request: Request<RequestBody>,
    connection: Connection,
    api: Arc<SandboxApi>,
) -> Response {
    match connection.peer() {
        Peer::Own => {}
        Peer::Gone if *request.method() == Method::POST => {}
        Peer::Gone | Peer::Stranger => return ApiError::STRANGER.into_response(),
    }
    let path = request.uri().path();
    if let Some(rest) = path.strip_prefix("/2018-06-01/") {
        let Some(route) = Route::of(rest, api.snap_start) else {
            return not_found();
        };
        return respond_to_runtime(request, route, &api).await;
    }
    match path {
        TELEMETRY => Box::pin(subscribe(request, SubscriptionApi::Telemetry, &api)).await,
        LOGS => Box::pin(subscribe(request, SubscriptionApi::Logs, &api)).await,
        metadata::PATH => api.metadata.respond(&request),
        _ if path.starts_with(EXTENSIONS) => {
            let extensions = Arc::clone(&api.extensions);
            Box::pin(extension::api::respond(request, extensions)).await
        }
        _ => not_found(),
    }
}

async fn subscribe(
    request: Request<RequestBody>,
    kind: SubscriptionApi,
    api: &SandboxApi,
) -> Response {
    let (telemetry, extensions) = (Arc::clone(&api.telemetry), Arc::clone(&api.extensions));
    telemetry::api::respond(request, kind, telemetry, extensions).await
}

async fn respond_to_runtime(
    request: Request<RequestBody>,
    route: Route,
    api: &SandboxApi,
) -> Response {
    if *request.method() != route.method() {
        return method_not_allowed(&route.method());
    }
    let session = &api.session;
    match route {
        Route::Ping => text(StatusCode::OK, "pong"),
        Route::Next => {
            if !api.extensions.is_empty() {
                api.extensions.close_registration();
            }
            next(session).await
        }
        Route::Response(id) => response::response(request, &id, session).await,
        Route::Error(id) => Box::pin(response::error(request, &id, session)).await,
        Route::InitError => Box::pin(init_error(request, |error| session.init_error(error))).await,
        Route::RestoreNext => restore_next(session).await,
        Route::RestoreError => {
            Box::pin(init_error(request, |error| session.restore_error(error))).await
        }
    }
}

enum Route {
    Ping,
    Next,
    Response(String),
    Error(String),
    InitError,
    RestoreNext,
    RestoreError,
}

impl Route {
    fn of(path: &str, snap_start: bool) -> Option<Self> {
        match path {
            "ping" => return Some(Self::Ping),
            "runtime/invocation/next" => return Some(Self::Next),
            "runtime/init/error" => return Some(Self::InitError),
            "runtime/restore/next" if snap_start => return Some(Self::RestoreNext),
            "runtime/restore/error" if snap_start => return Some(Self::RestoreError),
            _ => {}
        }
        match path.strip_prefix("runtime/invocation/")?.split_once('/')? {
            (id, "response") => Some(Self::Response(id.to_owned())),
            (id, "error") => Some(Self::Error(id.to_owned())),
            _ => None,
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::Ping | Self::Next | Self::RestoreNext => Method::GET,
            _ => Method::POST,
        }
    }
}

async fn next(session: &RuntimeSession) -> Response {
    loop {
        return match session.next() {
            Ok(NextEvent::Now(delivery)) => event_response(&delivery),
            Ok(NextEvent::Later(delivery)) => match delivery.await {
                Ok(delivery) => event_response(&delivery),
                // The process is being killed, and its connection will be closed.
                Err(_sandbox_ended) => ApiError::INTERNAL.into_response(),
            },
            Ok(NextEvent::AfterResponse(response_read)) => {
                let _ = response_read.await; // the sender is dropped when the body has been read
                continue;
            }
            Err(error) => error.into_response(),
        };
    }
}

async fn restore_next(session: &RuntimeSession) -> Response {
    match session.restore_next() {
        Ok(restored) => match restored.await {
            Ok(()) => json(StatusCode::OK, Bytes::new()),
            Err(_sandbox_ended) => ApiError::INTERNAL.into_response(),
        },
        Err(error) => error.into_response(),
    }
}

async fn init_error(
    request: Request<RequestBody>,
    report: impl FnOnce(InitError) -> Result<(), ApiError>,
) -> Response {
    let error_type = header(request.headers(), "lambda-runtime-function-error-type");
    let error_type = error_type.map(str::to_owned);
    match read_body(request.into_body(), RESPONSE_BYTES).await {
        Ok(body) => accepted_or_error(report(InitError { body, error_type })),
        Err(BodyError::TooLarge { .. }) => ApiError::TOO_LARGE.into_response(),
        Err(BodyError::Incomplete(_) | BodyError::TimedOut(_)) => {
            ApiError::TRUNCATED.into_response()
        }
    }
}

fn event_response(delivery: &EventWithContext) -> Response {
    let mut response = json(StatusCode::OK, delivery.event.clone());
    let deadline = delivery.deadline_ms.to_string();
    for (name, value) in [
        (
            "lambda-runtime-aws-request-id",
            Some(delivery.request_id.as_str()),
        ),
        (
            "lambda-runtime-invocation-id",
            Some(delivery.invocation_id.as_str()),
        ),
        ("lambda-runtime-deadline-ms", Some(deadline.as_str())),
        (
            "lambda-runtime-invoked-function-arn",
            Some(delivery.function_arn.as_str()),
        ),
        ("lambda-runtime-trace-id", Some(delivery.trace_id.as_str())),
        (
            "lambda-runtime-client-context",
            delivery.client_context.as_deref(),
        ),
        (
            "lambda-runtime-cognito-identity",
            delivery.cognito_identity.as_deref(),
        ),
        (
            "lambda-runtime-aws-tenant-id",
            delivery.tenant_id.as_deref(),
        ),
    ] {
        if let Some(value) = value {
            set_header(&mut response, name, value);
        }
    }
    response
}
