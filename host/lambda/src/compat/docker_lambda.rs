//! The HTTP API of docker-lambda's stay-open mode.
//!
//! There is one function, and every name leads to it. `X-Amz-Invocation-Type` and `X-Amz-Log-Type` work as on AWS; the
//! event is handed on as it is, JSON or not, and an absent one is `{}`. A function's error is a 200 with
//! `X-Amz-Function-Error: Unhandled`.
//!
//! Unlike AWS's own API it is open to web pages: `OPTIONS` with an `Origin` answers a preflight, and an answer to a
//! request with an `Origin` may be read by any page.
//!
//! On failure: a client context that is not base64 is a 400 `ClientContextDecodingError`; an event over 6 MiB gets a 413,
//! a call too many a 429, both with `errorType` and `errorMessage`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode};
use hyper::body::Incoming;
use lambkin_http::{
    BodyError, IdleTimeout, Response, header, json, method_not_allowed, not_found, read_body,
};
use lambkin_model::{Invocation, InvokeError, Outcome, RequestId};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{client_context, invoked_name, set, trace_id};
use crate::function::Function;
use crate::function_error;
use crate::ids::new_request_id;
use crate::limits::SYNC_EVENT_BYTES;

/// What a page may read of an answer, besides its body.
const EXPOSED_HEADERS: &str = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date,x-amz-log-result,x-amz-function-error";

/// How long a browser may remember a preflight: two days, in seconds.
const PREFLIGHT_SECONDS: &str = "172800";

/// Serves invocations of one function until `stop` is cancelled.
pub async fn serve(listener: TcpListener, stop: CancellationToken, function: Arc<Function>) {
    lambkin_http::serve(
        listener,
        IdleTimeout::Limited,
        stop,
        move |request, _peer| answer(Arc::clone(&function), request),
    )
    .await;
}

async fn answer(function: Arc<Function>, request: Request<Incoming>) -> Response {
    let request_id = new_request_id();
    let from_a_page = request.headers().contains_key("origin");
    let (head, body) = request.into_parts();
    let mut response = if head.method == Method::OPTIONS {
        preflight(&head.headers)
    } else if invoked_name(head.uri.path()).is_none() {
        not_found()
    } else if head.method != Method::POST {
        method_not_allowed(&Method::POST)
    } else {
        match invoke(function, &head, body, &request_id).await {
            Ok(response) => response,
            Err((status, error_type, message)) => {
                json(status, function_error::api_error_body(error_type, &message))
            }
        }
    };
    set(&mut response, "x-amzn-requestid", request_id.as_str());
    if from_a_page {
        set(&mut response, "access-control-allow-origin", "*");
        set(
            &mut response,
            "access-control-expose-headers",
            EXPOSED_HEADERS,
        );
    }
    response
}

fn preflight(headers: &HeaderMap) -> Response {
    let mut response = Response::default();
    if !headers.contains_key("origin") {
        *response.status_mut() = StatusCode::FORBIDDEN;
        return response;
    }
    set(&mut response, "access-control-max-age", PREFLIGHT_SECONDS);
    for (asked, allowed) in [
        (
            "access-control-request-headers",
            "access-control-allow-headers",
        ),
        (
            "access-control-request-method",
            "access-control-allow-methods",
        ),
    ] {
        if let Some(asked) = header(headers, asked) {
            set(&mut response, allowed, asked);
        }
    }
    response
}

/// Status, error type and message.
type ApiError = (StatusCode, &'static str, String);

async fn invoke(
    function: Arc<Function>,
    head: &Parts,
    body: Incoming,
    request_id: &RequestId,
) -> Result<Response, ApiError> {
    let kind = header(&head.headers, "x-amz-invocation-type");
    let client_context = client_context(&head.headers).map_err(|reason| {
        let message = format!("X-Amz-Client-Context can not be decoded: {reason}");
        (
            StatusCode::BAD_REQUEST,
            "ClientContextDecodingError",
            message,
        )
    })?;
    let event = read_body(body, SYNC_EVENT_BYTES)
        .await
        .map_err(body_error)?;
    if kind == Some("DryRun") {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    let trace_id = trace_id(&head.headers);
    let event = if event.is_empty() { "{}".into() } else { event };
    let invocation = Invocation {
        client_context,
        wants_log_tail: header(&head.headers, "x-amz-log-type") == Some("Tail"),
        ..Invocation::new(request_id.clone(), event, trace_id.clone())
    };
    if kind == Some("Event") {
        tokio::spawn(async move { function.invoke(invocation).await });
        return Ok(empty(StatusCode::ACCEPTED));
    }
    let mut response = worded(function.invoke(invocation).await)?;
    set(&mut response, "x-amzn-trace-id", &trace_id);
    set(
        &mut response,
        "x-amz-executed-version",
        &function.spec().version,
    );
    Ok(response)
}

fn body_error(error: BodyError) -> ApiError {
    let message = error.to_string();
    match error {
        BodyError::TooLarge { .. } => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLargeException",
            message,
        ),
        BodyError::Incomplete(_) => (
            StatusCode::BAD_REQUEST,
            "InvalidRequestContentException",
            message,
        ),
    }
}

fn worded(outcome: Outcome) -> Result<Response, ApiError> {
    let (payload, failed) = match outcome.result {
        Ok(payload) => (payload, false),
        Err(InvokeError::Function(error)) => (error.payload, true),
        Err(InvokeError::Throttled) => {
            let message = "too many calls wait for the function already".to_owned();
            return Err((
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                message,
            ));
        }
        Err(InvokeError::UnknownFunction | InvokeError::ShuttingDown) => {
            let message = "lambkin is shutting down".to_owned();
            return Err((StatusCode::SERVICE_UNAVAILABLE, "ServiceException", message));
        }
    };
    let mut response = json(StatusCode::OK, payload);
    set(&mut response, "x-amzn-remapped-content-length", "0");
    if failed {
        set(&mut response, "x-amz-function-error", "Unhandled");
    }
    if let Some(tail) = outcome.log_tail {
        set(&mut response, "x-amz-log-result", &BASE64.encode(tail));
    }
    Ok(response)
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    set(&mut response, "x-amzn-remapped-content-length", "0");
    response
}
