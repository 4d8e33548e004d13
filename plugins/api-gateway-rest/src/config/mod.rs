//! The trigger's configuration: checks the table of `lambkin.toml` and turns it into a [`State`].
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `routes` | a function or a table for each method of a resource, see [`methods`] | this or `function` |
//! | `function` | short for the routes `ANY /` and `ANY /{proxy+}` | |
//! | `timeout` | the integration's timeout, 0.05 to 300 seconds; a route may override it | 29 |
//! | `stage` | the stage's name, the first segment of every path | `"prod"` |
//! | `base-path` | the base path of a custom domain, instead of the stage; it may be empty | none |
//! | `stage-variables` | names and values | none |
//! | `binary-media-types` | media types of binary bodies | none |
//! | `cors` | the headers of `OPTIONS` for each resource, see [`cors`] | none |
//! | `gateway-responses` | changes of the API's own answers, see [`gateway_responses`] | none |
//! | `api-keys` | ids and values | none |
//! | `models` | JSON schemas of request bodies, see [`models`] | none |
//! | `api-id`, `domain-name` | what events contain | `"lambkin000"`, the host that the client requested |
//!
//! On failure: every mistake is listed at once, each with the keys that lead to it. Values become fields of the state's
//! lines, so control characters are refused.

mod cors;
mod gateway_responses;
mod headers;
mod integration;
mod methods;
mod models;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::api_settings::{api_id, domain_name, stage_variables};
use http_event::contract::{Problem, Setup, Surroundings};
use plugin_kit::settings::{self, Problems, Table, is_word};

use crate::state::{ENTRY, State};

const KEYS: [&str; 13] = [
    "routes",
    "function",
    "timeout",
    "stage",
    "base-path",
    "stage-variables",
    "binary-media-types",
    "cors",
    "gateway-responses",
    "api-keys",
    "models",
    "api-id",
    "domain-name",
];

/// Keys that somebody who knows another trigger may write.
const EXPLAINED: [(&str, &str); 2] = [
    (
        "payload-format-version",
        "a REST API has one format of events; the plugin `api-gateway-http` has this key",
    ),
    (
        "account-id",
        "events contain the account of the key `account` at the top of lambkin.toml",
    ),
];

/// The largest body: AWS's quota, in bytes.
const MAX_BODY: u32 = 10 * 1024 * 1024;

/// Checks the trigger's configuration, a JSON object.
///
/// # Errors
///
/// All mistakes in it.
pub fn configure(config: &str, surroundings: &Surroundings) -> Result<Setup, Vec<Problem>> {
    let read = || {
        let members = settings::parse(config)?;
        let mut problems = Problems::default();
        let setup = read(&Table::root(&members), surroundings, &mut problems);
        problems.into_result(Some(setup))
    };
    read().map_err(|problems| problems.into_iter().map(Into::into).collect())
}

/// Reads every key, even after a mistake, so that all mistakes are found.
fn read(table: &Table<'_>, surroundings: &Surroundings, problems: &mut Problems) -> Setup {
    table.refuse_unknown(&KEYS, &EXPLAINED, problems);
    let models = models::read(table, problems);
    let routes = table.table("routes", problems);
    let mut methods = methods::read(table, routes.as_ref(), &models, surroundings, problems);
    let cors = table.table("cors", problems);
    if let Some(cors) = &cors {
        cors::add(cors, &mut methods, problems);
    }
    methods::sort(&mut methods);
    let gateway_responses = table.table("gateway-responses", problems);
    let gateway_responses = gateway_responses.map(|it| gateway_responses::read(&it, problems));
    let api_keys = api_keys(table, problems);
    let binary_types = binary_types(table, problems);
    let stage_variables = stage_variables(table, problems);
    let stage = stage(table, problems);
    let base_path = base_path(table, problems);
    let mut state = State::new(stage, &surroundings.account, api_id(table, problems));
    state.base_path = base_path;
    state.domain_name = domain_name(table, problems);
    state.stage_variables = &stage_variables;
    state.binary_types = &binary_types;
    let models = models.as_state();
    state.models = &models;
    let mut summary: Vec<_> = methods.iter().map(|method| method.summary()).collect();
    summary.push(match base_path {
        None => format!("every path starts with /{stage}, the stage"),
        Some("") => format!("paths have no prefix, as with a custom domain; the stage is {stage}"),
        Some(path) => format!("every path starts with /{path}, the base path of a custom domain"),
    });
    if cors.is_some() {
        summary.push(String::from(
            "OPTIONS of all resources answer CORS requests",
        ));
    }
    Setup {
        state: state.write(
            gateway_responses.iter().flatten().map(|it| it.as_state()),
            api_keys,
            methods.iter().map(|method| method.as_state()),
        ),
        functions: methods
            .iter()
            .filter_map(|it| it.function_reference())
            .collect(),
        max_body_bytes: MAX_BODY,
        reusable: true,
        summary,
        warnings: Vec::new(),
        extra: Vec::new(),
    }
}

fn stage<'a>(table: &Table<'a>, problems: &mut Problems) -> &'a str {
    let is_legal = |name: &str| is_word(name, "-_") && name.len() <= 128;
    let rule = "a stage's name consists of letters, digits, `-` and `_`";
    let stage = table.text("stage", is_legal, rule, problems);
    stage.unwrap_or("prod")
}

fn base_path<'a>(table: &Table<'a>, problems: &mut Problems) -> Option<&'a str> {
    let is_legal = |path: &str| {
        path.is_empty()
            || path
                .split('/')
                .all(|segment| is_word(segment, "$-_.+!*'()"))
    };
    let rule = "a base path consists of segments such as \"v1\", without slashes at its ends; it may be empty";
    table.text("base-path", is_legal, rule, problems)
}

fn binary_types(table: &Table<'_>, problems: &mut Problems) -> String {
    let is_legal = |text: &str| {
        text.split_once('/')
            .is_some_and(|(kind, subtype)| is_word(kind, "*+-.") && is_word(subtype, "*+-."))
    };
    let rule = "a media type looks like \"image/png\", \"image/*\" or \"*/*\"";
    let types = table.texts("binary-media-types", is_legal, rule, problems);
    types
        .unwrap_or_default()
        .join(ENTRY.encode_utf8(&mut [0; 4]))
}

/// The ids and values of API keys.
fn api_keys<'a>(table: &Table<'a>, problems: &mut Problems) -> Vec<(&'a str, &'a str)> {
    let Some(keys) = table.table("api-keys", problems) else {
        return Vec::new();
    };
    let is_legal = |value: &str| (20..=128).contains(&value.len()) && is_word(value, "-_");
    let rule = "an API key has 20 to 128 letters, digits, `-` and `_`";
    let mut found = Vec::new();
    for id in keys.keys() {
        if !is_word(id, "-_") {
            let message = "the id of an API key consists of letters, digits, `-` and `_`";
            problems.add(keys.path_of(id), message);
        }
        if let Some(value) = keys.text(id, is_legal, rule, problems) {
            if found.iter().any(|(_, other)| *other == value) {
                problems.add(keys.path_of(id), "another API key has the same value");
            }
            found.push((id, value));
        }
    }
    found
}
