//! The Invoke API (2015-03-31): how the AWS CLI, the SDKs and `curl` call functions.
//!
//! One listener serves all functions. A function is named in any form AWS knows; where there is a single function, the
//! name `function` leads to it too, because that is the only one AWS's Runtime Interface Emulator knows. Signatures
//! are accepted and ignored.
//!
//! On failure: errors of the request have AWS's status, type and message. A function that fails is no error of the
//! request: the status is 200, and `X-Amz-Function-Error` says that the body is the failure.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};
use hyper::body::Incoming;
use lambkin_http::{BodyError, Idle, Response, StopSignal, read_body};
use lambkin_model::{Failure, Invocation, Outcome, RequestId};
use tokio::net::TcpListener;

use crate::asynchronous::NotAccepted;
use crate::event;
use crate::lambda::{Lambda, new_request_id, new_trace_id, now_ms};
use crate::limits::{ASYNC_EVENT_BYTES, CLIENT_CONTEXT_BYTES, SYNC_EVENT_BYTES};
use crate::name::{FunctionRef, NAME_PATTERN, QUALIFIER_PATTERN, is_qualifier};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const LOG_RESULT: HeaderName = HeaderName::from_static("x-amz-log-result");
const REMAPPED_LENGTH: HeaderName = HeaderName::from_static("x-amzn-remapped-content-length");

/// The one name that AWS's emulator gives to its function.
const EMULATOR_NAME: &str = "function";

/// Serves the Invoke API until the signal comes.
pub async fn serve(listener: TcpListener, stop: StopSignal, lambda: Lambda) {
    lambkin_http::serve(listener, Idle::Limited, stop, move |request, peer| {
        answer(lambda.clone(), request, peer)
    })
    .await;
}

/// What a request asks for, all of it checked.
struct Call {
    function: FunctionRef,
    kind: Kind,
    wants_log_tail: bool,
    client_context: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    RequestResponse,
    Event,
    DryRun,
}

/// An error of the request, as AWS words it.
struct Error {
    status: StatusCode,
    error_type: &'static str,
    body: String,
}

async fn answer(lambda: Lambda, request: Request<Incoming>, _peer: SocketAddr) -> Response {
    let request_id = new_request_id();
    let mut response = match invoke(&lambda, request, &request_id).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    set(&mut response, REQUEST_ID, request_id.as_str());
    response
}

async fn invoke(
    lambda: &Lambda,
    request: Request<Incoming>,
    request_id: &RequestId,
) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    let name = invoked_name(head.uri.path())
        .ok_or_else(|| Error::unknown_operation(&head.method, head.uri.path()))?;
    if head.method != Method::POST {
        return Ok(method_not_allowed());
    }
    let call = Call::of(&name, head.uri.query(), &head.headers)?;
    let function = find(lambda, &call.function)?;
    if call.kind == Kind::DryRun {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    let event = read_event(body, call.kind).await?;
    let trace_id = trace_id(&head.headers);
    let invocation = Invocation {
        request_id: request_id.clone(),
        event,
        qualifier: call.function.qualifier,
        trace_id: trace_id.clone(),
        client_context: call.client_context,
        wants_log_tail: call.wants_log_tail,
    };
    if call.kind == Kind::Event {
        let accepted = lambda.accept(&function, invocation).await;
        accepted.map_err(|refused| Error::not_accepted(&refused))?;
        return Ok(empty(StatusCode::ACCEPTED));
    }
    let version = function.spec().version.clone();
    let mut response = outcome_response(function.invoke(invocation).await)?;
    set(&mut response, EXECUTED_VERSION, &version);
    set(&mut response, TRACE_ID, &trace_id);
    Ok(response)
}

/// The function name in an invocation's path, decoded.
fn invoked_name(path: &str) -> Option<String> {
    let name = path
        .strip_prefix("/2015-03-31/functions/")?
        .strip_suffix("/invocations")?;
    (!name.is_empty() && !name.contains('/')).then(|| percent_decode(name))
}

impl Call {
    fn of(name: &str, query: Option<&str>, headers: &HeaderMap) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let function = FunctionRef::parse(name);
        if function.is_none() {
            problems.push(validation(
                "functionName",
                name,
                &format!("satisfy regular expression pattern: {NAME_PATTERN}"),
            ));
        }
        let asked = query.and_then(|query| parameter(query, "Qualifier"));
        if let Some(qualifier) = asked
            .as_deref()
            .filter(|qualifier| !is_qualifier(qualifier))
        {
            let pattern = format!("satisfy regular expression pattern: {QUALIFIER_PATTERN}");
            problems.push(validation("qualifier", qualifier, &pattern));
        }
        let kind = match header(headers, "x-amz-invocation-type") {
            None | Some("RequestResponse") => Kind::RequestResponse,
            Some("Event") => Kind::Event,
            Some("DryRun") => Kind::DryRun,
            Some(other) => {
                let values = "satisfy enum value set: [Event, RequestResponse, DryRun]";
                problems.push(validation("invocationType", other, values));
                Kind::DryRun
            }
        };
        let log_type = header(headers, "x-amz-log-type");
        if let Some(other) = log_type.filter(|log_type| !matches!(*log_type, "None" | "Tail")) {
            problems.push(validation(
                "logType",
                other,
                "satisfy enum value set: [None, Tail]",
            ));
        }
        let Some(mut function) = function.filter(|_| problems.is_empty()) else {
            return Err(Error::validation(&problems));
        };
        match (&function.qualifier, asked) {
            (Some(derived), Some(asked)) if *derived != asked => {
                return Err(Error::qualifier_mismatch());
            }
            (None, asked) => function.qualifier = asked,
            _ => {}
        }
        let client_context = header(headers, "x-amz-client-context")
            .map(decode_client_context)
            .transpose()?;
        Ok(Self {
            function,
            kind,
            wants_log_tail: log_type == Some("Tail"),
            client_context,
        })
    }
}

fn validation(member: &str, value: &str, constraint: &str) -> String {
    format!("Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}")
}

fn find(lambda: &Lambda, wanted: &FunctionRef) -> Result<std::sync::Arc<crate::Function>, Error> {
    let qualifier = wanted.qualifier.as_deref();
    let mut names = lambda.names();
    let name = match (names.next(), names.next()) {
        (Some(only), None) if wanted.name == EMULATOR_NAME => only,
        _ => &wanted.name,
    };
    lambda.find(name, qualifier).cloned().ok_or_else(|| {
        let account = lambda.account();
        let (name, qualifier) = (&wanted.name, qualifier.unwrap_or("$LATEST"));
        Error::function_not_found(&format!(
            "arn:aws:lambda:{}:{}:function:{name}:{qualifier}",
            account.region, account.id
        ))
    })
}

async fn read_event(body: Incoming, kind: Kind) -> Result<Bytes, Error> {
    let event = read_body(body, SYNC_EVENT_BYTES)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge { .. } => Error::event_too_large(),
            BodyError::Incomplete(reason) => Error::not_json(&reason),
        })?;
    if kind == Kind::Event && event.len() > ASYNC_EVENT_BYTES {
        return Err(Error::async_event_too_large(event.len()));
    }
    if event.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    event::check(&event).map_err(|reason| Error::not_json(&reason))?;
    Ok(event)
}

fn decode_client_context(base64: &str) -> Result<String, Error> {
    if base64.len() > CLIENT_CONTEXT_BYTES {
        let message = format!(
            "Client context must be no longer than {CLIENT_CONTEXT_BYTES} bytes of base64."
        );
        return Err(Error::invalid_content(&message));
    }
    let invalid =
        || Error::invalid_content("Client context must be a valid Base64-encoded JSON object.");
    let json = BASE64.decode(base64).map_err(|_| invalid())?;
    let value: serde_json::Value = serde_json::from_slice(&json).map_err(|_| invalid())?;
    // On one line: it becomes a header of the Runtime API.
    Ok(value.to_string())
}

/// The caller's trace, or a new one.
fn trace_id(headers: &HeaderMap) -> String {
    match header(headers, "x-amzn-trace-id") {
        Some(trace_id) => trace_id.to_owned(),
        None => new_trace_id(now_ms()),
    }
}

fn outcome_response(outcome: Outcome) -> Result<Response, Error> {
    let (payload, failed) = match outcome.result {
        Ok(payload) => (payload, false),
        Err(Failure::Function(fault)) => (fault.payload, true),
        Err(Failure::Throttled) => return Err(Error::throttled()),
        Err(Failure::UnknownFunction | Failure::ShuttingDown) => return Err(Error::shutting_down()),
    };
    let mut response = Response::new(payload.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REMAPPED_LENGTH, HeaderValue::from_static("0"));
    if failed {
        headers.insert(FUNCTION_ERROR, HeaderValue::from_static("Unhandled"));
    }
    if let Some(tail) = outcome.log_tail {
        set(&mut response, LOG_RESULT, &BASE64.encode(tail));
    }
    Ok(response)
}

impl Error {
    fn new(status: StatusCode, error_type: &'static str, body: &[(&str, &str)]) -> Self {
        let members: Vec<String> = body
            .iter()
            .map(|(key, value)| format!("{}:{}", quote(key), quote(value)))
            .collect();
        Self {
            status,
            error_type,
            body: format!("{{{}}}", members.join(",")),
        }
    }

    fn unknown_operation(method: &Method, path: &str) -> Self {
        let message = format!(
            "Lambkin's Invoke API has no operation {method} {path}; functions are invoked with POST /2015-03-31/functions/NAME/invocations"
        );
        let body = [("Message", message.as_str()), ("Type", "User")];
        Self::new(StatusCode::NOT_FOUND, "UnknownOperationException", &body)
    }

    fn validation(problems: &[String]) -> Self {
        let noun = if problems.len() == 1 {
            "validation error"
        } else {
            "validation errors"
        };
        let message = format!(
            "{} {noun} detected: {}",
            problems.len(),
            problems.join("; ")
        );
        Self::new(
            StatusCode::BAD_REQUEST,
            "ValidationException",
            &[("message", &message)],
        )
    }

    fn qualifier_mismatch() -> Self {
        let message =
            "The derived qualifier from the function name does not match the specified qualifier.";
        let body = [("Type", "User"), ("Message", message), ("message", message)];
        Self::new(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            &body,
        )
    }

    fn function_not_found(arn: &str) -> Self {
        let message = format!("Function not found: {arn}");
        let body = [("Message", message.as_str()), ("Type", "User")];
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", &body)
    }

    fn not_json(reason: &str) -> Self {
        Self::invalid_content(&format!(
            "Could not parse request body into json: Could not parse payload into json: {reason}"
        ))
    }

    fn invalid_content(message: &str) -> Self {
        let body = [("message", message), ("Type", "User")];
        Self::new(
            StatusCode::BAD_REQUEST,
            "InvalidRequestContentException",
            &body,
        )
    }

    fn event_too_large() -> Self {
        Self::too_large(&format!(
            "Request must be smaller than {SYNC_EVENT_BYTES} bytes for the InvokeFunction operation"
        ))
    }

    fn async_event_too_large(length: usize) -> Self {
        Self::too_large(&format!(
            "{length} byte payload is too large for the Event invocation type (limit {ASYNC_EVENT_BYTES} bytes)"
        ))
    }

    fn too_large(message: &str) -> Self {
        let body = [("Message", message), ("Type", "User")];
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLargeException",
            &body,
        )
    }

    fn throttled() -> Self {
        let body = [
            (
                "Reason",
                "ReservedFunctionConcurrentInvocationLimitExceeded",
            ),
            ("Type", "User"),
            ("message", "Rate Exceeded."),
        ];
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequestsException",
            &body,
        )
    }

    fn shutting_down() -> Self {
        let body = [
            ("Message", "The Lambda host is shutting down."),
            ("Type", "Service"),
        ];
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "ServiceException", &body)
    }

    fn not_accepted(refused: &NotAccepted) -> Self {
        let message = refused.to_string();
        let body = [("Message", message.as_str()), ("Type", "Service")];
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "ServiceException", &body)
    }

    fn into_response(self) -> Response {
        let mut response = Response::new(self.body.into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ERROR_TYPE, HeaderValue::from_static(self.error_type));
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// A JSON string.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(REMAPPED_LENGTH, HeaderValue::from_static("0"));
    response
}

fn method_not_allowed() -> Response {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    // The values are ids, versions and base64; one that is not a legal header is better left out.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The first value of a query parameter, decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| percent_decode(value))
}

fn percent_decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}
