//! The trigger's configuration: checks the table of `lambkin.toml` and turns it into a [`State`].
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `routes` | a function or a table for each method of a resource, see [`methods`] | this or `function` |
//! | `function` | short for the routes `ANY /` and `ANY /{proxy+}` | |
//! | `timeout` | the integration's timeout, 0.05 to 300 seconds; a route may override it | 29 |
//! | `stage` | the stage's name, the first segment of every path | `"prod"` |
//! | `base-path` | the base path of a custom domain, instead of the stage; it may be empty | none |
//! | `base-paths` | several of them, of which the longest that fits counts; an empty one comes after the stage | none |
//! | `disable-execute-api-endpoint` | whether no path begins with the stage | `true` with `base-path` |
//! | `stage-variables` | names and values, see [`stage`](mod@stage) | none |
//! | `canary` | a share of the requests with other stage variables, see [`stage`](mod@stage) | none |
//! | `binary-media-types` | media types of binary bodies | none |
//! | `cors` | the headers of `OPTIONS` for each resource, see [`cors`] | none |
//! | `gateway-responses` | changes of the API's own answers, see [`gateway_responses`] | none |
//! | `api-keys` | ids and values | none |
//! | `usage-plans`, `throttle` | quotas and throttles, see [`usage`] | none |
//! | `authorizers`, `authorizer`, `authorization-scopes` | see [`authorizers`] | requests are not authorized |
//! | `api-key-source` | `"HEADER"` or `"AUTHORIZER"` | `"HEADER"` |
//! | `models` | JSON schemas of request bodies, see [`models`] | none |
//! | `api-id`, `domain-name` | what events contain | `"lambkin000"`, the host that the client requested |
//!
//! On failure: every mistake is listed at once, each with the keys that lead to it. Values become fields of the state's
//! lines, so control characters are refused.

mod authorizers;
mod cors;
mod gateway_responses;
mod headers;
mod integration;
mod methods;
mod mock;
mod models;
mod stage;
mod usage;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::api::Api;
use http_event::api_settings::{
    self, BASE_PATH_RULE, api_id, base_path, domain_name, is_base_path,
};
use http_event::contract::{FunctionReference, Problem, Setup, Surroundings, answers_body_errors};
use http_event::path_prefix;
use plugin_kit::settings::{Problems, Table, is_word};

use crate::state::{ENTRY, State};
use stage::Stage;

const KEYS: [&str; 22] = [
    "authorizers",
    "authorizer",
    "authorization-scopes",
    "api-key-source",
    "routes",
    "function",
    "timeout",
    "stage",
    "base-path",
    "base-paths",
    "disable-execute-api-endpoint",
    "stage-variables",
    "canary",
    "binary-media-types",
    "cors",
    "gateway-responses",
    "api-keys",
    "usage-plans",
    "throttle",
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
    api_settings::configure(config, |table, problems| {
        read(table, surroundings, problems)
    })
}

/// Reads every key, even after a mistake, so that all mistakes are found.
fn read(table: &Table<'_>, surroundings: &Surroundings, problems: &mut Problems) -> Setup {
    let mut warnings = Vec::new();
    table.refuse_unknown(&KEYS, &EXPLAINED, problems);
    let models = models::read(table, problems);
    let stage = Stage::read(table, problems);
    let around = methods::Around {
        models: &models,
        stage: &stage,
        surroundings,
    };
    let routes = table.table("routes", problems);
    let mut methods = methods::read(table, routes.as_ref(), around, problems, &mut warnings);
    let authorizers =
        authorizers::read(table, routes.as_ref(), &mut methods, surroundings, problems);
    let keys_of_authorizers = authorizers::are_key_source(table, problems);
    let cors = table.table("cors", problems);
    if let Some(cors) = &cors {
        cors::add(cors, &mut methods, problems);
    }
    methods::sort(&mut methods);
    let gateway_responses = table.table("gateway-responses", problems);
    let gateway_responses =
        gateway_responses.map(|it| gateway_responses::read(&it, problems, &mut warnings));
    let api_keys = api_keys(table, problems);
    if api_keys.is_empty() {
        let closed = methods.iter().filter(|method| method.needs_key());
        warnings.extend(closed.map(|method| {
            format!(
                "{} requires an API key, and there are no `api-keys`, so it answers every request with 403",
                method.route()
            )
        }));
    }
    let api_keys = usage::plans(table, api_keys, &methods, problems, &mut warnings);
    let binary_types = binary_types(table, problems);
    let stage_name = api_settings::stage(table, "prod", problems);
    let base_paths = base_paths(table, problems);
    let disabled = table.boolean("disable-execute-api-endpoint", problems);
    let has_stage = !disabled.unwrap_or(base_paths.is_some());
    if base_paths.is_none() && !has_stage {
        let message = "without `base-path`, this would leave no path to the API";
        problems.add(table.path_of("disable-execute-api-endpoint"), message);
    }
    let starts = starts(base_paths.as_deref(), has_stage, stage_name);
    let paths = methods.iter().map(|it| (it.route(), it.resource));
    warnings.extend(path_prefix::warnings(surroundings, &starts, paths));
    let authorizers_line = authorizers.write();
    let mut state = State::new(Api {
        domain_name: domain_name(table, problems),
        region: &surroundings.region,
        stage_variables: stage.variables(),
        authorizers: &authorizers_line,
        ..Api::new(stage_name, &surroundings.account, api_id(table, problems))
    });
    state.base_paths = base_paths.as_deref();
    state.has_stage = has_stage;
    state.binary_types = &binary_types;
    let models = models.as_state();
    state.models = &models;
    state.keys_of_authorizers = keys_of_authorizers;
    state.canary = stage.canary();
    let mut summary: Vec<_> = methods.iter().map(|method| method.summary()).collect();
    summary.push(prefixes(base_paths.as_deref(), has_stage, stage_name));
    summary.extend(stage.canary().map(|canary| {
        let percent = canary.percent;
        format!("{percent} % of the requests go to the canary")
    }));
    summary.extend(authorizers.summary());
    if cors.is_some() {
        summary.push(String::from(
            "OPTIONS of all resources answer CORS requests",
        ));
    }
    Setup {
        state: state.write(
            gateway_responses.iter().flatten().map(|it| it.as_state()),
            api_keys.iter().map(|key| key.as_state()),
            methods.iter().map(|method| method.as_state()),
        ),
        functions: methods
            .iter()
            .flat_map(|it| it.functions())
            .chain(authorizers.functions().map(|(name, at)| FunctionReference {
                name: String::from(name),
                at: at.to_vec(),
            }))
            .collect(),
        max_body_bytes: MAX_BODY,
        reusable: true,
        summary,
        warnings,
        extra: [answers_body_errors()].into(),
    }
}

/// What paths begin with.
fn starts(base_paths: Option<&str>, has_stage: bool, stage: &str) -> Vec<String> {
    let base_paths = base_paths.into_iter().flat_map(|list| list.split(ENTRY));
    let stage = Some(stage).filter(|_| has_stage);
    let start = |path: &str| match path {
        "" => String::new(),
        path => format!("/{path}"),
    };
    base_paths.chain(stage).map(start).collect()
}

/// What paths begin with, for the summary.
fn prefixes(base_paths: Option<&str>, has_stage: bool, stage: &str) -> String {
    let mut text = match base_paths {
        None => return format!("every path starts with /{stage}, the stage"),
        Some("") => format!("paths have no prefix, as with a custom domain; the stage is {stage}"),
        Some(paths) if paths.contains(ENTRY) => {
            let paths: Vec<_> = paths.split(ENTRY).map(|path| format!("/{path}")).collect();
            let paths = paths.join(", ");
            format!("paths start with one of the base paths of a custom domain: {paths}")
        }
        Some(path) => format!("every path starts with /{path}, the base path of a custom domain"),
    };
    if has_stage {
        text.push_str(&format!("; or with /{stage}, the stage"));
    }
    text
}

/// One base path or several, separated by [`ENTRY`].
fn base_paths(table: &Table<'_>, problems: &mut Problems) -> Option<String> {
    let path = base_path(table, problems);
    let Some(paths) = table.texts("base-paths", is_base_path, BASE_PATH_RULE, problems) else {
        return path.map(String::from);
    };
    if path.is_some() {
        let message = "set either `base-path` or `base-paths`";
        problems.add(table.path_of("base-path"), message);
    }
    if paths.is_empty() {
        problems.add(table.path_of("base-paths"), "there is no base path in it");
    }
    Some(paths.join(ENTRY.encode_utf8(&mut [0; 4])))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_nothing_can_reach_get_a_warning() {
        let config = r#"{"routes": {
            "GET /a": {"function": "f", "api-key-required": true},
            "GET /b": {
                "integration": "MOCK",
                "request-templates": {"application/json": "{\"statusCode\": 200}"},
                "integration-responses": [{"status-code": 404, "selection-pattern": "404"}]
            }
        }}"#;
        let setup = configure(config, &Surroundings::none()).unwrap();
        let [status, response, key] = setup.warnings.as_slice() else {
            panic!("{:?}", setup.warnings);
        };
        assert!(key.starts_with("GET /a requires an API key"), "{key}");
        assert!(
            status.starts_with("GET /b: no `selection-pattern`"),
            "{status}"
        );
        assert!(response.contains("is never sent"), "{response}");
    }

    #[test]
    fn settings_without_effect_get_a_warning() {
        let config = r#"{
            "function": "f",
            "api-keys": {"k1": "abcdefghij0123456789", "k2": "abcdefghij0123456780"},
            "usage-plans": {"p": {"api-keys": ["k1"]}},
            "gateway-responses": {"WAF_FILTERED": {}, "THROTTLED": {}}
        }"#;
        let setup = configure(config, &Surroundings::none()).unwrap();
        let [response, key] = setup.warnings.as_slice() else {
            panic!("{:?}", setup.warnings);
        };
        assert!(
            key.starts_with("the API key `k2` is in no usage plan"),
            "{key}"
        );
        assert!(
            response.starts_with("gateway-responses.WAF_FILTERED has no effect"),
            "{response}"
        );
    }
}
