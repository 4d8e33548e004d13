//! Settings that the front ends have in common, most of all the APIs of API Gateway. The rules are those of AWS.
//!
//! On failure: each mistake is recorded, and the setting has its default.

use alloc::string::String;
use alloc::vec::Vec;

use plugin_kit::settings::{self, Problems, Table, is_word};

use crate::contract::{Problem, Setup};
use crate::json::write;

/// Checks a trigger's configuration, a JSON object, with a function that reads every key, even after a mistake.
///
/// # Errors
///
/// All mistakes in it.
pub fn configure(
    config: &str,
    read: impl FnOnce(&Table<'_>, &mut Problems) -> Setup,
) -> Result<Setup, Vec<Problem>> {
    let checked = || {
        let members = settings::parse(config)?;
        let mut problems = Problems::default();
        let setup = read(&Table::root(&members), &mut problems);
        problems.into_result(Some(setup))
    };
    checked().map_err(|problems| problems.into_iter().map(Into::into).collect())
}

/// The key `stage`, with its default. `$default` is a stage of HTTP APIs, which have it as the default.
pub fn stage<'a>(table: &Table<'a>, default: &'a str, problems: &mut Problems) -> &'a str {
    let is_legal = |name: &str| name == default || is_word(name, "-_") && name.len() <= 128;
    let mut rule = String::from("a stage's name consists of letters, digits, `-` and `_`");
    if default.starts_with('$') {
        rule.push_str(", or \"$default\"");
    }
    let stage = table.text("stage", is_legal, &rule, problems);
    stage.unwrap_or(default)
}

/// What is wrong with a base path that [`is_base_path`] does not accept.
pub const BASE_PATH_RULE: &str =
    "a base path consists of segments such as \"v1\", without slashes at its ends; it may be empty";

/// Whether a text can be the base path of a custom domain.
pub fn is_base_path(path: &str) -> bool {
    let mut segments = path.split('/');
    path.is_empty() || segments.all(|segment| is_word(segment, "$-_.+!*'()"))
}

/// The key `base-path`.
pub fn base_path<'a>(table: &Table<'a>, problems: &mut Problems) -> Option<&'a str> {
    table.text("base-path", is_base_path, BASE_PATH_RULE, problems)
}

/// The key `api-id`: lower-case letters and digits.
pub fn api_id<'a>(table: &Table<'a>, problems: &mut Problems) -> &'a str {
    let is_legal = |id: &str| is_word(id, "") && !id.bytes().any(|byte| byte.is_ascii_uppercase());
    let rule = "an API id consists of lower-case letters and digits, such as \"lambkin000\"";
    let id = table.text("api-id", is_legal, rule, problems);
    id.unwrap_or("lambkin000")
}

/// The key `domain-name`; empty without one.
pub fn domain_name<'a>(table: &Table<'a>, problems: &mut Problems) -> &'a str {
    let is_legal = |name: &str| is_word(name, ".-:[]");
    let rule = "a domain name is a host, such as \"api.example.com\"";
    let name = table.text("domain-name", is_legal, rule, problems);
    name.unwrap_or_default()
}

/// The key `stage-variables` as a JSON object; empty without any.
pub fn stage_variables(table: &Table<'_>, problems: &mut Problems) -> String {
    variables_as_json(&variables("stage-variables", table, problems))
}

/// The names and values of stage variables, which are the table of this key.
pub fn variables<'a>(
    key: &str,
    table: &Table<'a>,
    problems: &mut Problems,
) -> Vec<(&'a str, &'a str)> {
    let Some(variables) = table.table(key, problems) else {
        return Vec::new();
    };
    let name_rule = "a stage variable's name consists of letters, digits and `_`";
    let value_rule = "a stage variable's value consists of letters, digits and `-._~:/?#&=,`";
    let mut legal = Vec::new();
    for name in variables.keys() {
        if !is_word(name, "_") {
            problems.add(variables.path_of(name), name_rule);
        }
        let is_legal = |value: &str| is_word(value, "-._~:/?#&=,");
        if let Some(value) = variables.text(name, is_legal, value_rule, problems) {
            legal.push((name, value));
        }
    }
    legal
}

/// Stage variables as a JSON object; empty without any.
pub fn variables_as_json(variables: &[(&str, &str)]) -> String {
    if variables.is_empty() {
        return String::new();
    }
    write::object(64, |object| {
        for (name, value) in variables {
            object.string(name, value);
        }
    })
}
