//! The trigger's configuration: checks the table of `lambkin.toml` and turns it into a [`State`].
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `routes` | a function or a table for each route key, see [`routes`] | this or `function` |
//! | `function` | short for the routes `$connect`, `$disconnect` and `$default` | |
//! | `route-selection-expression` | what chooses the route of a message | `"$request.body.action"` |
//! | `authorizers`, `authorizer` | see [`authorizers`] | connections are not authorized |
//! | `timeout` | the integration's timeout, 0.05 to 29 seconds; a route may override it | 29 |
//! | `idle-timeout` | how long a connection may be idle, 0.001 to 600 seconds | 600 |
//! | `max-duration` | how long a connection may last, 0.001 to 7,200 seconds | 7200 |
//! | `stage` | the stage's name, the path of the API | `"prod"` |
//! | `base-path` | the base path of a custom domain, instead of the stage; it may be empty | none |
//! | `stage-variables` | names and values | none |
//! | `api-id`, `domain-name` | what events contain | `"lambkin000"`, the host that the client requested |
//!
//! On failure: every mistake is listed at once, each with the keys that lead to it. Values become fields of the state's
//! lines, so control characters are refused.

mod authorizers;
mod routes;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::api::Api;
use http_event::api_settings::{self, api_id, base_path, domain_name, stage, stage_variables};
use http_event::contract::{FunctionReference, Problem, Setup, Surroundings, answers_body_errors};
use http_event::path_prefix;
use plugin_kit::settings::{Problems, Table};

use crate::management::MAX_MESSAGE;
use crate::selection;
use crate::state::State;

const KEYS: [&str; 13] = [
    "authorizers",
    "authorizer",
    "routes",
    "function",
    "route-selection-expression",
    "timeout",
    "idle-timeout",
    "max-duration",
    "stage",
    "base-path",
    "stage-variables",
    "api-id",
    "domain-name",
];

/// Keys that somebody who knows another trigger may write.
const EXPLAINED: [(&str, &str); 2] = [
    (
        "payload-format-version",
        "a WebSocket API has one format of events; the plugin `api-gateway-http` has this key",
    ),
    (
        "cors",
        "browsers do not ask before they open a WebSocket connection; the function of `$connect` can check the header Origin",
    ),
];

/// AWS's quotas, in milliseconds.
const MAX_IDLE_MS: u32 = 600_000;
const MAX_DURATION_MS: u32 = 7_200_000;

const DEFAULT_SELECTION: &str = "$request.body.action";

/// Checks the trigger's configuration, a JSON object.
///
/// # Errors
///
/// All mistakes in it.
pub fn configure(config: &str, surroundings: &Surroundings) -> Result<Setup, Vec<Problem>> {
    api_settings::configure(config, |table, problems| {
        read(table, surroundings, problems)
    })
}

/// Reads every key, even after a mistake, so that all mistakes are found.
fn read(table: &Table<'_>, surroundings: &Surroundings, problems: &mut Problems) -> Setup {
    table.refuse_unknown(&KEYS, &EXPLAINED, problems);
    let routes_table = table.table("routes", problems);
    let routes = routes::read(table, routes_table.as_ref(), problems);
    let (authorizers, guard) =
        authorizers::read(table, routes_table.as_ref(), surroundings, problems);
    let authorizers_line = authorizers.write();
    let stage_variables = stage_variables(table, problems);
    let stage = stage(table, "prod", problems);
    let mut state = State::new(Api {
        domain_name: domain_name(table, problems),
        region: &surroundings.region,
        stage_variables: &stage_variables,
        authorizers: &authorizers_line,
        ..Api::new(stage, &surroundings.account, api_id(table, problems))
    });
    state.base_path = base_path(table, problems);
    state.selection = selection(table, problems);
    state.guard = &guard;
    state.idle_timeout_ms = limit("idle-timeout", MAX_IDLE_MS, table, problems);
    state.max_duration_ms = limit("max-duration", MAX_DURATION_MS, table, problems);

    let mut summary: Vec<_> = routes
        .iter()
        .map(routes::ConfiguredRoute::summary)
        .collect();
    let has_custom = routes.iter().any(|route| !route.route.key.starts_with('$'));
    if has_custom {
        summary.push(format!("{} chooses the route", state.selection));
    }
    summary.push(match state.base_path {
        None => format!("the path is /{}, the stage", state.api.stage),
        Some(path) => format!("the path is /{path}, the base path of a custom domain"),
    });
    summary.extend(authorizers.summary());
    let keys = routes.iter().map(|route| route.route.key);
    let mut warnings: Vec<_> = keys.filter_map(routes::warning).collect();
    if table.get("route-selection-expression").is_some() && !has_custom {
        warnings.push(String::from(
            "`route-selection-expression` chooses between routes, and there are none but those that begin with `$`",
        ));
    }
    let starts = [match state.base_path.unwrap_or(state.api.stage) {
        "" => String::new(),
        path => format!("/{path}"),
    }];
    warnings.extend(path_prefix::warnings(surroundings, &starts, []));
    let functions = routes.iter().map(|route| FunctionReference {
        name: String::from(route.route.function),
        at: route.at.clone(),
    });
    let functions = functions.chain(authorizers.functions().map(|(name, at)| FunctionReference {
        name: String::from(name),
        at: at.to_vec(),
    }));
    let functions = functions.collect();
    let routes: Vec<_> = routes.iter().map(|route| route.route).collect();
    Setup {
        state: state.write(&routes),
        functions,
        max_body_bytes: u32::try_from(MAX_MESSAGE).unwrap_or(u32::MAX),
        reusable: true,
        summary,
        warnings,
        extra: [answers_body_errors()].into(),
    }
}

fn selection<'a>(table: &Table<'a>, problems: &mut Problems) -> &'a str {
    let key = "route-selection-expression";
    let is_text = |text: &str| !text.chars().any(char::is_control);
    let rule = "an expression such as \"$request.body.action\"";
    let Some(expression) = table.text(key, is_text, rule, problems) else {
        return DEFAULT_SELECTION;
    };
    if let Err(message) = selection::check(expression) {
        problems.add(table.path_of(key), message);
    }
    expression
}

fn limit(key: &str, max_ms: u32, table: &Table<'_>, problems: &mut Problems) -> u32 {
    let in_bounds = |ms: &u32| (1..=max_ms).contains(ms);
    let rule = format!(
        "a number of seconds from 0.001 to {}, with up to three decimal places",
        max_ms / 1000
    );
    let found = table.milliseconds(key, in_bounds, &rule, problems);
    found.unwrap_or(max_ms)
}
