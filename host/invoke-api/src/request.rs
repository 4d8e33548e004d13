//! Parsing and validating a request that invokes a function.
//!
//! All violations of patterns and sets are reported at once, as on AWS. Combinations that are not allowed, and those
//! that the function does not support, are reported one by one. The content type is not considered: AWS reads the body
//! as JSON in any case.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::HeaderMap;
use http::header::HeaderName;
use lambkin_http::{BodyError, RequestBody, header, read_body};
use lambkin_lambda::limits::{ASYNC_EVENT_BYTES, SYNC_EVENT_BYTES};
use lambkin_lambda::{FunctionRef, FunctionSpec};

use crate::error::ApiError;
use crate::event;
use crate::limits::{
    CLIENT_CONTEXT_BYTES, DURABLE_NAME_LENGTH, INVOKE_ASYNC_BYTES, TENANT_ID_LENGTH,
};
use crate::operation::Operation;
use crate::target::Target;
use crate::violations::Violations;

const INVOCATION_TYPE: HeaderName = HeaderName::from_static("x-amz-invocation-type");
const LOG_TYPE: HeaderName = HeaderName::from_static("x-amz-log-type");
const CLIENT_CONTEXT: HeaderName = HeaderName::from_static("x-amz-client-context");
const TENANT_ID: HeaderName = HeaderName::from_static("x-amz-tenant-id");
const DURABLE_NAME: HeaderName = HeaderName::from_static("x-amz-durable-execution-name");

const TENANT_ID_PATTERN: &str = r"[a-zA-Z0-9\._:\/=+\-@ ]+";
const DURABLE_NAME_PATTERN: &str = "[a-zA-Z0-9-_]+";

/// How the caller wants the function to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvocationType {
    RequestResponse,
    Event,
    DryRun,
}

/// A valid request.
#[derive(Debug)]
pub(crate) struct InvokeRequest<'a> {
    pub function: FunctionRef<'a>,
    pub invocation_type: InvocationType,
    pub wants_log_tail: bool,
    /// The client context as JSON in one line.
    pub client_context: Option<String>,
    pub tenant_id: Option<&'a str>,
    is_durable: bool,
}

impl<'a> InvokeRequest<'a> {
    pub(crate) fn parse(
        target: &'a Target<'_>,
        headers: &'a HeaderMap,
        operation: Operation,
    ) -> Result<Self, ApiError> {
        let mut violations = Violations::default();
        let headers = Headers::parse(headers, operation, &mut violations);
        let function = target.function(&mut violations)?;
        violations.none()?;
        let client_context = headers.client_context.map(decode_client_context);
        Ok(Self {
            function,
            invocation_type: headers.invocation_type,
            wants_log_tail: headers.log_type == Some("Tail"),
            client_context: client_context.transpose()?,
            tenant_id: headers.tenant_id,
            is_durable: headers.durable_name.is_some(),
        })
    }

    /// Whether the function supports this request.
    pub(crate) fn check_supported(&self, spec: &FunctionSpec) -> Result<(), ApiError> {
        match (spec.tenant_isolation, self.tenant_id) {
            (true, None) => Err(ApiError::invalid_parameter(
                "The invoked function is enabled with tenancy configuration. \
                 Add a valid tenant ID in your request and try again.",
            )),
            (false, Some(_)) => Err(ApiError::invalid_parameter(
                "The invoked function is not enabled with tenancy configuration. \
                 Remove the tenant ID from your request and try again.",
            )),
            _ if self.is_durable => Err(ApiError::invalid_parameter(
                "The invoked function is not enabled with durable configuration. \
                 Remove the durable execution name from your request and try again.",
            )),
            _ => Ok(()),
        }
    }
}

/// The headers that select how the function is invoked.
#[derive(Debug)]
struct Headers<'a> {
    invocation_type: InvocationType,
    log_type: Option<&'a str>,
    client_context: Option<&'a str>,
    tenant_id: Option<&'a str>,
    durable_name: Option<&'a str>,
}

impl<'a> Headers<'a> {
    fn parse(headers: &'a HeaderMap, operation: Operation, violations: &mut Violations) -> Self {
        let invocation_type = header(headers, &INVOCATION_TYPE);
        let parsed = Self {
            invocation_type: match (operation, invocation_type) {
                (Operation::InvokeAsync, _) | (Operation::Invoke, Some("Event")) => {
                    InvocationType::Event
                }
                (_, Some("DryRun")) => InvocationType::DryRun,
                _ => InvocationType::RequestResponse,
            },
            log_type: header(headers, &LOG_TYPE),
            client_context: header(headers, &CLIENT_CONTEXT),
            tenant_id: header(headers, &TENANT_ID),
            durable_name: header(headers, &DURABLE_NAME),
        };
        let types: &[&str] = match operation {
            Operation::Invoke => &["Event", "RequestResponse", "DryRun"],
            Operation::InvokeWithResponseStream => &["RequestResponse", "DryRun"],
            // The operation has none of these members.
            Operation::InvokeAsync => return parsed,
        };
        violations.check_enum("invocationType", invocation_type, types);
        violations.check_enum("logType", parsed.log_type, &["None", "Tail"]);
        if let Some(id) = parsed.tenant_id {
            let matches = id.bytes().all(is_tenant_byte) && !id.is_empty();
            violations.check("tenantId", id, TENANT_ID_LENGTH, TENANT_ID_PATTERN, matches);
        }
        if let Some(name) = parsed.durable_name {
            let matches = name.bytes().all(is_durable_byte) && !name.is_empty();
            let (length, pattern) = (DURABLE_NAME_LENGTH, DURABLE_NAME_PATTERN);
            violations.check("durableExecutionName", name, length, pattern, matches);
        }
        parsed
    }
}

fn is_tenant_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:/=+-@ ".contains(&byte)
}

fn is_durable_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(&byte)
}

/// Reads the event and checks that it is JSON. An empty body is the event `{}`.
pub(crate) async fn read_event(
    body: RequestBody,
    operation: Operation,
    invocation_type: InvocationType,
) -> Result<Bytes, ApiError> {
    let event = read_body(body, SYNC_EVENT_BYTES)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge { .. } => ApiError::event_too_large(),
            BodyError::Incomplete(reason) => ApiError::not_json(&reason),
            BodyError::TimedOut(_) => ApiError::timed_out(error.to_string()),
        })?;
    if operation == Operation::InvokeAsync && event.len() > INVOKE_ASYNC_BYTES {
        return Err(ApiError::too_large(format!(
            "Request must be smaller than {INVOKE_ASYNC_BYTES} bytes for the InvokeAsync operation"
        )));
    }
    if invocation_type == InvocationType::Event && event.len() > ASYNC_EVENT_BYTES {
        return Err(ApiError::async_event_too_large(event.len()));
    }
    if event.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    event::check(&event).map_err(|reason| ApiError::not_json(&reason))?;
    Ok(event)
}

fn decode_client_context(base64: &str) -> Result<String, ApiError> {
    if base64.len() > CLIENT_CONTEXT_BYTES {
        return Err(ApiError::invalid_content(format!(
            "Client context must be no longer than {CLIENT_CONTEXT_BYTES} bytes of base64."
        )));
    }
    let invalid =
        || ApiError::invalid_content("Client context must be a valid Base64-encoded JSON object.");
    let json = BASE64.decode(base64).map_err(|_| invalid())?;
    let value: serde_json::Value = serde_json::from_slice(&json).map_err(|_| invalid())?;
    Ok(json_for_header(&value))
}

/// JSON in one line that is a valid header: of the characters that JSON does not escape, only DEL is not allowed there.
pub(crate) fn json_for_header(value: &serde_json::Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007f")
}
