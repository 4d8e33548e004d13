//! What a request asks for, all of it checked.
//!
//! Everything that does not match its pattern is reported at once, as AWS does; what is well-formed but does not fit
//! together or does not fit the function, one by one. The content type plays no part: AWS reads the body as JSON
//! whatever it says.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::HeaderMap;
use http::header::HeaderName;
use hyper::body::Incoming;
use lambkin_http::{BodyError, header, read_body};

use super::Operation;
use super::error::Error;
use crate::event;
use crate::limits::{
    ASYNC_EVENT_BYTES, CLIENT_CONTEXT_BYTES, DURABLE_NAME_LENGTH, INVOKE_ASYNC_BYTES, NAME_LENGTH,
    QUALIFIER_LENGTH, SYNC_EVENT_BYTES, TENANT_ID_LENGTH,
};
use crate::name::{FunctionRef, NAME_PATTERN, QUALIFIER_PATTERN, is_qualifier};
use crate::spec::FunctionSpec;

const INVOCATION_TYPE: HeaderName = HeaderName::from_static("x-amz-invocation-type");
const LOG_TYPE: HeaderName = HeaderName::from_static("x-amz-log-type");
const CLIENT_CONTEXT: HeaderName = HeaderName::from_static("x-amz-client-context");
const TENANT_ID: HeaderName = HeaderName::from_static("x-amz-tenant-id");
const DURABLE_NAME: HeaderName = HeaderName::from_static("x-amz-durable-execution-name");

const TENANT_ID_PATTERN: &str = r"[a-zA-Z0-9\._:\/=+\-@ ]+";
const DURABLE_NAME_PATTERN: &str = "[a-zA-Z0-9-_]+";

/// How the caller wants the function to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    RequestResponse,
    Event,
    DryRun,
}

/// The function a request is about: its name from the path and its `Qualifier` parameter, decoded.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    name: Cow<'a, str>,
    qualifier: Option<Cow<'a, str>>,
}

/// A checked call.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub function: FunctionRef<'a>,
    pub kind: Kind,
    pub wants_log_tail: bool,
    pub client_context: Option<String>,
    pub tenant_id: Option<&'a str>,
    durable: bool,
}

/// Violated constraints, in AWS's words.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<String>);

impl Violations {
    fn add(&mut self, member: &str, value: &str, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}"
        ));
    }

    /// A text of at least one byte that matches a pattern.
    fn check(&mut self, member: &str, value: &str, length: usize, pattern: &str, matches: bool) {
        if value.is_empty() {
            let constraint = "have length greater than or equal to 1";
            self.add(member, value, constraint);
        }
        if value.len() > length {
            let constraint = format!("have length less than or equal to {length}");
            self.add(member, value, &constraint);
        }
        if !matches {
            let constraint = format!("satisfy regular expression pattern: {pattern}");
            self.add(member, value, &constraint);
        }
    }

    /// A value of a fixed set.
    pub(super) fn check_enum(&mut self, member: &str, value: Option<&str>, set: &[&str]) {
        if let Some(value) = value.filter(|value| !set.contains(value)) {
            let constraint = format!("satisfy enum value set: [{}]", set.join(", "));
            self.add(member, value, &constraint);
        }
    }

    pub(crate) fn none(&self) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Error::validation(&self.0))
    }
}

impl<'a> Target<'a> {
    pub(crate) fn of(name: &'a str, query: Option<&'a str>) -> Self {
        Self {
            name: percent_decode(name),
            qualifier: query.and_then(|query| parameter(query, "Qualifier")),
        }
    }

    /// The function meant, and violations of what name and qualifier have to look like.
    pub(crate) fn function(&self, violations: &mut Violations) -> Result<FunctionRef<'_>, Error> {
        let parsed = FunctionRef::parse(&self.name);
        violations.check(
            "functionName",
            &self.name,
            NAME_LENGTH,
            NAME_PATTERN,
            parsed.is_some(),
        );
        let asked = self.qualifier.as_deref();
        if let Some(asked) = asked {
            violations.check(
                "qualifier",
                asked,
                QUALIFIER_LENGTH,
                QUALIFIER_PATTERN,
                is_qualifier(asked),
            );
        }
        let mut function = match parsed {
            Some(function) => function,
            None => return Err(Error::validation(&violations.0)),
        };
        let differ = |derived| asked.is_some_and(|asked| asked != derived);
        if violations.0.is_empty() && function.qualifier.is_some_and(differ) {
            return Err(Error::invalid_parameter(
                "The derived qualifier from the function name does not match the specified qualifier.",
            ));
        }
        function.qualifier = function.qualifier.or(asked);
        Ok(function)
    }
}

impl<'a> Call<'a> {
    pub(super) fn of(
        target: &'a Target<'_>,
        headers: &'a HeaderMap,
        operation: Operation,
    ) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let asked = Headers::read(headers, operation, &mut violations);
        let function = target.function(&mut violations)?;
        violations.none()?;
        let client_context = asked.client_context.map(decode_client_context);
        Ok(Self {
            function,
            kind: asked.kind,
            wants_log_tail: asked.log_type == Some("Tail"),
            client_context: client_context.transpose()?,
            tenant_id: asked.tenant_id,
            durable: asked.durable_name.is_some(),
        })
    }

    /// Whether the function takes such a call.
    pub(super) fn suits(&self, spec: &FunctionSpec) -> Result<(), Error> {
        match (spec.tenant_isolation, self.tenant_id) {
            (true, None) => Err(Error::invalid_parameter(
                "The invoked function is enabled with tenancy configuration. \
                 Add a valid tenant ID in your request and try again.",
            )),
            (false, Some(_)) => Err(Error::invalid_parameter(
                "The invoked function is not enabled with tenancy configuration. \
                 Remove the tenant ID from your request and try again.",
            )),
            _ if self.durable => Err(Error::invalid_parameter(
                "The invoked function is not enabled with durable configuration. \
                 Remove the durable execution name from your request and try again.",
            )),
            _ => Ok(()),
        }
    }
}

/// The headers that say how to invoke.
#[derive(Debug)]
struct Headers<'a> {
    kind: Kind,
    log_type: Option<&'a str>,
    client_context: Option<&'a str>,
    tenant_id: Option<&'a str>,
    durable_name: Option<&'a str>,
}

impl<'a> Headers<'a> {
    fn read(headers: &'a HeaderMap, operation: Operation, violations: &mut Violations) -> Self {
        let kind = header(headers, &INVOCATION_TYPE);
        let read = Self {
            kind: match (operation, kind) {
                (Operation::InvokeAsync, _) | (Operation::Invoke, Some("Event")) => Kind::Event,
                (_, Some("DryRun")) => Kind::DryRun,
                _ => Kind::RequestResponse,
            },
            log_type: header(headers, &LOG_TYPE),
            client_context: header(headers, &CLIENT_CONTEXT),
            tenant_id: header(headers, &TENANT_ID),
            durable_name: header(headers, &DURABLE_NAME),
        };
        let kinds: &[&str] = match operation {
            Operation::Invoke => &["Event", "RequestResponse", "DryRun"],
            Operation::InvokeWithResponseStream => &["RequestResponse", "DryRun"],
            // The operation has no such member.
            Operation::InvokeAsync => return read,
        };
        violations.check_enum("invocationType", kind, kinds);
        violations.check_enum("logType", read.log_type, &["None", "Tail"]);
        if let Some(id) = read.tenant_id {
            let legal = id.bytes().all(is_tenant_byte) && !id.is_empty();
            violations.check("tenantId", id, TENANT_ID_LENGTH, TENANT_ID_PATTERN, legal);
        }
        if let Some(name) = read.durable_name {
            let legal = name.bytes().all(is_durable_byte) && !name.is_empty();
            let (length, pattern) = (DURABLE_NAME_LENGTH, DURABLE_NAME_PATTERN);
            violations.check("durableExecutionName", name, length, pattern, legal);
        }
        read
    }
}

fn is_tenant_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:/=+-@ ".contains(&byte)
}

fn is_durable_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(&byte)
}

/// Reads the event and makes sure that it is JSON. No body at all is an empty event.
pub(super) async fn read_event(
    body: Incoming,
    operation: Operation,
    kind: Kind,
) -> Result<Bytes, Error> {
    let event = read_body(body, SYNC_EVENT_BYTES)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge { .. } => Error::event_too_large(),
            BodyError::Incomplete(reason) => Error::not_json(&reason),
        })?;
    if operation == Operation::InvokeAsync && event.len() > INVOKE_ASYNC_BYTES {
        return Err(Error::too_large(format!(
            "Request must be smaller than {INVOKE_ASYNC_BYTES} bytes for the InvokeAsync operation"
        )));
    }
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
        return Err(Error::invalid_content(format!(
            "Client context must be no longer than {CLIENT_CONTEXT_BYTES} bytes of base64."
        )));
    }
    let invalid =
        || Error::invalid_content("Client context must be a valid Base64-encoded JSON object.");
    let json = BASE64.decode(base64).map_err(|_| invalid())?;
    let value: serde_json::Value = serde_json::from_slice(&json).map_err(|_| invalid())?;
    Ok(json_for_header(&value))
}

/// JSON on one line that can be a header: of what JSON does not escape by itself, a header may not have this character.
pub(crate) fn json_for_header(value: &serde_json::Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007f")
}

/// The first value of a query parameter, decoded.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| percent_decode(value))
}

pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy()
}
