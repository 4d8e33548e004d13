//! The Invoke API: how the AWS CLI, the SDKs and `curl` call functions.
//!
//! `Invoke` (2015-03-31), `InvokeWithResponseStream` (2021-11-15), the deprecated `InvokeAsync` (2014-11-13), and the
//! reads of the control plane that tools make before they call (see [`control`]). One listener serves all functions. A
//! function is named in any form AWS knows; where there is a single function, the name `function` leads to it too,
//! because that is the only one AWS's Runtime Interface Emulator knows. Signatures are accepted and ignored.
//!
//! On failure: errors of the request have AWS's status, type and message. A function that fails is no error of the
//! request: the status is 200, and `X-Amz-Function-Error`, or the stream's last event, says that it failed.

mod control;
mod error;
pub(crate) mod frame;
pub(crate) mod request;
mod response;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode};
use hyper::body::Incoming;
use lambkin_http::{IdleTimeout, Response, header};
use lambkin_model::{Invocation, RequestId};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::error::Error;
use self::request::{Call, Kind, Target, read_event};
use self::response::{EXECUTED_VERSION, REQUEST_ID, TRACE_ID, empty, set};
use crate::function::Function;
use crate::ids::{new_request_id, new_trace_id};
use crate::lambda::Lambda;
use crate::name::{FunctionRef, LATEST, LATEST_PUBLISHED};
use crate::recursion;
use crate::time::now_ms;

/// The one name that AWS's emulator gives to its function.
const EMULATOR_NAME: &str = "function";

/// The ways to invoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Invoke,
    InvokeWithResponseStream,
    InvokeAsync,
}

impl Operation {
    /// The operation of a path, and the function's name in it as it was sent.
    fn of(path: &str) -> Option<(Self, &str)> {
        let (operation, name) = if let Some(rest) = path.strip_prefix("/2015-03-31/functions/") {
            (Self::Invoke, rest.strip_suffix("/invocations")?)
        } else if let Some(rest) = path.strip_prefix("/2021-11-15/functions/") {
            let name = rest.strip_suffix("/response-streaming-invocations")?;
            (Self::InvokeWithResponseStream, name)
        } else {
            let rest = path.strip_prefix("/2014-11-13/functions/")?;
            // Some SDKs end the path with a slash, others do not.
            let name = rest.strip_suffix('/').unwrap_or(rest);
            (Self::InvokeAsync, name.strip_suffix("/invoke-async")?)
        };
        (!name.is_empty() && !name.contains('/')).then_some((operation, name))
    }
}

/// Serves the Invoke API until `stop` is cancelled.
pub async fn serve(listener: TcpListener, stop: CancellationToken, lambda: Lambda) {
    lambkin_http::serve(
        listener,
        IdleTimeout::Limited,
        stop,
        move |request, peer| answer(lambda.clone(), request, peer),
    )
    .await;
}

/// A connection moves this future for each request, so what is not the warm path stands in a box of its own.
async fn answer(lambda: Lambda, request: Request<Incoming>, _peer: SocketAddr) -> Response {
    let request_id = new_request_id();
    let (head, body) = request.into_parts();
    let answered = match Operation::of(head.uri.path()) {
        Some(_) if head.method != Method::POST => Ok(response::method_not_allowed()),
        Some((operation, name)) => invoke(&lambda, operation, name, &head, body, &request_id).await,
        None => Box::pin(control::answer(&lambda, &head)).await,
    };
    let mut response = answered.unwrap_or_else(Error::into_response);
    set(&mut response, REQUEST_ID, request_id.as_str());
    response
}

async fn invoke(
    lambda: &Lambda,
    operation: Operation,
    name: &str,
    head: &Parts,
    body: Incoming,
    request_id: &RequestId,
) -> Result<Response, Error> {
    let target = Target::of(name, head.uri.query());
    let call = Call::of(&target, &head.headers, operation)?;
    let function = find(lambda, &call.function)?;
    call.suits(function.spec())?;
    if call.kind == Kind::DryRun {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    let event = read_event(body, operation, call.kind).await?;
    let trace_id = trace_id(&head.headers, function)?;
    let invocation = Invocation {
        qualifier: call.function.qualifier.map(str::to_owned),
        client_context: call.client_context,
        tenant_id: call.tenant_id.map(str::to_owned),
        wants_log_tail: call.wants_log_tail,
        ..Invocation::new(request_id.clone(), event, trace_id.clone())
    };
    if call.kind == Kind::Event {
        return Box::pin(accept(lambda, function, invocation, operation)).await;
    }
    let mut response = match operation {
        Operation::InvokeWithResponseStream => {
            Box::pin(stream::invoke(function, invocation)).await?
        }
        _ => response::outcome(function.invoke(invocation).await, function.spec())?,
    };
    set(&mut response, EXECUTED_VERSION, &function.spec().version);
    set(&mut response, TRACE_ID, &trace_id);
    Ok(response)
}

/// Takes an invocation nobody waits for. It has neither a client context nor a log to return.
async fn accept(
    lambda: &Lambda,
    function: &Function,
    mut invocation: Invocation,
    operation: Operation,
) -> Result<Response, Error> {
    invocation.client_context = None;
    invocation.wants_log_tail = false;
    let accepted = lambda.accept(function, invocation).await;
    accepted.map_err(|refused| Error::not_accepted(&refused))?;
    Ok(match operation {
        Operation::InvokeAsync => response::json(StatusCode::ACCEPTED, r#"{"Status":202}"#.into()),
        _ => empty(StatusCode::ACCEPTED),
    })
}

fn find<'a>(lambda: &'a Lambda, wanted: &FunctionRef<'_>) -> Result<&'a Arc<Function>, Error> {
    let found = lambda.find(wanted);
    match found.or_else(|| emulated(lambda, wanted)) {
        Some(function) => Ok(function),
        None if wanted.qualifier == Some(LATEST_PUBLISHED) && lambda.versions(wanted).is_some() => {
            Err(Error::no_published_version())
        }
        None => Err(function_not_found(
            lambda,
            wanted,
            Some(wanted.qualifier.unwrap_or(LATEST)),
        )),
    }
}

/// The only function, if it was called by the name that AWS's emulator gives to its own.
fn emulated<'a>(lambda: &'a Lambda, wanted: &FunctionRef<'_>) -> Option<&'a Arc<Function>> {
    if wanted.name != EMULATOR_NAME {
        return None;
    }
    let mut names = lambda.names();
    match (names.next(), names.next()) {
        (Some(name), None) => lambda.find(&FunctionRef { name, ..*wanted }),
        _ => None,
    }
}

/// Names the function in the caller's own region and account, if it had any.
fn function_not_found(lambda: &Lambda, wanted: &FunctionRef<'_>, qualifier: Option<&str>) -> Error {
    let account = lambda.account();
    let region = wanted.region.unwrap_or(&account.region);
    let id = wanted.account.unwrap_or(&account.id);
    let name = wanted.name;
    let mut arn = lambkin_model::arn("lambda", region, id, &format!("function:{name}"));
    if let Some(qualifier) = qualifier {
        arn.extend([":", qualifier]);
    }
    Error::not_found(format!("Function not found: {arn}"))
}

/// The caller's trace, or a new one, with this call in its lineage.
fn trace_id(headers: &HeaderMap, function: &Function) -> Result<String, Error> {
    let given = header(headers, &TRACE_ID).filter(|trace| trace.contains("Root="));
    let mut trace_id = match given {
        Some(trace_id) => trace_id.to_owned(),
        None => new_trace_id(now_ms()),
    };
    if !recursion::check_recursion(&mut trace_id, function.spec()) {
        return Err(Error::recursion());
    }
    Ok(trace_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_operations() {
        for (path, expected) in [
            (
                "/2015-03-31/functions/f/invocations",
                Some((Operation::Invoke, "f")),
            ),
            (
                "/2021-11-15/functions/f%3Alive/response-streaming-invocations",
                Some((Operation::InvokeWithResponseStream, "f%3Alive")),
            ),
            (
                "/2014-11-13/functions/f/invoke-async",
                Some((Operation::InvokeAsync, "f")),
            ),
            (
                "/2014-11-13/functions/f/invoke-async/",
                Some((Operation::InvokeAsync, "f")),
            ),
            ("/2015-03-31/functions/f/invocations/", None),
            ("/2015-03-31/functions//invocations", None),
            ("/2015-03-31/functions/a/b/invocations", None),
            ("/2015-03-31/functions/f", None),
            ("/", None),
        ] {
            assert_eq!(Operation::of(path), expected, "{path}");
        }
    }
}
