//! The trigger's configuration: checks the table of `lambkin.toml` and turns it into a [`State`].
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `routes` | a function or `{ function, payload-format-version, timeout }` for each route key | this or `function` |
//! | `function` | short for `routes = { "$default" = … }` | |
//! | `payload-format-version` | `"2.0"` or `"1.0"`; a route may override it | `"2.0"` |
//! | `timeout` | the integration's timeout, 0.05 to 30 seconds; a route may override it | 30 |
//! | `stage` | the stage's name; unless it is `"$default"`, it is the first segment of every path | `"$default"` |
//! | `stage-variables` | names and values | none |
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

use http_event::api_settings::{api_id, domain_name, stage_variables};
use http_event::contract::{FunctionReference, Problem, Setup};
use http_event::cors;
use plugin_kit::settings::{self, Problems, Table, is_word};

use crate::limits;
use crate::state::{DEFAULT, State};
use routes::IntegrationDefaults;

const KEYS: [&str; 10] = [
    "routes",
    "function",
    "payload-format-version",
    "timeout",
    "stage",
    "stage-variables",
    "cors",
    "account-id",
    "api-id",
    "domain-name",
];

/// Checks the trigger's configuration, a JSON object.
///
/// # Errors
///
/// All mistakes in it.
pub fn configure(config: &str) -> Result<Setup, Vec<Problem>> {
    let read = || {
        let members = settings::parse(config)?;
        let mut problems = Problems::default();
        let setup = read(&Table::root(&members), &mut problems);
        problems.into_result(Some(setup))
    };
    read().map_err(|problems| problems.into_iter().map(Into::into).collect())
}

/// Reads every key, even after a mistake, so that all mistakes are found.
fn read(table: &Table<'_>, problems: &mut Problems) -> Setup {
    table.refuse_unknown(&KEYS, &[], problems);
    let defaults = IntegrationDefaults::read(table, problems);
    let routes_table = table.table("routes", problems);
    let routes = routes::read(table, routes_table.as_ref(), defaults, problems);
    let stage = stage(table, problems);
    let stage_variables = stage_variables(table, problems);
    let cors = table
        .table("cors", problems)
        .map(|table| cors::Settings::read(&table, cors::HTTP_API, problems));
    let account_id = account_id(table, problems);
    let api_id = api_id(table, problems);
    let domain_name = domain_name(table, problems);

    let mut state = State::new(stage, account_id, api_id);
    state.domain_name = domain_name;
    state.stage_variables = &stage_variables;
    state.cors = cors.as_ref().map(cors::Settings::as_cors);
    let functions = routes.iter().map(|route| FunctionReference {
        name: String::from(route.function),
        at: route.at.clone(),
    });
    let mut summary: Vec<_> = routes.iter().map(|route| route.summary()).collect();
    if stage != DEFAULT {
        summary.push(format!("every path starts with /{stage}, the stage"));
    }
    if let Some(cors) = &state.cors {
        summary.push(format!("CORS for {}", cors.origins));
    }
    Setup {
        state: state.write(routes.iter().map(|route| route.as_state())),
        functions: functions.collect(),
        max_body_bytes: limits::MAX_BODY,
        reusable: true,
        summary,
        warnings: Vec::new(),
        extra: Vec::new(),
    }
}

fn stage<'a>(table: &Table<'a>, problems: &mut Problems) -> &'a str {
    let is_legal = |name: &str| name == DEFAULT || is_word(name, "-_") && name.len() <= 128;
    let rule = "a stage's name consists of letters, digits, `-` and `_`, or \"$default\"";
    table
        .text("stage", is_legal, rule, problems)
        .unwrap_or(DEFAULT)
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

#[cfg(test)]
mod tests;
