//! The keys `routes` and `function`: which route invokes which function, and how.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use authorizer::settings::{Authorizers, RouteGuard};
use http_event::throttle::{Limits, throttle};
use plugin_kit::settings::{Problems, Table};
use serde_json::Value;

use crate::state::{DEFAULT, Format, Route};
use http_event::route_key::RouteKey;

const KEYS: [&str; 6] = [
    "function",
    "payload-format-version",
    "timeout",
    "throttle",
    "authorizer",
    "authorization-scopes",
];

/// The range that AWS allows for an integration's timeout, in milliseconds. The maximum is the default.
const MIN_TIMEOUT_MS: u32 = 50;
const MAX_TIMEOUT_MS: u32 = 30_000;

/// The settings of a route that does not override them.
#[derive(Clone)]
pub struct IntegrationDefaults<'a> {
    format: Format,
    timeout_ms: u32,
    throttle: Option<Limits>,
    guard: Option<RouteGuard<'a>>,
}

impl<'a> IntegrationDefaults<'a> {
    /// Reads them from the trigger's table.
    pub fn read(table: &Table<'_>, problems: &mut Problems) -> Self {
        let aws = Self {
            format: Format::V2,
            timeout_ms: MAX_TIMEOUT_MS,
            throttle: None,
            guard: None,
        };
        aws.overridden_by(table, problems)
    }

    /// With this authorizer.
    pub fn guarded_by(self, guard: Option<RouteGuard<'a>>) -> Self {
        Self { guard, ..self }
    }

    fn overridden_by(&self, table: &Table<'_>, problems: &mut Problems) -> Self {
        let format = table.choice("payload-format-version", &["2.0", "1.0"], problems);
        let in_bounds = |timeout_ms: &u32| (MIN_TIMEOUT_MS..=MAX_TIMEOUT_MS).contains(timeout_ms);
        let rule =
            "a timeout is a number of seconds from 0.05 to 30, with up to three decimal places";
        let timeout_ms = table.milliseconds("timeout", in_bounds, rule, problems);
        Self {
            format: format.and_then(Format::from_name).unwrap_or(self.format),
            timeout_ms: timeout_ms.unwrap_or(self.timeout_ms),
            throttle: throttle(table, problems).or(self.throttle),
            guard: self.guard.clone(),
        }
    }
}

/// A route of the configuration.
pub struct ConfiguredRoute<'a> {
    key: RouteKey<'a>,
    integration: IntegrationDefaults<'a>,
    /// The authorizer as a field of the state.
    guard: String,
    /// The throttle as a field of the state.
    throttle: String,
    /// The function's name.
    pub function: &'a str,
    /// The keys that lead to that name.
    pub at: Vec<String>,
}

impl<'a> ConfiguredRoute<'a> {
    fn new(
        key: RouteKey<'a>,
        integration: IntegrationDefaults<'a>,
        function: &'a str,
        at: Vec<String>,
    ) -> Self {
        let guard = integration.guard.as_ref().map(RouteGuard::write);
        let throttle = integration.throttle.map(Limits::write);
        Self {
            key,
            integration,
            throttle: throttle.unwrap_or_default(),
            guard: guard.unwrap_or_default(),
            function,
            at,
        }
    }

    /// The route as the state holds it.
    pub fn as_state(&self) -> Route<'_> {
        Route {
            method: self.key.method,
            path: self.key.path,
            format: self.integration.format,
            timeout_ms: self.integration.timeout_ms,
            function: self.function,
            guard: &self.guard,
            throttle: &self.throttle,
        }
    }

    /// A line such as `GET /orders/{id} -> orders`.
    pub fn summary(&self) -> String {
        let RouteKey { method, path } = self.key;
        let route = if path == DEFAULT {
            String::from(DEFAULT)
        } else {
            format!("{method} {path}")
        };
        let format = if self.integration.format == Format::V1 {
            " (payload format 1.0)"
        } else {
            ""
        };
        let guard = self.integration.guard.as_ref();
        let guard = guard.map(|guard| format!(" (authorizer {})", guard.name()));
        let guard = guard.unwrap_or_default();
        format!("{route} -> {}{format}{guard}", self.function)
    }
}

/// Reads `routes` or `function`. The result has the order in which `shape` tries the routes. `routes` is the table of
/// that name; the result borrows its keys.
pub fn read<'t>(
    table: &Table<'t>,
    routes: Option<&'t Table<'t>>,
    defaults: &IntegrationDefaults<'t>,
    authorizers: &Authorizers<'t>,
    problems: &mut Problems,
) -> Vec<ConfiguredRoute<'t>> {
    let mut found = Vec::new();
    if table.get("function").is_some() {
        if table.get("routes").is_some() {
            let message = "set either `function` or `routes`; for both, add the route \"$default\"";
            problems.add(table.path_of("function"), String::from(message));
        }
        if let Some(function) = function(table, problems) {
            let key = RouteKey {
                method: "ANY",
                path: DEFAULT,
            };
            found.push(ConfiguredRoute::new(
                key,
                defaults.clone(),
                function,
                table.path_of("function"),
            ));
        }
    } else if table.get("routes").is_none() {
        let message = "no function would be invoked: set `function = \"name\"`, or `routes = { \"GET /path\" = \"name\" }`";
        problems.add(Vec::new(), String::from(message));
    }
    if let Some(routes) = routes {
        if routes.keys().next().is_none() {
            let message = "at least one route is needed, such as \"$default\" = \"name\"";
            problems.add(table.path_of("routes"), String::from(message));
        }
        read_routes(routes, defaults, authorizers, &mut found, problems);
    }
    found.sort_by_cached_key(|route| route.key.rank());
    found
}

fn read_routes<'t>(
    routes: &'t Table<'t>,
    defaults: &IntegrationDefaults<'t>,
    authorizers: &Authorizers<'t>,
    found: &mut Vec<ConfiguredRoute<'t>>,
    problems: &mut Problems,
) {
    let mut normalized_keys: Vec<(String, &str)> = Vec::new();
    for text in routes.keys() {
        let integration = integration(routes, text, defaults, authorizers, problems);
        let key = match RouteKey::parse(text) {
            Ok(key) => key,
            Err(message) => {
                problems.add(routes.path_of(text), message);
                continue;
            }
        };
        let normalized = key.normalized();
        if let Some((_, other)) = normalized_keys.iter().find(|(seen, _)| *seen == normalized) {
            problems.add(
                routes.path_of(text),
                format!("`{other}` matches the same requests; keep one of the two"),
            );
        }
        normalized_keys.push((normalized, text));
        if let Some((integration, function)) = integration {
            found.push(ConfiguredRoute::new(
                key,
                integration,
                function,
                routes.path_of(text),
            ));
        }
    }
}

fn integration<'a>(
    routes: &Table<'a>,
    key: &str,
    defaults: &IntegrationDefaults<'a>,
    authorizers: &Authorizers<'a>,
    problems: &mut Problems,
) -> Option<(IntegrationDefaults<'a>, &'a str)> {
    if routes.get(key).is_some_and(Value::is_object) {
        let table = routes.table(key, problems)?;
        table.refuse_unknown(&KEYS, &[], problems);
        let integration = defaults.overridden_by(&table, problems);
        let integration = integration.guarded_by(authorizers.guard(&table, problems));
        if table.get("function").is_none() {
            problems.add(
                routes.path_of(key),
                String::from("the route needs a `function`"),
            );
        }
        return function(&table, problems).map(|function| (integration, function));
    }
    let rule = "a route is the name of a function, or a table such as { function = \"name\", timeout = 5 }";
    routes
        .text(key, is_function, rule, problems)
        .map(|function| (defaults.clone(), function))
}

fn function<'a>(table: &Table<'a>, problems: &mut Problems) -> Option<&'a str> {
    table.text(
        "function",
        is_function,
        "this must be the name of a function",
        problems,
    )
}

/// Whether a text can be the name of a function. The host checks whether the function exists.
fn is_function(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|char| char.is_control() || char.is_whitespace())
}
