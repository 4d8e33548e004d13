//! What an extension asks for when it subscribes, checked.
//!
//! Both APIs take the same request but for a few words. Whatever is wrong with one is answered with the API's own
//! validation error and a message that names the field, the value and what is allowed.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use http::{Method, StatusCode, Uri};
use serde::Deserialize;

use super::event::{Event, Kind};
use crate::runtime_api::error::ApiError;

/// The Runtime API's own port on AWS, which is nobody else's.
const RESERVED_PORT: u16 = 9001;

/// What the environment calls itself.
const OWN_HOSTS: [&str; 2] = ["sandbox.localdomain", "sandbox"];

const MAX_ITEMS: RangeInclusive<u64> = 1000..=10_000;
const MAX_BYTES: RangeInclusive<u64> = 262_144..=1_048_576;
const TIMEOUT_MS: RangeInclusive<u64> = 25..=30_000;

/// The API a subscription was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubscriptionApi {
    /// `PUT /2022-07-01/telemetry`
    Telemetry,
    /// `PUT /2020-08-15/logs`
    Logs,
}

/// What to deliver, how, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub api: SubscriptionApi,
    pub types: Vec<Kind>,
    pub buffering: Buffering,
    pub destination: Destination,
    /// The first version of the Logs API did not know `platform.runtimeDone`.
    knows_runtime_done: bool,
}

/// A batch is delivered when the first of these is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buffering {
    pub max_items: usize,
    pub max_bytes: usize,
    pub timeout: Duration,
}

/// Where a subscriber listens. Always on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    Http {
        address: SocketAddr,
        /// As the subscriber wrote it, for the `Host` header.
        authority: String,
        /// Path and query.
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
    /// Reads a request's body. `own_port` is where the extension reaches this very API.
    pub(crate) fn subscription(self, body: &[u8], own_port: u16) -> Result<Subscription, ApiError> {
        self.read(body, own_port)
            .map_err(|message| self.invalid(message))
    }

    /// A request that can not be granted.
    pub(crate) fn invalid(self, message: String) -> ApiError {
        let error_type = match self {
            Self::Telemetry => "ValidationError",
            Self::Logs => "Logs.ValidationError",
        };
        ApiError {
            status: StatusCode::BAD_REQUEST,
            error_type,
            message: message.into(),
        }
    }

    /// A subscription after the init phase.
    pub(crate) fn closed(self) -> ApiError {
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
        ApiError {
            status: StatusCode::FORBIDDEN,
            error_type,
            message: message.into(),
        }
    }

    /// As in AWS's documentation.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Telemetry => "Telemetry API",
            Self::Logs => "Logs API",
        }
    }

    /// The first is assumed if none is given.
    fn schema_versions(self) -> &'static [&'static str] {
        match self {
            Self::Telemetry => &["2022-07-01", "2022-12-13", "2025-01-29"],
            Self::Logs => &["2020-08-15", "2021-03-18"],
        }
    }

    fn read(self, body: &[u8], own_port: u16) -> Result<Subscription, String> {
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| format!("the subscription can not be read: {error}"))?;
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
            knows_runtime_done: self == Self::Telemetry || version == Some("2021-03-18"),
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
                Ok(Destination::Tcp(local(port, own_port)?))
            }
            other => Err(format!(
                "destination.protocol {other:?} is not supported; use HTTP or TCP"
            )),
        }
    }

    /// Only the Logs API lets the subscriber choose, and only there is there an encoding.
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
    /// Whether an event is for this subscriber. Each API has a few events of its own.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        let known = match self.api {
            SubscriptionApi::Telemetry => !matches!(event.name, "platform.end" | "platform.fault"),
            SubscriptionApi::Logs => match event.name {
                "platform.runtimeDone" => self.knows_runtime_done,
                name => !name.starts_with("platform.init") && !name.starts_with("platform.restore"),
            },
        };
        known && self.types.contains(&event.kind)
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
    let timeout = within("timeoutMs", body.timeout_ms.unwrap_or(1000), TIMEOUT_MS)?;
    let max_items = within("maxItems", body.max_items.unwrap_or(10_000), MAX_ITEMS)?;
    let max_bytes = within("maxBytes", body.max_bytes.unwrap_or(262_144), MAX_BYTES)?;
    // What is within these bounds fits.
    Ok(Buffering {
        max_items: usize::try_from(max_items).unwrap_or(usize::MAX),
        max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
        timeout: Duration::from_millis(timeout),
    })
}

fn within(field: &str, value: u64, bounds: RangeInclusive<u64>) -> Result<u64, String> {
    if bounds.contains(&value) {
        return Ok(value);
    }
    let (least, most) = bounds.into_inner();
    Err(format!(
        "buffering.{field} is {value}; it must be from {least} to {most}"
    ))
}

fn http_destination(
    body: &DestinationBody,
    method: Method,
    own_port: u16,
) -> Result<Destination, String> {
    let text = body.uri.as_deref();
    let text = text.ok_or("destination.URI is missing; HTTP needs it")?;
    let wanted = "it must be http://sandbox.localdomain:PORT, with a path if need be";
    let uri: Uri = text
        .parse()
        .map_err(|error| format!("destination.URI {text:?} is no URI ({error}); {wanted}"))?;
    if uri.scheme_str() != Some("http") {
        return Err(format!("destination.URI {text:?} is not http; {wanted}"));
    }
    let host = uri.host().unwrap_or_default();
    if !OWN_HOSTS.contains(&host) {
        return Err(format!(
            "destination.URI {text:?} is not in the execution environment; {wanted}"
        ));
    }
    let port = uri.port_u16();
    let port = port.ok_or_else(|| format!("destination.URI {text:?} has no port; {wanted}"))?;
    let path = uri.path_and_query();
    Ok(Destination::Http {
        address: local(port, own_port)?,
        authority: format!("{host}:{port}"),
        path: match path.map_or("/", |path| path.as_str()) {
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        },
        method,
    })
}

fn local(port: u16, own_port: u16) -> Result<SocketAddr, String> {
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
