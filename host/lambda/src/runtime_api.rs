//! The Runtime API (2018-06-01): HTTP on one side, questions to a [life](crate::life::Life) on the other.
//!
//! This module reads requests and words answers. What a request means is not decided here: each becomes an [`Ask`] with
//! a return address, and the answer that comes back is rendered. A runtime that asks for the next event waits in its
//! request for as long as it takes.
//!
//! On failure: an unknown path is 404, a wrong method 405, and everything the state machine refuses has AWS's status,
//! error type and message. If the life ends first the connection ends with it.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use lambkin_http::{BodyError, Response, read_body};
use lambkin_model::RequestId;
use tokio::sync::{mpsc, oneshot};

use crate::fault::refusal_body;
use crate::lifecycle::NotAllowed;
use crate::limits::RESPONSE_BYTES;

/// A request of a runtime, with where to send the answer.
#[derive(Debug)]
pub(crate) enum Ask {
    /// `GET /runtime/invocation/next`
    Next(oneshot::Sender<Result<Delivery, Refusal>>),
    /// `POST /runtime/invocation/{id}/response`
    Response(Posted),
    /// `POST /runtime/invocation/{id}/error`
    Error(Posted),
    /// `POST /runtime/init/error`
    InitError { body: Bytes, reply: oneshot::Sender<Result<Accepted, Refusal>> },
}

/// What a runtime posted for an invocation.
#[derive(Debug)]
pub(crate) struct Posted {
    pub request_id: String,
    pub body: Result<Bytes, BodyError>,
    /// `Lambda-Runtime-Function-Response-Mode` was there and was not `streaming`.
    pub invalid_mode: bool,
    pub reply: oneshot::Sender<Result<Accepted, Refusal>>,
}

/// An event on its way to a runtime. Shared, as it may be delivered more than once.
pub(crate) type Delivery = Arc<EventWithContext>;

/// An event and what `next` says about it in headers.
#[derive(Debug)]
pub(crate) struct EventWithContext {
    pub request_id: RequestId,
    pub event: Bytes,
    /// Milliseconds since the Unix epoch.
    pub deadline_ms: u64,
    pub function_arn: String,
    pub trace_id: String,
    pub client_context: Option<String>,
}

/// 202 with `{"status":"OK"}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted;

/// An answer that is not a success.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: StatusCode,
    error_type: &'static str,
    message: Cow<'static, str>,
}

impl Refusal {
    pub(crate) const INVALID_REQUEST_ID: Self =
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID");
    pub(crate) const INVALID_RESPONSE_MODE: Self =
        Self::new(StatusCode::BAD_REQUEST, "InvalidFunctionResponseMode", "Invalid function response mode");
    pub(crate) const TRUNCATED: Self =
        Self::new(StatusCode::BAD_REQUEST, "TruncatedHTTPRequest", "HTTP request detected as truncated");
    pub(crate) const TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLarge",
        "Exceeded maximum allowed payload size (6291556 bytes).",
    );
    const INTERNAL: Self =
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "Internal Server Error");

    const fn new(status: StatusCode, error_type: &'static str, message: &'static str) -> Self {
        Self { status, error_type, message: Cow::Borrowed(message) }
    }
}

impl From<NotAllowed> for Refusal {
    fn from(refused: NotAllowed) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            error_type: "InvalidStateTransition",
            message: Cow::Owned(refused.to_string()),
        }
    }
}

/// Answers one request of a runtime.
pub(crate) async fn answer(request: Request<Incoming>, life: mpsc::UnboundedSender<Ask>) -> Response {
    let path = request.uri().path();
    let Some(route) = path.strip_prefix("/2018-06-01/").and_then(Route::of) else {
        return not_found();
    };
    if request.method() != route.method() {
        return method_not_allowed(&route.method());
    }
    match route {
        Route::Ping => text(StatusCode::OK, "pong"),
        Route::Next => next(&life).await,
        Route::Response(id) => {
            let id = id.to_owned();
            post(request, id, &life, Ask::Response).await
        }
        Route::Error(id) => {
            let id = id.to_owned();
            post(request, id, &life, Ask::Error).await
        }
        Route::InitError => init_error(request, &life).await,
    }
}

enum Route<'a> {
    Ping,
    Next,
    Response(&'a str),
    Error(&'a str),
    InitError,
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Option<Self> {
        match path {
            "ping" => return Some(Self::Ping),
            "runtime/invocation/next" => return Some(Self::Next),
            "runtime/init/error" => return Some(Self::InitError),
            _ => {}
        }
        match path.strip_prefix("runtime/invocation/")?.split_once('/')? {
            (id, "response") => Some(Self::Response(id)),
            (id, "error") => Some(Self::Error(id)),
            _ => None,
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::Ping | Self::Next => Method::GET,
            Self::Response(_) | Self::Error(_) | Self::InitError => Method::POST,
        }
    }
}

async fn next(life: &mpsc::UnboundedSender<Ask>) -> Response {
    let (reply, answer) = oneshot::channel();
    let asked = life.send(Ask::Next(reply));
    match answer.await {
        Ok(Ok(delivery)) if asked.is_ok() => event_response(&delivery),
        Ok(Err(refusal)) => refused(&refusal),
        _ => refused(&Refusal::INTERNAL),
    }
}

async fn post(
    request: Request<Incoming>,
    request_id: String,
    life: &mpsc::UnboundedSender<Ask>,
    ask: fn(Posted) -> Ask,
) -> Response {
    let mode = request.headers().get("lambda-runtime-function-response-mode");
    let invalid_mode = mode.is_some_and(|mode| mode != "streaming");
    let body = read_body(request.into_body(), RESPONSE_BYTES).await;
    let (reply, answer) = oneshot::channel();
    let _an_ended_life_drops_the_reply = life.send(ask(Posted { request_id, body, invalid_mode, reply }));
    acknowledged(answer.await)
}

async fn init_error(request: Request<Incoming>, life: &mpsc::UnboundedSender<Ask>) -> Response {
    let body = match read_body(request.into_body(), RESPONSE_BYTES).await {
        Ok(body) => body,
        Err(BodyError::TooLarge { .. }) => return refused(&Refusal::TOO_LARGE),
        Err(BodyError::Incomplete(_)) => return refused(&Refusal::TRUNCATED),
    };
    let (reply, answer) = oneshot::channel();
    let _an_ended_life_drops_the_reply = life.send(Ask::InitError { body, reply });
    acknowledged(answer.await)
}

fn acknowledged(answer: Result<Result<Accepted, Refusal>, oneshot::error::RecvError>) -> Response {
    match answer {
        Ok(Ok(Accepted)) => json(StatusCode::ACCEPTED, Bytes::from_static(b"{\"status\":\"OK\"}\n")),
        Ok(Err(refusal)) => refused(&refusal),
        Err(_life_ended) => refused(&Refusal::INTERNAL),
    }
}

fn event_response(delivery: &EventWithContext) -> Response {
    let mut response = json(StatusCode::OK, delivery.event.clone());
    let mut set = |name: &'static str, value: &str| {
        // A value that can not be a header is left out: a runtime does without rather than fail.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    };
    set("lambda-runtime-aws-request-id", delivery.request_id.as_str());
    set("lambda-runtime-deadline-ms", &delivery.deadline_ms.to_string());
    set("lambda-runtime-invoked-function-arn", &delivery.function_arn);
    set("lambda-runtime-trace-id", &delivery.trace_id);
    if let Some(context) = &delivery.client_context {
        set("lambda-runtime-client-context", context);
    }
    response
}

fn refused(refusal: &Refusal) -> Response {
    json(refusal.status, refusal_body(refusal.error_type, &refusal.message))
}

fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn text(status: StatusCode, body: &'static str) -> Response {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn not_found() -> Response {
    let mut response = text(StatusCode::NOT_FOUND, "404 page not found\n");
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn method_not_allowed(allowed: &Method) -> Response {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    if let Ok(value) = HeaderValue::from_str(allowed.as_str()) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}
