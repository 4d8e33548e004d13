//! The HTTP API of docker-lambda's stay-open mode.
//!
//! There is one function, and every name leads to it. `X-Amz-Invocation-Type` and `X-Amz-Log-Type` work as on AWS. The
//! event is passed on unchanged, even if it is not JSON; an empty body is the event `{}`. An error of the function is a
//! 200 with `X-Amz-Function-Error: Unhandled`.
//!
//! Unlike AWS's own API, it can be called from web pages: `OPTIONS` with an `Origin` answers a preflight request, and
//! pages may read the response to a request with an `Origin`. As on every listener, these are the pages of this machine
//! and those whose origins are allowed; docker-lambda answered all pages.
//!
//! On failure: a client context that is not base64 gets 400 `ClientContextDecodingError`, an event over 6 MiB gets 413,
//! and a call over the queue's limit gets 429. The bodies have the members `errorType` and `errorMessage`.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode};
use lambkin_http::{
    Allowlist, BodyError, RequestBody, Response, header, json, method_not_allowed, not_found,
    read_body, set_header,
};
use lambkin_lambda::limits::SYNC_EVENT_BYTES;
use lambkin_lambda::{Function, api_error_body, new_request_id};
use lambkin_model::{Invocation, InvokeError, Outcome, RequestId};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::request::{client_context, invoked_name, trace_id};
use crate::listener::serve_clients;
use crate::response::{self, EXECUTED_VERSION, REQUEST_ID, TRACE_ID};

/// The headers of a response that a web page may read.
const EXPOSED_HEADERS: &str = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date,x-amz-log-result,x-amz-function-error";

/// How long a browser may cache the answer to a preflight request: two days, in seconds.
const PREFLIGHT_SECONDS: &str = "172800";

/// Serves invocations of one function until `stop` is cancelled.
pub async fn serve(
    listener: TcpListener,
    allowlist: Allowlist,
    stop: CancellationToken,
    function: Arc<Function>,
) {
    let respond = move |request| respond(Arc::clone(&function), request);
    serve_clients(listener, allowlist, stop, respond).await;
}

async fn respond(function: Arc<Function>, request: Request<RequestBody>) -> Response {
    let request_id = new_request_id();
    let has_origin = request.headers().contains_key("origin");
    let (head, body) = request.into_parts();
    let mut response = if head.method == Method::OPTIONS {
        preflight(&head.headers)
    } else if invoked_name(head.uri.path()).is_none() {
        not_found()
    } else if head.method != Method::POST {
        method_not_allowed(&Method::POST)
    } else {
        let result = invoke(function, &head, body, &request_id).await;
        result.unwrap_or_else(ApiError::into_response)
    };
    set_header(&mut response, REQUEST_ID, request_id.as_str());
    if has_origin {
        set_header(&mut response, "access-control-allow-origin", "*");
        set_header(
            &mut response,
            "access-control-expose-headers",
            EXPOSED_HEADERS,
        );
    }
    response
}

fn preflight(headers: &HeaderMap) -> Response {
    if !headers.contains_key("origin") {
        return lambkin_http::empty(StatusCode::FORBIDDEN);
    }
    let mut response = Response::default();
    set_header(&mut response, "access-control-max-age", PREFLIGHT_SECONDS);
    for (requested, allowed) in [
        (
            "access-control-request-headers",
            "access-control-allow-headers",
        ),
        (
            "access-control-request-method",
            "access-control-allow-methods",
        ),
    ] {
        if let Some(value) = header(headers, requested) {
            set_header(&mut response, allowed, value);
        }
    }
    response
}

/// An error response.
struct ApiError {
    status: StatusCode,
    error_type: &'static str,
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, error_type: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error_type,
            message: message.into(),
        }
    }

    fn into_response(self) -> Response {
        let body = api_error_body(self.error_type, &self.message);
        json(self.status, body)
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        let error_type = match error {
            BodyError::TooLarge { .. } => "RequestEntityTooLargeException",
            BodyError::Incomplete(_) => "InvalidRequestContentException",
            BodyError::TimedOut(_) => "RequestTimeoutException",
        };
        Self::new(error.status(), error_type, error.to_string())
    }
}

async fn invoke(
    function: Arc<Function>,
    head: &Parts,
    body: RequestBody,
    request_id: &RequestId,
) -> Result<Response, ApiError> {
    let invocation_type = header(&head.headers, "x-amz-invocation-type");
    let client_context = client_context(&head.headers).map_err(|reason| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "ClientContextDecodingError",
            format!("X-Amz-Client-Context cannot be decoded: {reason}"),
        )
    })?;
    let body = read_body(body, SYNC_EVENT_BYTES).await?;
    if invocation_type == Some("DryRun") {
        return Ok(response::empty(StatusCode::NO_CONTENT));
    }
    let trace_id = trace_id(&head.headers);
    let event = if body.is_empty() { "{}".into() } else { body };
    let invocation = Invocation {
        client_context,
        wants_log_tail: header(&head.headers, "x-amz-log-type") == Some("Tail"),
        ..Invocation::new(request_id.clone(), event, trace_id.clone())
    };
    if invocation_type == Some("Event") {
        tokio::spawn(async move { function.invoke(invocation).await });
        return Ok(response::empty(StatusCode::ACCEPTED));
    }
    let mut response = outcome_response(function.invoke(invocation).await)?;
    set_header(&mut response, TRACE_ID, &trace_id);
    set_header(&mut response, EXECUTED_VERSION, &function.spec().version);
    Ok(response)
}

fn outcome_response(outcome: Outcome) -> Result<Response, ApiError> {
    let (payload, failed) = match outcome.result {
        Ok(payload) => (payload, false),
        Err(InvokeError::Function(error)) => (error.payload, true),
        Err(InvokeError::Throttled) => {
            return Err(ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                "too many calls already wait for the function",
            ));
        }
        Err(InvokeError::UnknownFunction | InvokeError::ShuttingDown) => {
            return Err(ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceException",
                "lambkin is shutting down",
            ));
        }
    };
    Ok(response::invoked(payload, failed, outcome.log_tail))
}
