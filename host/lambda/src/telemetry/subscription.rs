//! Parsing and validating an extension's subscription.
//!
//! The requests of the two APIs differ in a few fields. A request that is not valid gets the API's own validation
//! error, with a message that names the field, its value and the values that are allowed.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use http::{Method, StatusCode, Uri};
use serde::Deserialize;

use super::event::{Event, Kind};
use crate::api_error::ApiError;

/// The port of the Runtime API on AWS, which no subscriber can use.
const RESERVED_PORT: u16 = 9001;

/// The names of the environment's own host.
const OWN_HOSTS: [&str; 2] = ["sandbox.localdomain", "sandbox"];

const MAX_ITEMS: RangeInclusive<u64> = 1000..=10_000;
const MAX_BYTES: RangeInclusive<u64> = 262_144..=1_048_576;
const TIMEOUT_MS: RangeInclusive<u64> = 25..=30_000;

/// The API through which an extension subscribes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubscriptionApi {
    /// `PUT /2022-07-01/telemetry`
    Telemetry,
    /// `PUT /2020-08-15/logs`
    Logs,
}

/// Which events to deliver, how, and to which address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub api: SubscriptionApi,
    pub types: Vec<Kind>,
    pub buffering: Buffering,
    pub destination: Destination,
    /// The first version of the Logs API's schema has no `platform.runtimeDone`.
    has_runtime_done: bool,
}

/// A batch is delivered when it reaches the first of these limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buffering {
    pub max_items: usize,
    pub max_bytes: usize,
    pub timeout: Duration,
}

/// The address of a subscriber, which is always on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    Http {
        address: SocketAddr,
        /// Host and port as in the subscription, for the `Host` header.
        authority: String,
        /// The path with its query string.
        path: String,
        method: Method,
    },
    Tcp(SocketAddr),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    schema_version: Option<String>,
    types: Option<Vec<String>>,
    buffering: Option<BufferingBody>,
    destination: Option<DestinationBody>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BufferingBody {
    max_items: Option<u64>,
    max_bytes: Option<u64>,
    timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
struct DestinationBody {
    protocol: Option<String>,
    #[serde(rename = "URI")]
    uri: Option<String>,
    port: Option<u64>,
    method: Option<String>,
    encoding: Option<String>,
}

impl SubscriptionApi {
    /// Parses and validates a request's body. `own_port` is the port of this API itself, which cannot be a destination.
    pub(crate) fn subscription(self, body: &[u8], own_port: u16) -> Result<Subscription, ApiError> {
        self.parse(body, own_port)
            .map_err(|message| self.validation_error(message))
    }

    /// The error response to a request that is not valid.
    pub(crate) fn validation_error(self, message: String) -> ApiError {
        let error_type = match self {
            Self::Telemetry => "ValidationError",
            Self::Logs => "Logs.ValidationError",
        };
        ApiError::new(StatusCode::BAD_REQUEST, error_type, message)
    }

    /// The error response to a subscription after the init phase.
    pub(crate) fn closed_error(self) -> ApiError {
        let (error_type, message) = match self {
            Self::Telemetry => (
                "Telemetry.SubscriptionClosed",
                "Telemetry API subscription is closed already",
            ),
            Self::Logs => (
                "Logs.SubscriptionClosed",
                "Logs API subscription is closed already",
            ),
        };
        ApiError::new(StatusCode::FORBIDDEN, error_type, message)
    }

    /// The name in AWS's documentation.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Telemetry => "Telemetry API",
            Self::Logs => "Logs API",
        }
    }

    /// The supported versions; the first one is the default.
    fn schema_versions(self) -> &'static [&'static str] {
        match self {
            Self::Telemetry => &["2022-07-01", "2022-12-13", "2025-01-29"],
            Self::Logs => &["2020-08-15", "2021-03-18"],
        }
    }

    fn parse(self, body: &[u8], own_port: u16) -> Result<Subscription, String> {
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| format!("the subscription cannot be parsed: {error}"))?;
        let known = self.schema_versions();
        let version = body.schema_version.as_deref();
        if let Some(version) = version.filter(|version| !known.contains(version)) {
            let known = known.join(", ");
            return Err(format!(
                "schemaVersion {version:?} is not supported by the {}; use one of {known}",
                self.name()
            ));
        }
        Ok(Subscription {
            api: self,
            types: types(body.types.as_deref().unwrap_or_default())?,
            buffering: buffering(&body.buffering.unwrap_or_default())?,
            destination: self.destination(body.destination.as_ref(), own_port)?,
            has_runtime_done: self == Self::Telemetry || version == Some("2021-03-18"),
        })
    }

    fn destination(
        self,
        body: Option<&DestinationBody>,
        own_port: u16,
    ) -> Result<Destination, String> {
        let body = body.ok_or("destination is missing")?;
        let protocol = body.protocol.as_deref();
        match protocol.ok_or("destination.protocol is missing; use HTTP or TCP")? {
            "HTTP" => {
                let method = self.method(body)?;
                http_destination(body, method, own_port)
            }
            "TCP" => {
                let port = body
                    .port
                    .ok_or("destination.port is missing; TCP needs it")?;
                let port = u16::try_from(port)
                    .map_err(|_| format!("destination.port {port} is not a port"))?;
                Ok(Destination::Tcp(local_address(port, own_port)?))
            }
            other => Err(format!(
                "destination.protocol {other:?} is not supported; use HTTP or TCP"
            )),
        }
    }

    /// The HTTP method. Only the Logs API has the fields `method` and `encoding`.
    fn method(self, body: &DestinationBody) -> Result<Method, String> {
        if self == Self::Telemetry {
            return Ok(Method::POST);
        }
        if let Some(encoding) = body.encoding.as_deref().filter(|name| *name != "JSON") {
            return Err(format!(
                "destination.encoding {encoding:?} is not supported; use JSON"
            ));
        }
        match body.method.as_deref() {
            None | Some("POST") => Ok(Method::POST),
            Some("PUT") => Ok(Method::PUT),
            Some(other) => Err(format!(
                "destination.method {other:?} is not supported; use POST or PUT"
            )),
        }
    }
}

impl Subscription {
    /// Whether the subscriber gets an event. Each API has a few events that the other one does not have.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        let is_in_schema = match self.api {
            SubscriptionApi::Telemetry => !matches!(event.name, "platform.end" | "platform.fault"),
            SubscriptionApi::Logs => match event.name {
                "platform.runtimeDone" => self.has_runtime_done,
                name => !name.starts_with("platform.init") && !name.starts_with("platform.restore"),
            },
        };
        is_in_schema && self.types.contains(&event.kind)
    }
}

fn types(names: &[String]) -> Result<Vec<Kind>, String> {
    let mut types = Vec::new();
    for name in names {
        let kind = match name.as_str() {
            "platform" => Kind::Platform,
            "function" => Kind::Function,
            "extension" => Kind::Extension,
            other => {
                return Err(format!(
                    "types has {other:?}; use platform, function or extension"
                ));
            }
        };
        if !types.contains(&kind) {
            types.push(kind);
        }
    }
    if types.is_empty() {
        return Err("types is missing or empty; use platform, function or extension".to_owned());
    }
    Ok(types)
}

fn buffering(body: &BufferingBody) -> Result<Buffering, String> {
    let timeout = check_range("timeoutMs", body.timeout_ms.unwrap_or(1000), TIMEOUT_MS)?;
    let max_items = check_range("maxItems", body.max_items.unwrap_or(10_000), MAX_ITEMS)?;
    let max_bytes = check_range("maxBytes", body.max_bytes.unwrap_or(262_144), MAX_BYTES)?;
    // Values in these ranges fit into `usize`.
    Ok(Buffering {
        max_items: usize::try_from(max_items).unwrap_or(usize::MAX),
        max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
        timeout: Duration::from_millis(timeout),
    })
}

fn check_range(field: &str, value: u64, bounds: RangeInclusive<u64>) -> Result<u64, String> {
    if bounds.contains(&value) {
        return Ok(value);
    }
    let (min, max) = bounds.into_inner();
    Err(format!(
        "buffering.{field} is {value}; it must be from {min} to {max}"
    ))
}

fn http_destination(
    body: &DestinationBody,
    method: Method,
    own_port: u16,
) -> Result<Destination, String> {
    let text = body
        .uri
        .as_deref()
        .ok_or("destination.URI is missing; HTTP needs it")?;
    let wanted = "it must be http://sandbox.localdomain:PORT, optionally with a path";
    let uri: Uri = text
        .parse()
        .map_err(|error| format!("destination.URI {text:?} is not a URI ({error}); {wanted}"))?;
    if uri.scheme_str() != Some("http") {
        return Err(format!("destination.URI {text:?} is not http; {wanted}"));
    }
    let host = uri.host().unwrap_or_default();
    if !OWN_HOSTS.contains(&host) {
        return Err(format!(
            "destination.URI {text:?} is not in the execution environment; {wanted}"
        ));
    }
    let port = uri
        .port_u16()
        .ok_or_else(|| format!("destination.URI {text:?} has no port; {wanted}"))?;
    let path = uri.path_and_query();
    Ok(Destination::Http {
        address: local_address(port, own_port)?,
        authority: format!("{host}:{port}"),
        path: match path.map_or("/", |path| path.as_str()) {
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        },
        method,
    })
}

fn local_address(port: u16, own_port: u16) -> Result<SocketAddr, String> {
    match port {
        0 => Err("the destination's port is 0; it must be the one you listen on".to_owned()),
        RESERVED_PORT => Err(format!(
            "the destination's port {RESERVED_PORT} is reserved for the Runtime API; listen on another"
        )),
        port if port == own_port => Err(format!(
            "the destination's port {port} is this API's own; listen on another"
        )),
        port => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
    }
}
