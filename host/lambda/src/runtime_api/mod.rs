//! Everything that answers at `AWS_LAMBDA_RUNTIME_API`: the Runtime API here, its neighbours in rooms of their own.
//!
//! This module reads requests and words answers; what a request of a runtime means is the [`RuntimeSession`]'s to say. A
//! runtime that asks for the next event waits in its request for as long as it takes.
//!
//! On failure: an unknown path is 404, a wrong method 405, and everything the state machine refuses has AWS's status,
//! error type and message. If the life ends first the connection ends with it.

pub(crate) mod error;
mod metadata;
pub(crate) mod reply;
pub(crate) mod response;
pub(crate) mod session;
mod state;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use lambkin_http::{BodyError, Response, header, read_body};

use self::error::ApiError;
pub(crate) use self::metadata::{Metadata, availability_zone_id};
use self::reply::{acknowledged, error_response, json, method_not_allowed, not_found, text};
pub use self::response::HTTP_INTEGRATION;
use self::session::{EventWithContext, InitError, NextEvent, RuntimeSession};
use crate::extension::registry::ExtensionRegistry;
use crate::limits::RESPONSE_BYTES;
use crate::telemetry::hub::Telemetry;
use crate::telemetry::subscription::SubscriptionApi;
use crate::{extension, telemetry};

const EXTENSIONS: &str = "/2020-01-01/extension/";
const TELEMETRY: &str = "/2022-07-01/telemetry";
const LOGS: &str = "/2020-08-15/logs";

/// What answers the processes of one life.
#[derive(Debug)]
pub(crate) struct Api {
    pub session: Arc<RuntimeSession>,
    pub extensions: Arc<ExtensionRegistry>,
    pub telemetry: Arc<Telemetry>,
    pub metadata: Metadata,
    /// Whether the runtime is restored from a snapshot before its first event.
    pub snap_start: bool,
}

/// Answers one request of a process of the environment. A connection moves this future for each request, so what is
/// not part of every invocation stands in a box of its own.
pub(crate) async fn answer(request: Request<Incoming>, api: Arc<Api>) -> Response {
    let path = request.uri().path();
    if let Some(rest) = path.strip_prefix("/2018-06-01/") {
        let Some(route) = Route::of(rest, api.snap_start) else {
            return not_found();
        };
        return runtime(request, route, &api).await;
    }
    match path {
        TELEMETRY => Box::pin(subscribe(request, SubscriptionApi::Telemetry, &api)).await,
        LOGS => Box::pin(subscribe(request, SubscriptionApi::Logs, &api)).await,
        metadata::PATH => api.metadata.answer(&request),
        _ if path.starts_with(EXTENSIONS) => {
            Box::pin(extension::api::answer(request, Arc::clone(&api.extensions))).await
        }
        _ => not_found(),
    }
}

async fn subscribe(request: Request<Incoming>, kind: SubscriptionApi, api: &Api) -> Response {
    let (telemetry, extensions) = (Arc::clone(&api.telemetry), Arc::clone(&api.extensions));
    telemetry::api::answer(request, kind, telemetry, extensions).await
}

async fn runtime(request: Request<Incoming>, route: Route, api: &Api) -> Response {
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
                // The process is being ended; its connection is about to be.
                Err(_life_ended) => error_response(&ApiError::INTERNAL),
            },
            Ok(NextEvent::AfterResponse(answered)) => {
                let _it_ends_by_being_dropped = answered.await;
                continue;
            }
            Err(error) => error_response(&error),
        };
    }
}

async fn restore_next(session: &RuntimeSession) -> Response {
    match session.restore_next() {
        Ok(restored) => match restored.await {
            Ok(()) => json(StatusCode::OK, Bytes::new()),
            Err(_life_ended) => error_response(&ApiError::INTERNAL),
        },
        Err(error) => error_response(&error),
    }
}

async fn init_error(
    request: Request<Incoming>,
    take: impl FnOnce(InitError) -> Result<(), ApiError>,
) -> Response {
    let error_type = header(request.headers(), "lambda-runtime-function-error-type");
    let error_type = error_type.map(str::to_owned);
    match read_body(request.into_body(), RESPONSE_BYTES).await {
        Ok(body) => acknowledged(take(InitError { body, error_type })),
        Err(BodyError::TooLarge { .. }) => error_response(&ApiError::TOO_LARGE),
        Err(BodyError::Incomplete(_)) => error_response(&ApiError::TRUNCATED),
    }
}

fn event_response(delivery: &EventWithContext) -> Response {
    let mut response = json(StatusCode::OK, delivery.event.clone());
    let mut set = |name: &'static str, value: &str| {
        // A value that can not be a header is left out: a runtime does without rather than fail.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    };
    set(
        "lambda-runtime-aws-request-id",
        delivery.request_id.as_str(),
    );
    set("lambda-runtime-invocation-id", &delivery.invocation_id);
    set(
        "lambda-runtime-deadline-ms",
        &delivery.deadline_ms.to_string(),
    );
    set(
        "lambda-runtime-invoked-function-arn",
        &delivery.function_arn,
    );
    set("lambda-runtime-trace-id", &delivery.trace_id);
    if let Some(context) = &delivery.client_context {
        set("lambda-runtime-client-context", context);
    }
    if let Some(identity) = &delivery.cognito_identity {
        set("lambda-runtime-cognito-identity", identity);
    }
    if let Some(tenant) = &delivery.tenant_id {
        set("lambda-runtime-aws-tenant-id", tenant);
    }
    response
}
