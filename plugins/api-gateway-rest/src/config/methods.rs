//! The keys `routes` and `function`: what each method of a resource does.
//!
//! A route is a function, or a table:
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `function` | the function that is invoked | this or `mock` |
//! | `response-transfer-mode` | `"BUFFERED"` or `"STREAM"` | `"BUFFERED"` |
//! | `timeout` | the integration's timeout in seconds; up to 900 with `"STREAM"` | that of the trigger |
//! | `mock` | an answer without a function: `status-code`, `headers` and `body` | |
//! | `integration` and others | integrations with mappings, see [`integration`] | |
//! | `api-key-required` | whether a request needs one of `api-keys` | `false` |
//! | `required-parameters` | `"querystring.NAME"`, `"header.NAME"` | none |
//! | `throttle` | `rate-limit` and `burst-limit` of the method, see [`throttle`] | that of the trigger |
//! | `operation-name` | `operationName` in events | none |
//! | `authorizer`, `authorization-scopes` | see [`super::authorizers`] | those of the trigger |
//! | `request-models` | the model of the body for a content type, or `$default` | none |

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use authorizer::settings::RouteGuard;
use http_event::contract::{FunctionReference, Surroundings};
use http_event::json::write::quoted;
use http_event::route_key::{DEFAULT, RouteKey, Segment};
use http_event::throttle;
use plugin_kit::settings::{Problems, Table, is_word};
use serde_json::{Map, Value};

use super::headers;
use super::integration;
use super::models::Models;
use super::stage::{Invoked, Stage};
use crate::state::{ENTRY, Integration, Method, Mock};

const KEYS: [&str; 12] = [
    "authorizer",
    "authorization-scopes",
    "operation-name",
    "throttle",
    "integration",
    "function",
    "mock",
    "response-transfer-mode",
    "timeout",
    "api-key-required",
    "required-parameters",
    "request-models",
];

/// The range that AWS allows for an integration's timeout, in milliseconds, and its default. Regional and private APIs
/// can have more than the default on request.
const MIN_TIMEOUT_MS: u32 = 50;
const DEFAULT_TIMEOUT_MS: u32 = 29_000;
const MAX_TIMEOUT_MS: u32 = 300_000;
const MAX_STREAM_TIMEOUT_MS: u32 = 900_000;

/// A method as it was read.
#[derive(Debug)]
pub struct ConfiguredMethod<'a> {
    /// `GET`, or `ANY`.
    pub name: &'a str,
    /// The path of the resource.
    pub resource: &'a str,
    target: Target,
    needs_key: bool,
    required: String,
    details: Map<String, Value>,
    /// The details as JSON; empty without any.
    details_json: String,
    /// The authorizer for the summary.
    authorizer: String,
}

/// What a method does.
#[derive(Debug)]
pub enum Target {
    Lambda {
        function: Invoked,
        timeout_ms: u32,
        streamed: bool,
    },
    Mapped {
        function: Option<Invoked>,
        timeout_ms: u32,
        detail: Map<String, Value>,
    },
    Mock {
        status: String,
        /// A JSON string.
        body: String,
        headers: String,
        /// Whether it comes from the table `cors`.
        of_cors: bool,
    },
}

/// What routes refer to.
#[derive(Debug, Clone, Copy)]
pub struct Around<'r> {
    /// The API's models.
    pub models: &'r Models<'r>,
    /// The stage, whose variables may name functions.
    pub stage: &'r Stage<'r>,
    /// What else `lambkin.toml` defines.
    pub surroundings: &'r Surroundings,
}

/// Reads `routes` or `function`. `routes` is the table of that name; the result borrows its keys.
pub fn read<'t>(
    table: &Table<'t>,
    routes: Option<&Table<'t>>,
    around: Around<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Vec<ConfiguredMethod<'t>> {
    let timeout_ms = timeout(table, MAX_TIMEOUT_MS, problems).unwrap_or(DEFAULT_TIMEOUT_MS);
    let mut methods = Vec::new();
    let throttle = throttle::throttle(table, problems);
    match (table.get("function"), routes) {
        (Some(_), Some(_)) => {
            let message = "set either `function` or `routes`; for both, add the routes \"ANY /\" and \"ANY /{proxy+}\"";
            problems.add(table.path_of("function"), message);
        }
        (Some(_), None) => {
            if let Some(function) = function(table, around.stage, problems) {
                for resource in ["/", "/{proxy+}"] {
                    let target = Target::Lambda {
                        function: function.clone(),
                        timeout_ms,
                        streamed: false,
                    };
                    methods.push(ConfiguredMethod::new("ANY", resource, target));
                }
            }
        }
        (None, None) if table.get("routes").is_none() => problems.add(
            Vec::new(),
            "no function would be invoked: set `function = \"name\"`, or `routes = { \"GET /path\" = \"name\" }`",
        ),
        (None, None) => {}
        (None, Some(routes)) => {
            for key in routes.keys() {
                methods.extend(route(
                    key,
                    routes,
                    (timeout_ms, around),
                    &methods,
                    problems,
                    warnings,
                ));
            }
            if methods.is_empty() && problems.is_empty() {
                problems.add(table.path_of("routes"), "there is no route in it");
            }
        }
    }
    for method in &mut methods {
        if let Some(throttle) = &throttle {
            let entry = method.details.entry("throttle");
            entry.or_insert_with(|| Value::from(throttle.write()));
        }
        if let Some(canary) = method.function().and_then(|it| it.canary.as_deref()) {
            let canary = Value::from(canary);
            method
                .details
                .insert(String::from("canary-function"), canary);
        }
        if !method.details.is_empty() {
            method.details_json = Value::Object(method.details.clone()).to_string();
        }
    }
    methods
}

/// Orders methods as `shape` tries them: literals before parameters before greedy ones, segment by segment; for the
/// same resource, a method before `ANY`.
pub fn sort(methods: &mut [ConfiguredMethod<'_>]) {
    methods.sort_by_key(|method| {
        let classes: Vec<_> = method
            .resource
            .split('/')
            .skip(1)
            .map(|segment| match Segment::of(segment) {
                Segment::Literal(_) => 0,
                Segment::Variable(_) => 1,
                Segment::Greedy(_) => 2,
            })
            .collect();
        (classes, method.resource, method.name == "ANY", method.name)
    });
}

fn route<'t>(
    key: &'t str,
    routes: &Table<'t>,
    (timeout_ms, around): (u32, Around<'_>),
    others: &[ConfiguredMethod<'t>],
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<ConfiguredMethod<'t>> {
    if key == DEFAULT {
        let message = "a REST API has no default route; write \"ANY /\" and \"ANY /{proxy+}\"";
        problems.add(routes.path_of(key), message);
        return None;
    }
    let parsed = RouteKey::parse(key).map_err(|message| {
        problems.add(routes.path_of(key), message);
    });
    let RouteKey { method, path } = parsed.ok()?;
    let same = others.iter().find(|other| {
        let other = RouteKey {
            method: other.name,
            path: other.resource,
        };
        other.normalized() == RouteKey { method, path }.normalized()
    });
    if let Some(same) = same {
        let message = format!(
            "this is the same route as \"{} {}\"",
            same.name, same.resource
        );
        problems.add(routes.path_of(key), message);
        return None;
    }
    if !routes.get(key).is_some_and(|value| value.is_object()) {
        let rule = "this must be the name of a function, or a table";
        let target = Target::Lambda {
            function: around.stage.function(key, rule, routes, problems)?,
            timeout_ms,
            streamed: false,
        };
        return Some(ConfiguredMethod::new(method, path, target));
    }
    let table = routes.table(key, problems)?;
    table.refuse_unknown(&[&KEYS[..], &integration::KEYS].concat(), &[], problems);
    let kind = integration::kind(&table, problems);
    let target = match kind {
        Some(kind @ ("AWS" | "HTTP_PROXY" | "MOCK"))
            if kind != "MOCK" || table.get("mock").is_none() =>
        {
            let route = RouteKey { method, path };
            mapped(
                kind,
                route,
                &table,
                (timeout_ms, around),
                problems,
                warnings,
            )
        }
        None if table.get("integration").is_some() => None,
        _ => {
            let kind = kind.unwrap_or("AWS_PROXY");
            integration::refuse(&table, &integration::KEYS, kind, problems);
            target(&table, timeout_ms, around.stage, problems)
        }
    };
    let needs_key = table.boolean("api-key-required", problems);
    let rule = "a required parameter is \"querystring.NAME\" or \"header.NAME\"";
    let required = table.texts("required-parameters", is_parameter, rule, problems);
    let mut details = Map::new();
    if let Some(Target::Mapped { detail, .. }) = &target {
        details.insert(String::from("integration"), Value::Object(detail.clone()));
    }
    let rule = "the name of an operation consists of letters, digits, `-` and `_`";
    let is_name = |name: &str| is_word(name, "-_") && name.len() <= 64;
    if let Some(name) = table.text("operation-name", is_name, rule, problems) {
        details.insert(String::from("operation-name"), Value::from(name));
    }
    if let Some(throttle) = throttle::throttle(&table, problems) {
        details.insert(String::from("throttle"), Value::from(throttle.write()));
    }
    if let Some(models) = around.models.of_route(&table, problems) {
        details.insert(String::from("request-models"), Value::Object(models));
    }
    Some(ConfiguredMethod {
        details,
        needs_key: needs_key.unwrap_or_default(),
        required: required
            .unwrap_or_default()
            .join(ENTRY.encode_utf8(&mut [0; 4])),
        ..ConfiguredMethod::new(method, path, target?)
    })
}

fn is_parameter(text: &str) -> bool {
    text.split_once('.').is_some_and(|(place, name)| {
        ["querystring", "header"].contains(&place) && is_word(name, "-_.$[]")
    })
}

fn target(
    table: &Table<'_>,
    timeout_ms: u32,
    stage: &Stage<'_>,
    problems: &mut Problems,
) -> Option<Target> {
    match (table.get("function"), table.table("mock", problems)) {
        (Some(_), None) => {
            let modes = ["BUFFERED", "STREAM"];
            let mode = table.choice("response-transfer-mode", &modes, problems);
            let streamed = mode == Some("STREAM");
            let most = match streamed {
                true => MAX_STREAM_TIMEOUT_MS,
                false => MAX_TIMEOUT_MS,
            };
            let own = timeout(table, most, problems);
            Some(Target::Lambda {
                function: function(table, stage, problems)?,
                timeout_ms: own.unwrap_or(timeout_ms),
                streamed,
            })
        }
        (None, Some(mock)) => Some(self::mock(&mock, problems)),
        (Some(_), Some(_)) => {
            let message = "a route has either a `function` or a `mock`";
            problems.add(table.path_of("mock"), message);
            None
        }
        (None, None) => {
            if table.get("mock").is_none() {
                problems.add(
                    table.at().to_vec(),
                    "a route needs a `function` or a `mock`",
                );
            }
            None
        }
    }
}

/// An integration with mappings.
fn mapped(
    kind: &str,
    route: RouteKey<'_>,
    table: &Table<'_>,
    (timeout_ms, around): (u32, Around<'_>),
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Target> {
    for key in ["mock", "response-transfer-mode"] {
        if table.get(key).is_some() {
            let message = format!("the integration {kind} does not have this key");
            problems.add(table.path_of(key), message);
        }
    }
    let most = match kind {
        "HTTP_PROXY" => integration::MAX_FETCH_MS,
        _ => MAX_TIMEOUT_MS,
    };
    let timeout_ms = timeout(table, most, problems)
        .unwrap_or(timeout_ms)
        .min(most);
    let mut invoked = None;
    match (kind, table.get("function")) {
        ("AWS", None) => {
            problems.add(
                table.at().to_vec(),
                "the integration AWS needs a `function`",
            );
        }
        ("AWS", Some(_)) => invoked = Some(function(table, around.stage, problems)?),
        (_, Some(_)) => {
            let message = format!("the integration {kind} has no function");
            problems.add(table.path_of("function"), message);
        }
        _ => {}
    }
    let mut detail = match kind {
        "HTTP_PROXY" => integration::http_proxy(route.path, table, around.surroundings, problems)?,
        _ => {
            let route = format!("{} {}", route.method, route.path);
            integration::mapped(kind, &route, table, problems, warnings)
        }
    };
    let mut known = around.surroundings.functions.iter();
    let known = invoked
        .as_ref()
        .and_then(|invoked| known.find(|it| it.name == invoked.name));
    if let Some(known) = known {
        let seconds = f64::from(known.timeout_ms) / 1000.0;
        detail.insert(String::from("function-timeout"), Value::from(seconds));
    }
    Some(Target::Mapped {
        function: invoked,
        timeout_ms,
        detail,
    })
}

fn mock(table: &Table<'_>, problems: &mut Problems) -> Target {
    table.refuse_unknown(&["status-code", "headers", "body"], &[], problems);
    let status = table.integer("status-code", 200_u16, 599, problems);
    let headers = table.table("headers", problems);
    let headers = headers.map(|headers| headers::read(&headers, problems));
    let body = table.text("body", |_| true, "a body is text", problems);
    Target::Mock {
        status: status.unwrap_or(200).to_string(),
        body: quoted(body.unwrap_or_default()),
        headers: headers.unwrap_or_default(),
        of_cors: false,
    }
}

fn function(table: &Table<'_>, stage: &Stage<'_>, problems: &mut Problems) -> Option<Invoked> {
    let rule = "this must be the name of a function";
    stage.function("function", rule, table, problems)
}

fn timeout(table: &Table<'_>, most: u32, problems: &mut Problems) -> Option<u32> {
    let in_bounds = |timeout_ms: &u32| (MIN_TIMEOUT_MS..=most).contains(timeout_ms);
    let rule = format!(
        "a timeout is a number of seconds from 0.05 to {}, with up to three decimal places",
        most / 1000
    );
    table.milliseconds("timeout", in_bounds, &rule, problems)
}

impl<'a> ConfiguredMethod<'a> {
    /// A method without requirements.
    pub fn new(name: &'a str, resource: &'a str, target: Target) -> Self {
        Self {
            name,
            resource,
            target,
            needs_key: false,
            required: String::new(),
            details: Map::new(),
            details_json: String::new(),
            authorizer: String::new(),
        }
    }

    /// Gives the method an authorizer.
    pub fn guard(&mut self, guard: &RouteGuard<'_>) {
        let text = Value::from(guard.write());
        self.details.insert(String::from("authorizer"), text);
        self.details_json = Value::Object(self.details.clone()).to_string();
        self.authorizer = format!(" (authorizer {})", guard.name());
    }

    /// Whether a request needs an API key.
    pub fn needs_key(&self) -> bool {
        self.needs_key
    }

    /// The key of the route: `GET /orders/{id}`.
    pub fn route(&self) -> String {
        format!("{} {}", self.name, self.resource)
    }

    /// The method for the state.
    pub fn as_state(&self) -> Method<'_> {
        Method {
            name: self.name,
            resource: self.resource,
            integration: match &self.target {
                Target::Lambda {
                    function,
                    timeout_ms,
                    streamed,
                } => Integration::Lambda {
                    function: &function.name,
                    timeout_ms: *timeout_ms,
                    streamed: *streamed,
                },
                Target::Mapped {
                    function,
                    timeout_ms,
                    ..
                } => Integration::Mapped {
                    function: function.as_ref().map_or("", |function| &function.name),
                    timeout_ms: *timeout_ms,
                },
                Target::Mock {
                    status,
                    body,
                    headers,
                    ..
                } => Integration::Mock(Mock {
                    status,
                    body,
                    headers,
                }),
            },
            needs_key: self.needs_key,
            required: &self.required,
            details: &self.details_json,
        }
    }

    /// The function, if the method invokes one.
    fn function(&self) -> Option<&Invoked> {
        match &self.target {
            Target::Lambda { function, .. } => Some(function),
            Target::Mapped { function, .. } => function.as_ref(),
            Target::Mock { .. } => None,
        }
    }

    /// The functions that the method invokes: its own, and that of the canary.
    pub fn functions(&self) -> impl Iterator<Item = FunctionReference> {
        let invoked = self.function().into_iter();
        invoked.flat_map(
            |Invoked {
                 name,
                 canary,
                 at,
                 canary_at,
             }| {
                let canary = canary.iter().map(move |name| (name, canary_at));
                let names = core::iter::once((name, at)).chain(canary);
                names.map(|(name, at)| FunctionReference {
                    name: name.clone(),
                    at: at.clone(),
                })
            },
        )
    }

    /// A line such as `GET /orders/{id} -> orders`.
    pub fn summary(&self) -> String {
        let Self { name, resource, .. } = self;
        let target = match &self.target {
            Target::Lambda {
                function,
                streamed: true,
                ..
            } => format!("{}, whose response is streamed", function.name),
            Target::Lambda { function, .. } => function.name.clone(),
            Target::Mapped {
                function: None,
                detail,
                ..
            } => match detail.get("uri").and_then(Value::as_str) {
                Some(uri) => String::from(uri),
                None => String::from("a mock integration with templates"),
            },
            Target::Mapped {
                function: Some(function),
                ..
            } => format!("{}, with mapping templates", function.name),
            Target::Mock { of_cors: true, .. } => String::from("CORS"),
            Target::Mock { status, .. } => format!("status {status}"),
        };
        let key = if self.needs_key { " (API key)" } else { "" };
        let canary = self.function().and_then(|it| it.canary.as_deref());
        let canary = canary.map_or_else(String::new, |name| format!(" (canary: {name})"));
        format!(
            "{name} {resource} -> {target}{canary}{key}{}",
            self.authorizer
        )
    }
}
