//! The trigger's configuration: checks the table of `lambkin.toml` and turns it into a [`State`].
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `routes` | a function, or a table with its settings, for each route key | this or `function` |
//! | `function` | short for `routes = { "$default" = … }` | |
//! | `payload-format-version` | `"2.0"` or `"1.0"`; a route may override it | `"2.0"` |
//! | `timeout` | the integration's timeout, 0.05 to 30 seconds; a route may override it | 30 |
//! | `throttle` | `rate-limit` and `burst-limit` of each route; a route may override it | none |
//! | `stage` | the stage's name; unless it is `"$default"`, it is the first segment of every path | `"$default"` |
//! | `stage-variables` | names and values | none |
//! | `authorizers`, `authorizer`, `authorization-scopes` | see [`authorizer::settings`] | requests are not authorized |
//! | `cors` | see [`http_event::cors`] | functions handle CORS themselves |
//! | `account-id`, `api-id` | the ids that events contain | `"123456789012"`, `"lambkin000"` |
//! | `domain-name` | the domain name that events contain | the host that the client requested |
//!
//! On failure: every mistake is listed at once, each with the keys that lead to it. Values become fields of the state's
//! lines, so each is checked against a set of characters without tabs and line breaks.

mod routes;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use authorizer::identity_source::Style;
use authorizer::settings::{Authorizers, Rules, Surroundings as Around};
use http_event::api_settings::{self, api_id, domain_name, stage, stage_variables};
use http_event::contract::{FunctionReference, Problem, Setup, Surroundings};
use http_event::contract::{NETWORK, answers_body_errors};
use http_event::cors;
use http_event::path_prefix;
use plugin_kit::settings::{Problems, Table};

use crate::limits;
use crate::state::{DEFAULT, State};
use routes::IntegrationDefaults;

const KEYS: [&str; 14] = [
    "routes",
    "function",
    "payload-format-version",
    "timeout",
    "throttle",
    "stage",
    "stage-variables",
    "cors",
    "authorizers",
    "authorizer",
    "authorization-scopes",
    "account-id",
    "api-id",
    "domain-name",
];

/// What AWS allows for authorizers of HTTP APIs.
const AUTHORIZERS: Rules = Rules {
    api: "an HTTP API",
    types: &["request", "jwt", "iam"],
    style: Style::Http,
    has_formats: true,
    default_ttl_ms: 0,
    max_wait_ms: 10_000,
};

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
    table.refuse_unknown(&KEYS, &[], problems);
    let defaults = IntegrationDefaults::read(table, problems);
    let routes_table = table.table("routes", problems);
    let around = Around {
        network: surroundings.extra(NETWORK),
    };
    let authorizers = Authorizers::read(table, AUTHORIZERS, around, problems);
    let defaults = defaults.guarded_by(authorizers.default_guard());
    let routes = routes::read(
        table,
        routes_table.as_ref(),
        &defaults,
        &authorizers,
        problems,
    );
    let stage = stage(table, DEFAULT, problems);
    let stage_variables = stage_variables(table, problems);
    let cors = table
        .table("cors", problems)
        .map(|table| cors::Settings::read(&table, cors::HTTP_API, problems));
    let account_id = account_id(table, problems);
    let api_id = api_id(table, problems);
    let domain_name = domain_name(table, problems);

    let authorizers_line = authorizers.write();
    let mut state = State::new(stage, account_id, api_id);
    state.api.domain_name = domain_name;
    state.api.stage_variables = &stage_variables;
    state.api.region = &surroundings.region;
    state.api.authorizers = &authorizers_line;
    state.cors = cors.as_ref().map(cors::Settings::as_cors);
    let functions = routes.iter().map(|route| FunctionReference {
        name: String::from(route.function),
        at: route.at.clone(),
    });
    let authorizing = authorizers.functions().map(|(name, at)| FunctionReference {
        name: String::from(name),
        at: at.to_vec(),
    });
    let functions = functions.chain(authorizing);
    let mut summary: Vec<_> = routes.iter().map(|route| route.summary()).collect();
    if stage != DEFAULT {
        summary.push(format!("every path starts with /{stage}, the stage"));
    }
    summary.extend(authorizers.summary());
    if let Some(cors) = &state.cors {
        summary.push(format!("CORS for {}", cors.origins));
    }
    let start = match stage {
        DEFAULT => String::new(),
        stage => format!("/{stage}"),
    };
    let paths = routes
        .iter()
        .map(|route| route.as_state())
        .filter(|route| route.path != DEFAULT)
        .map(|route| (format!("{} {}", route.method, route.path), route.path));
    Setup {
        state: state.write(routes.iter().map(|route| route.as_state())),
        functions: functions.collect(),
        max_body_bytes: limits::MAX_BODY,
        reusable: true,
        summary,
        warnings: path_prefix::warnings(surroundings, &[start], paths),
        extra: [answers_body_errors()].into(),
    }
}

fn account_id<'a>(table: &Table<'a>, problems: &mut Problems) -> &'a str {
    let is_legal = |id: &str| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
    table
        .text(
            "account-id",
            is_legal,
            "an account id is a string of 12 digits",
            problems,
        )
        .unwrap_or("123456789012")
}

/// Like [`configure`], without surroundings.
#[cfg(test)]
pub fn alone(config: &str) -> Result<Setup, Vec<Problem>> {
    configure(config, &Surroundings::none())
}

#[cfg(test)]
mod tests;
