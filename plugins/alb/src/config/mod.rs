//! The trigger's configuration: checks the table of `lambkin.toml` and turns it into a [`State`].
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `function`, `redirect` or `fixed-response` | the default action | one of them is required |
//! | `rules` | the listener rules, see [`rules`] | none |
//! | `multi-value-headers` | whether events and responses have lists of values | `false` |
//! | `health-checks` | the health checks of functions, see [`health_checks`] | none |
//!
//! On failure: every mistake is listed at once, each with the keys that lead to it. Values become fields of the state's
//! lines, so control characters are refused.

mod action;
mod health_checks;
mod rules;

use alloc::string::String;
use alloc::vec::Vec;

use http_event::api_settings;
use http_event::contract::{FunctionReference, Problem, Setup, Surroundings, answers_body_errors};
use plugin_kit::settings::{Problems, Table};

use crate::state::{Rule, State};
use action::ConfiguredAction;
use health_checks::ConfiguredCheck;

const KEYS: [&str; 6] = [
    "function",
    "redirect",
    "fixed-response",
    "rules",
    "multi-value-headers",
    "health-checks",
];

/// Keys that somebody who knows another trigger may write.
const EXPLAINED: [(&str, &str); 3] = [
    (
        "health-check",
        "health checks are per function: `[triggers.NAME.health-checks.FUNCTION]`",
    ),
    (
        "routes",
        "a load balancer has `rules`: `[[triggers.NAME.rules]]` with a `priority`, conditions and a `function`",
    ),
    (
        "timeout",
        "a load balancer has no timeout for functions: the function's own timeout applies",
    ),
];

/// The largest body: AWS's limit for Lambda targets, in bytes.
const MAX_BODY: u32 = 1024 * 1024;

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
    let multi_value_headers = table.boolean("multi-value-headers", problems);
    let rules = rules::read(table, problems);
    let default = ConfiguredAction::read(table, problems);
    let mut functions = Vec::new();
    let mut summary = Vec::new();
    for rule in &rules {
        functions.extend(rule.action.function_reference());
        summary.push(rule.summary());
    }
    functions.extend(
        default
            .as_ref()
            .and_then(ConfiguredAction::function_reference),
    );
    summary.extend(default.as_ref().map(|action| {
        let every = if rules.is_empty() {
            "every request"
        } else {
            "otherwise"
        };
        [every, " -> ", &action.summary()].concat()
    }));
    let names: Vec<&str> = functions
        .iter()
        .map(|it: &FunctionReference| it.name.as_str())
        .collect();
    let health_checks = health_checks::read(table, &names, problems);
    summary.extend(health_checks.iter().map(ConfiguredCheck::summary));
    let default = default.as_ref().map(|chosen| Rule::always(chosen.action()));
    let in_order = rules.iter().map(|rule| rule.as_state()).chain(default);
    let timers = health_checks.iter().map(ConfiguredCheck::timer);
    Setup {
        state: State::write(
            multi_value_headers.unwrap_or_default(),
            &surroundings.region,
            &surroundings.account,
            in_order,
            health_checks.iter().map(|configured| configured.check),
        ),
        functions,
        max_body_bytes: MAX_BODY,
        reusable: true,
        summary,
        warnings: health_checks
            .iter()
            .flat_map(ConfiguredCheck::warnings)
            .collect(),
        extra: timers.chain([answers_body_errors()]).collect(),
    }
}

/// A function that the configuration names.
fn reference(name: &str, at: Vec<String>) -> FunctionReference {
    FunctionReference {
        name: String::from(name),
        at,
    }
}
