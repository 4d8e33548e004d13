//! The HTTP API of AWS's Runtime Interface Emulator (RIE).
//!
//! What scripts written for RIE depend on is the same: any method is accepted, the event need not be JSON, the response
//! is `text/plain`, and each outcome has RIE's status and body:
//!
//! | outcome | response |
//! |---|---|
//! | a result, or an error that the function reported | 200 and what the runtime posted |
//! | the function timed out | 200 and `Task timed out after 3.00 seconds` |
//! | a response over the size limit | 200 and `Function.ResponseSizeTooLarge` |
//! | an error that the runtime reported in its init phase | 502 and what it posted |
//! | the process ended, or could not be started | 502 and the error as JSON |
//! | a client context that is not base64 | 500 without a body |
//! | any other path | 404 and `404 page not found` |
//!
//! Defects of RIE are not reproduced. Its users may notice these differences:
//!
//! - A second call during an invocation ended RIE. Here it waits; when [`EMULATOR_QUEUE`] calls wait, it gets 429.
//! - An event over 6 MiB and 100 bytes was truncated. Here it gets 413.
//! - A process that ended in its init phase, or a bootstrap that could not be started, gave 502 without a body. Here
//!   the body contains the error, and the log states what to do. A process that ends after its response has no effect
//!   on it.
//! - A response was held back until the runtime requested its next event. Here it is sent at once.
//! - After a response with an unknown `Lambda-Runtime-Function-Response-Mode` the caller waited for the timeout. Here
//!   it gets 502 at once.
//! - The init phase was part of the function's timeout. Here it has a timeout of ten seconds, as on AWS.
//! - `Lambda-Runtime-Trace-Id` was missing. Here it is always present.
//! - HTML had the type `text/html`, because RIE detects it from the first bytes. Here all text is `text/plain`, and
//!   only binary responses are `application/octet-stream`.
//!
//! The name `function` leads to the only function, and so does each of the names that it has on AWS.
//!
//! [`EMULATOR_QUEUE`]: crate::limits::EMULATOR_QUEUE

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use lambkin_http::{
    Allowlist, BodyError, Listener, RequestBody, Response, empty, header, not_found, read_body,
    set_header,
};
use lambkin_lambda::limits::RESPONSE_BYTES;
use lambkin_lambda::{
    Function, Lambda, RESPONSE_TOO_LARGE, new_request_id, response_too_large_type_first,
    timed_out_text,
};
use lambkin_model::{FunctionErrorKind, Invocation, InvokeError, Outcome};
use tokio_util::sync::CancellationToken;

use super::request::{client_context, invoked_name, trace_id};
use crate::listener::serve_clients;
use crate::lookup::{EMULATOR_NAME, only_name};

/// The maximum size of an event, which is that of a response in RIE.
const EVENT_BYTES: usize = RESPONSE_BYTES;

/// The number of bytes from which RIE detects the content type of a body.
const SNIFFED_BYTES: usize = 512;

/// Serves invocations until `stop` is cancelled. Web pages on other machines can invoke the function if `allowlist` has
/// their origin.
pub async fn serve(
    listener: impl Into<Listener>,
    allowlist: Allowlist,
    stop: CancellationToken,
    lambda: Lambda,
) {
    let respond = move |request| respond(lambda.clone(), request);
    serve_clients(listener, allowlist, stop, respond).await;
}

async fn respond(lambda: Lambda, request: Request<RequestBody>) -> Response {
    let (head, body) = request.into_parts();
    let Some(function) = invoked_name(head.uri.path()).and_then(|name| find(&lambda, name)) else {
        return not_found();
    };
    let Ok(client_context) = client_context(&head.headers) else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let event = match read_body(body, EVENT_BYTES).await {
        Ok(event) => event,
        Err(BodyError::TooLarge { .. }) => return too_large(),
        Err(error) => return empty(error.status()),
    };
    let invocation = Invocation {
        client_context,
        tenant_id: header(&head.headers, "x-amz-tenant-id").map(str::to_owned),
        ..Invocation::new(new_request_id(), event, trace_id(&head.headers))
    };
    let timeout = function.spec().timeout;
    outcome_response(function.invoke(invocation).await, timeout)
}

fn find(lambda: &Lambda, name: &str) -> Option<Arc<Function>> {
    let name = match only_name(lambda) {
        Some(only) if name == EMULATOR_NAME => only,
        _ => name,
    };
    lambda.function(name).cloned()
}

/// RIE's response to an outcome.
fn outcome_response(outcome: Outcome, timeout: Duration) -> Response {
    let error = match outcome.result {
        Ok(payload) => return with_body(StatusCode::OK, payload),
        Err(InvokeError::Function(error)) => error,
        Err(InvokeError::Throttled) => {
            let body = "Too many calls already wait for the function.\n";
            return with_body(StatusCode::TOO_MANY_REQUESTS, body.into());
        }
        Err(InvokeError::UnknownFunction | InvokeError::ShuttingDown) => {
            return empty(StatusCode::SERVICE_UNAVAILABLE);
        }
    };
    match error.kind {
        FunctionErrorKind::TimedOut => with_body(StatusCode::OK, timed_out_text(timeout).into()),
        FunctionErrorKind::Platform(RESPONSE_TOO_LARGE) => {
            with_body(StatusCode::OK, response_too_large_type_first())
        }
        FunctionErrorKind::Reported => with_body(StatusCode::OK, error.payload),
        FunctionErrorKind::ReportedInInit | FunctionErrorKind::Platform(_) => {
            with_body(StatusCode::BAD_GATEWAY, error.payload)
        }
    }
}

fn too_large() -> Response {
    let text = format!("The event is larger than {EVENT_BYTES} bytes.\n");
    with_body(StatusCode::PAYLOAD_TOO_LARGE, text.into())
}

fn with_body(status: StatusCode, body: Bytes) -> Response {
    let mut response = empty(status);
    if body.is_empty() {
        return response;
    }
    let content_type = if is_text(&body) {
        "text/plain; charset=utf-8"
    } else {
        "application/octet-stream"
    };
    set_header(&mut response, CONTENT_TYPE, content_type);
    *response.body_mut() = body.into();
    response
}

/// Whether the first bytes of a body contain no control character that texts do not have.
fn is_text(body: &[u8]) -> bool {
    let is_control =
        |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0c' | b'\x1b');
    !body.iter().take(SNIFFED_BYTES).any(is_control)
}

#[cfg(test)]
mod tests {
    use lambkin_model::FunctionError;

    use super::*;

    fn respond_to(result: Result<Bytes, InvokeError>) -> (u16, Option<String>) {
        let outcome = Outcome {
            result,
            log_tail: None,
        };
        let response = outcome_response(outcome, Duration::from_secs(3));
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), content_type)
    }

    fn respond_to_error(kind: FunctionErrorKind) -> (u16, Option<String>) {
        let payload = Bytes::from_static(b"{}");
        respond_to(Err(InvokeError::Function(FunctionError { kind, payload })))
    }

    #[test]
    fn each_outcome_has_the_status_of_rie() {
        let text = Some("text/plain; charset=utf-8".to_owned());
        let ok = (200, text.clone());
        let bad_gateway = (502, text.clone());
        assert_eq!(respond_to(Ok("{}".into())), ok);
        assert_eq!(respond_to_error(FunctionErrorKind::Reported), ok);
        assert_eq!(respond_to_error(FunctionErrorKind::TimedOut), ok);
        assert_eq!(
            respond_to_error(FunctionErrorKind::Platform(RESPONSE_TOO_LARGE)),
            ok
        );
        assert_eq!(
            respond_to_error(FunctionErrorKind::ReportedInInit),
            bad_gateway
        );
        assert_eq!(
            respond_to_error(FunctionErrorKind::Platform("Runtime.ExitError")),
            bad_gateway
        );
        assert_eq!(respond_to(Err(InvokeError::Throttled)), (429, text));
        assert_eq!(respond_to(Err(InvokeError::ShuttingDown)), (503, None));
    }

    #[test]
    fn binary_responses_have_another_content_type() {
        let content_type = |body: &'static [u8]| respond_to(Ok(Bytes::from_static(body))).1;
        assert_eq!(content_type(b""), None);
        assert_eq!(
            content_type(b"\x01\x02").unwrap(),
            "application/octet-stream"
        );
        assert_eq!(
            content_type("caf\u{e9}\r\n\t".as_bytes()).unwrap(),
            "text/plain; charset=utf-8"
        );
    }
}
