//! The keys `routes` and `function`: which route invokes which function, and how.
//!
//! A route is the name of a function, or a table:
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `function` | the function | required |
//! | `timeout` | the integration's timeout, in seconds | that of the trigger |
//! | `route-response` | whether the client receives the body of the result | false |
//! | `authorizer` | only `$connect`: its authorizer, or `"NONE"` | that of the trigger |
//! | `content-handling` | `"CONVERT_TO_TEXT"`: the function receives binary messages, in Base64 | they are refused |

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use plugin_kit::nearest::nearest;
use plugin_kit::settings::{Problems, Table, is_function};
use serde_json::Value;

use crate::state::{CONNECT, DEFAULT, DISCONNECT, Route};

const KEYS: [&str; 5] = [
    "function",
    "timeout",
    "route-response",
    "content-handling",
    "authorizer",
];

/// The range that AWS allows for an integration's timeout, in milliseconds. The maximum is the default.
const MIN_TIMEOUT_MS: u32 = 50;
const MAX_TIMEOUT_MS: u32 = 29_000;

/// AWS's quota, in characters.
const MAX_KEY: usize = 128;

/// A route of the configuration.
pub struct ConfiguredRoute<'a> {
    pub route: Route<'a>,
    /// The keys that lead to the function's name.
    pub at: Vec<String>,
}

impl ConfiguredRoute<'_> {
    /// A line such as `sendMessage -> send (with a response)`.
    pub fn summary(&self) -> String {
        let Route {
            key,
            function,
            has_response,
            ..
        } = self.route;
        let response = if has_response {
            " (with a response)"
        } else {
            ""
        };
        format!("{key} -> {function}{response}")
    }
}

/// A warning about a key that lacks the `$` of one that the gateway chooses itself.
pub fn warning(key: &str) -> Option<String> {
    let reserved = [CONNECT, DISCONNECT, DEFAULT];
    let meant = reserved
        .into_iter()
        .find(|it| it.strip_prefix('$') == Some(key))?;
    Some(format!(
        "the route `{key}` is for messages that select it; did you mean `{meant}`?"
    ))
}

/// Reads `routes` or `function`. `routes` is the table of that name; the result borrows its keys.
pub fn read<'t>(
    table: &Table<'t>,
    routes: Option<&'t Table<'t>>,
    problems: &mut Problems,
) -> Vec<ConfiguredRoute<'t>> {
    let default_ms = timeout_ms(table, problems).unwrap_or(MAX_TIMEOUT_MS);
    let mut found = Vec::new();
    if table.get("function").is_some() {
        if table.get("routes").is_some() {
            let message = "set either `function` or `routes`; for both, add the route \"$default\"";
            problems.add(table.path_of("function"), message);
        }
        let rule = "this must be the name of a function";
        if let Some(function) = table.text("function", is_function, rule, problems) {
            for key in [CONNECT, DISCONNECT, DEFAULT] {
                found.push(ConfiguredRoute {
                    route: plain(key, function, default_ms),
                    at: table.path_of("function"),
                });
            }
        }
    } else if table.get("routes").is_none() {
        let message = "no function would be invoked: set `function = \"name\"`, or `routes = { \"$default\" = \"name\" }`";
        problems.add(Vec::new(), message);
    }
    let Some(routes) = routes else { return found };
    if routes.keys().next().is_none() {
        let message = "at least one route is needed, such as \"$default\" = \"name\"";
        problems.add(table.path_of("routes"), message);
    }
    for key in routes.keys() {
        if let Err(message) = check_key(key) {
            problems.add(routes.path_of(key), message);
        }
        if let Some(route) = route(routes, key, default_ms, problems) {
            found.push(ConfiguredRoute {
                route,
                at: routes.path_of(key),
            });
        }
    }
    found
}

fn plain<'a>(key: &'a str, function: &'a str, timeout_ms: u32) -> Route<'a> {
    Route {
        key,
        function,
        timeout_ms,
        has_response: false,
        accepts_binary: false,
    }
}

fn check_key(key: &str) -> Result<(), String> {
    if key.is_empty() || key.chars().count() > MAX_KEY || key.chars().any(char::is_control) {
        return Err(format!(
            "a route key has 1 to {MAX_KEY} characters, none of them a control character"
        ));
    }
    let reserved = [CONNECT, DISCONNECT, DEFAULT];
    if key.starts_with('$') && !reserved.contains(&key) {
        let hint = match nearest(key, &reserved) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        return Err(format!(
            "of the keys that begin with `$` there are `$connect`, `$disconnect` and `$default`{hint}"
        ));
    }
    let is_method = key
        .split_once(' ')
        .is_some_and(|(method, path)| path.starts_with('/') && !method.is_empty());
    if is_method {
        return Err(String::from(
            "messages have no method and no path: a route key is `$connect`, `$disconnect`, `$default` or a value of \
             the route selection expression",
        ));
    }
    Ok(())
}

fn route<'t>(
    routes: &'t Table<'t>,
    key: &'t str,
    default_ms: u32,
    problems: &mut Problems,
) -> Option<Route<'t>> {
    if !routes.get(key).is_some_and(Value::is_object) {
        let rule = "a route is the name of a function, or a table such as { function = \"name\", route-response = true }";
        let function = routes.text(key, is_function, rule, problems)?;
        return Some(plain(key, function, default_ms));
    }
    let table = routes.table(key, problems)?;
    table.refuse_unknown(&KEYS, &[], problems);
    let timeout_ms = timeout_ms(&table, problems).unwrap_or(default_ms);
    let has_response = table.boolean("route-response", problems).unwrap_or(false);
    if has_response && [CONNECT, DISCONNECT].contains(&key) {
        let message = "only routes of messages can have a response";
        problems.add(table.path_of("route-response"), message);
    }
    let is_conversion = |text: &str| text == "CONVERT_TO_TEXT";
    let rule =
        "the only conversion is \"CONVERT_TO_TEXT\", which passes binary messages on in Base64";
    let conversion = table.text("content-handling", is_conversion, rule, problems);
    if table.get("function").is_none() {
        problems.add(routes.path_of(key), "the route needs a `function`");
    }
    let rule = "this must be the name of a function";
    let function = table.text("function", is_function, rule, problems)?;
    Some(Route {
        key,
        function,
        timeout_ms,
        has_response,
        accepts_binary: conversion.is_some(),
    })
}

fn timeout_ms(table: &Table<'_>, problems: &mut Problems) -> Option<u32> {
    let in_bounds = |ms: &u32| (MIN_TIMEOUT_MS..=MAX_TIMEOUT_MS).contains(ms);
    let rule = "a timeout is a number of seconds from 0.05 to 29, with up to three decimal places";
    table.milliseconds("timeout", in_bounds, rule, problems)
}
