//! Settings that HTTP and REST APIs of API Gateway have in common. The rules are those of AWS.
//!
//! On failure: each mistake is recorded, and the setting has its default.

use alloc::string::String;
use alloc::vec::Vec;

use plugin_kit::settings::{Problems, Table, is_word};

use crate::json::write;

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
    let Some(variables) = table.table("stage-variables", problems) else {
        return String::new();
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
    if legal.is_empty() {
        return String::new();
    }
    write::object(64, |object| {
        for (name, value) in legal {
            object.string(name, value);
        }
    })
}
