//! Invocations as AWS's Runtime Interface Emulator (RIE) answers them.
//!
//! What scripts written for RIE rely on is RIE's: any method will do, the event need not be JSON, an answer is
//! `text/plain`, and an outcome has these statuses and bodies:
//!
//! | outcome | answer |
//! |---|---|
//! | a result, or an error that the function reported | 200 and what the runtime posted |
//! | the function's time-out went by | 200 and `Task timed out after 3.00 seconds` |
//! | a response over the limit | 200 and `Function.ResponseSizeTooLarge` |
//! | an error that the runtime reported in its init phase | 502 and what it posted |
//! | the process ended, or could not be started | 502 and the error as JSON |
//! | a client context that is not base64 | 500, nothing |
//! | any other path | 404 and `404 page not found` |
//!
//! What is a mere defect of RIE is not repeated. Of those its users know:
//!
//! - A second call while one runs ended RIE; here it waits, and with [`EMULATOR_QUEUE`] waiting it gets 429.
//! - An event over 6 MiB and 100 bytes was cut off; here it gets 413.
//! - A process that dies in its init phase, or a bootstrap that can not be started, gave 502 without a body; here the
//!   body says what happened, and the log says what to do. A process that dies after its answer spoils nothing.
//! - An answer was held back until the runtime asked for its next event; here it leaves at once.
//! - A response with an unknown `Lambda-Runtime-Function-Response-Mode` left the caller waiting for the time-out; here
//!   it is a 502 at once.
//! - The init phase was counted against the function's time-out; here it has ten seconds of its own, as on AWS.
//! - `Lambda-Runtime-Trace-Id` was missing; here there always is one.
//! - HTML got `text/html` because RIE guesses from the first bytes; here only what is no text at all is set apart,
//!   as `application/octet-stream`.
//!
//! The name `function` leads to the only function there is, and so does every other name that it has on AWS.
//!
//! [`EMULATOR_QUEUE`]: crate::limits::EMULATOR_QUEUE

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use lambkin_http::{BodyError, IdleTimeout, Response, header, not_found, read_body};
use lambkin_model::{FunctionErrorKind, Invocation, InvokeError, Outcome};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{client_context, invoked_name, trace_id};
use crate::function::Function;
use crate::function_error::{RESPONSE_TOO_LARGE, response_too_large_type_first, timed_out_text};
use crate::ids::new_request_id;
use crate::lambda::Lambda;
use crate::limits::RESPONSE_BYTES;

/// The one name that RIE gives to its function.
const ONLY_NAME: &str = "function";

/// RIE draws the line for events where it does for responses.
const EVENT_BYTES: usize = RESPONSE_BYTES;

/// RIE looks at this much of a body to guess what it is.
const SNIFFED_BYTES: usize = 512;

/// Serves invocations until `stop` is cancelled.
pub async fn serve(listener: TcpListener, stop: CancellationToken, lambda: Lambda) {
    lambkin_http::serve(
        listener,
        IdleTimeout::Limited,
        stop,
        move |request, _peer| answer(lambda.clone(), request),
    )
    .await;
}

async fn answer(lambda: Lambda, request: Request<Incoming>) -> Response {
    let (head, body) = request.into_parts();
    let Some(function) = invoked_name(head.uri.path()).and_then(|name| find(&lambda, name)) else {
        return not_found();
    };
    let Ok(client_context) = client_context(&head.headers) else {
        return status_only(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let event = match read_body(body, EVENT_BYTES).await {
        Ok(event) => event,
        Err(BodyError::TooLarge { .. }) => return too_large(),
        Err(BodyError::Incomplete(_)) => return status_only(StatusCode::BAD_REQUEST),
    };
    let invocation = Invocation {
        client_context,
        tenant_id: header(&head.headers, "x-amz-tenant-id").map(str::to_owned),
        ..Invocation::new(new_request_id(), event, trace_id(&head.headers))
    };
    let timeout = function.spec().timeout;
    worded(function.invoke(invocation).await, timeout)
}

fn find(lambda: &Lambda, name: &str) -> Option<Arc<Function>> {
    let mut names = lambda.names();
    if let (Some(only), None, ONLY_NAME) = (names.next(), names.next(), name) {
        return lambda.function(only).cloned();
    }
    lambda.function(name).cloned()
}

/// RIE's answer for an outcome.
fn worded(outcome: Outcome, timeout: Duration) -> Response {
    let error = match outcome.result {
        Ok(payload) => return with_body(StatusCode::OK, payload),
        Err(InvokeError::Function(error)) => error,
        Err(InvokeError::Throttled) => {
            let body = "Too many calls wait for the function already.\n";
            return with_body(StatusCode::TOO_MANY_REQUESTS, body.into());
        }
        Err(InvokeError::UnknownFunction | InvokeError::ShuttingDown) => {
            return status_only(StatusCode::SERVICE_UNAVAILABLE);
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
    if body.is_empty() {
        return status_only(status);
    }
    let content_type = if is_text(&body) {
        "text/plain; charset=utf-8"
    } else {
        "application/octet-stream"
    };
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn status_only(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// Whether a body starts without any byte that texts do not have.
fn is_text(body: &[u8]) -> bool {
    let control =
        |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0c' | b'\x1b');
    !body.iter().take(SNIFFED_BYTES).any(control)
}

#[cfg(test)]
mod tests {
    use lambkin_model::FunctionError;

    use super::*;

    fn answer_to(result: Result<Bytes, InvokeError>) -> (u16, Option<String>) {
        let outcome = Outcome {
            result,
            log_tail: None,
        };
        let response = worded(outcome, Duration::from_secs(3));
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), content_type)
    }

    fn answer_to_error(kind: FunctionErrorKind) -> (u16, Option<String>) {
        let payload = Bytes::from_static(b"{}");
        answer_to(Err(InvokeError::Function(FunctionError { kind, payload })))
    }

    #[test]
    fn each_outcome_has_ries_status() {
        let text = Some("text/plain; charset=utf-8".to_owned());
        let ok = (200, text.clone());
        let bad_gateway = (502, text.clone());
        assert_eq!(answer_to(Ok("{}".into())), ok);
        assert_eq!(answer_to_error(FunctionErrorKind::Reported), ok);
        assert_eq!(answer_to_error(FunctionErrorKind::TimedOut), ok);
        assert_eq!(
            answer_to_error(FunctionErrorKind::Platform(RESPONSE_TOO_LARGE)),
            ok
        );
        assert_eq!(
            answer_to_error(FunctionErrorKind::ReportedInInit),
            bad_gateway
        );
        assert_eq!(
            answer_to_error(FunctionErrorKind::Platform("Runtime.ExitError")),
            bad_gateway
        );
        assert_eq!(answer_to(Err(InvokeError::Throttled)), (429, text));
        assert_eq!(answer_to(Err(InvokeError::ShuttingDown)), (503, None));
    }

    #[test]
    fn what_is_no_text_is_set_apart() {
        let content_type = |body: &'static [u8]| answer_to(Ok(Bytes::from_static(body))).1;
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
