//! Invoking a function: synchronously, asynchronously, or as a dry run.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, StatusCode};
use lambkin_http::{RequestBody, Response, header, json, set_header};
use lambkin_lambda::{Function, FunctionSpec, Lambda, new_trace_id, now_ms};
use lambkin_model::{Invocation, InvokeError, Outcome, RequestId};

use crate::error::ApiError;
use crate::operation::Operation;
use crate::request::{InvocationType, InvokeRequest, read_event};
use crate::response::{self, EXECUTED_VERSION, TRACE_ID};
use crate::target::Target;
use crate::{lookup, stream};

/// Invokes the function with this name, which is percent-encoded.
pub(crate) async fn invoke(
    lambda: &Lambda,
    operation: Operation,
    name: &str,
    head: &Parts,
    body: RequestBody,
    request_id: &RequestId,
) -> Result<Response, ApiError> {
    let target = Target::of(name, head.uri.query());
    let request = InvokeRequest::parse(&target, &head.headers, operation)?;
    let function = lookup::find(lambda, &request.function)?;
    request.check_supported(function.spec())?;
    if request.invocation_type == InvocationType::DryRun {
        return Ok(response::empty(StatusCode::NO_CONTENT));
    }
    let event = read_event(body, operation, request.invocation_type).await?;
    let trace_id = trace_id(&head.headers, function)?;
    let invocation = Invocation {
        qualifier: request.function.qualifier.map(str::to_owned),
        client_context: request.client_context,
        tenant_id: request.tenant_id.map(str::to_owned),
        wants_log_tail: request.wants_log_tail,
        ..Invocation::new(request_id.clone(), event, trace_id.clone())
    };
    if request.invocation_type == InvocationType::Event {
        return Box::pin(accept(lambda, function, invocation, operation)).await;
    }
    let mut response = if operation == Operation::InvokeWithResponseStream {
        Box::pin(invoke_streaming(function, invocation)).await?
    } else {
        outcome_response(function.invoke(invocation).await, function.spec())?
    };
    set_header(&mut response, EXECUTED_VERSION, &function.spec().version);
    set_header(&mut response, TRACE_ID, &trace_id);
    Ok(response)
}

/// Accepts an asynchronous invocation, which has neither a client context nor a log to return.
async fn accept(
    lambda: &Lambda,
    function: &Function,
    mut invocation: Invocation,
    operation: Operation,
) -> Result<Response, ApiError> {
    invocation.client_context = None;
    invocation.wants_log_tail = false;
    lambda
        .accept(function, invocation)
        .await
        .map_err(|error| ApiError::not_accepted(&error))?;
    Ok(match operation {
        Operation::InvokeAsync => json(StatusCode::ACCEPTED, r#"{"Status":202}"#),
        _ => response::empty(StatusCode::ACCEPTED),
    })
}

async fn invoke_streaming(
    function: &Arc<Function>,
    invocation: Invocation,
) -> Result<Response, ApiError> {
    let reply = function.invoke_streaming(invocation).await;
    stream::response(reply, function.spec())
}

/// The response to a synchronous invocation. A function that failed has a response; one that was not invoked is an
/// error.
fn outcome_response(outcome: Outcome, spec: &FunctionSpec) -> Result<Response, ApiError> {
    let (payload, failed) = match outcome.result {
        Ok(payload) => (payload, false),
        Err(InvokeError::Function(error)) => (error.payload, true),
        Err(error) => return Err(ApiError::not_invoked(&error, spec)),
    };
    Ok(response::invoked(payload, failed, outcome.log_tail))
}

/// The caller's trace header, or a new one, with this call counted in it.
fn trace_id(headers: &HeaderMap, function: &Function) -> Result<String, ApiError> {
    let callers = header(headers, &TRACE_ID).filter(|trace| trace.contains("Root="));
    let mut trace_id = match callers {
        Some(trace_id) => trace_id.to_owned(),
        None => new_trace_id(now_ms()),
    };
    if !function.check_recursion(&mut trace_id) {
        return Err(ApiError::recursion());
    }
    Ok(trace_id)
}
