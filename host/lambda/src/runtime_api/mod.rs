//! The Runtime API (2018-06-01): HTTP on one side, a [`Conversation`] on the other.
//!
//! This module reads requests and words answers; what a request means is the conversation's to say. A runtime that asks
//! for the next event waits in its request for as long as it takes.
//!
//! On failure: an unknown path is 404, a wrong method 405, and everything the state machine refuses has AWS's status,
//! error type and message. If the life ends first the connection ends with it.

pub(crate) mod conversation;
mod lifecycle;
pub(crate) mod refusal;
pub(crate) mod reply;

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use lambkin_http::{BodyError, Response, read_body};

use self::conversation::{Conversation, EventWithContext, InitError, Next, Posted};
use self::refusal::Refusal;
use self::reply::{acknowledged, json, method_not_allowed, not_found, refused, text};
use crate::fault;
use crate::limits::RESPONSE_BYTES;

/// The content type of an error report that carries its cause for X-Ray beside what the caller is to see.
const ERROR_CAUSE: &str = "application/vnd.aws.lambda.error.cause+json";

/// Answers one request of a runtime.
pub(crate) async fn answer(
    request: Request<Incoming>,
    conversation: Arc<Conversation>,
) -> Response {
    let path = request.uri().path();
    let Some(route) = path.strip_prefix("/2018-06-01/").and_then(Route::of) else {
        return not_found();
    };
    if request.method() != route.method() {
        return method_not_allowed(&route.method());
    }
    match route {
        Route::Ping => text(StatusCode::OK, "pong"),
        Route::Next => next(&conversation).await,
        Route::Response(id) => {
            let id = id.to_owned();
            post(request, &id, |posted| conversation.response(posted)).await
        }
        Route::Error(id) => {
            let id = id.to_owned();
            let kind = request.headers().get(CONTENT_TYPE);
            let has_cause = kind.is_some_and(|kind| kind == ERROR_CAUSE);
            let take = |mut posted: Posted<'_>| {
                if has_cause {
                    posted.body = posted.body.map(|body| fault::without_cause(&body));
                }
                conversation.error(posted)
            };
            post(request, &id, take).await
        }
        Route::InitError => init_error(request, &conversation).await,
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

async fn next(conversation: &Conversation) -> Response {
    match conversation.next() {
        Ok(Next::Now(delivery)) => event_response(&delivery),
        Ok(Next::Later(delivery)) => match delivery.await {
            Ok(delivery) => event_response(&delivery),
            // The process is being ended; its connection is about to be.
            Err(_life_ended) => refused(&Refusal::INTERNAL),
        },
        Err(refusal) => refused(&refusal),
    }
}

async fn post(
    request: Request<Incoming>,
    request_id: &str,
    take: impl FnOnce(Posted<'_>) -> Result<(), Refusal>,
) -> Response {
    let mode = request
        .headers()
        .get("lambda-runtime-function-response-mode");
    let invalid_mode = mode.is_some_and(|mode| mode != "streaming");
    let body = read_body(request.into_body(), RESPONSE_BYTES).await;
    acknowledged(take(Posted {
        request_id,
        body,
        invalid_mode,
    }))
}

async fn init_error(request: Request<Incoming>, conversation: &Conversation) -> Response {
    let error_type = request.headers().get("lambda-runtime-function-error-type");
    let error_type = error_type
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    match read_body(request.into_body(), RESPONSE_BYTES).await {
        Ok(body) => acknowledged(conversation.init_error(InitError { body, error_type })),
        Err(BodyError::TooLarge { .. }) => refused(&Refusal::TOO_LARGE),
        Err(BodyError::Incomplete(_)) => refused(&Refusal::TRUNCATED),
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
    response
}
