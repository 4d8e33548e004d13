//! Validation by JSON Schema, for tests: the keywords that the schema of `lambkin.toml` uses, and no others.
//!
//! A library would do as well, but those at hand change the features of crates that the host uses, and with them the
//! build of the host.

use regex_automata::meta::Regex;
use serde_json::Value;

/// Returns where and why `value` does not follow `schema`; `at` leads to the value.
pub fn validate(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    for (keyword, rule) in schema.as_object().unwrap() {
        let is_followed = match keyword.as_str() {
            // Annotations, and parts of other keywords.
            "$schema" | "title" | "description" | "default" | "additionalProperties" => true,
            "type" => match rule {
                Value::String(kind) => is_of_type(value, kind),
                kinds => {
                    let mut kinds = kinds.as_array().unwrap().iter();
                    kinds.any(|kind| is_of_type(value, kind.as_str().unwrap()))
                }
            },
            "enum" => rule.as_array().unwrap().contains(value),
            "const" => rule == value,
            "minimum" => value
                .as_f64()
                .is_none_or(|value| value >= rule.as_f64().unwrap()),
            "maximum" => value
                .as_f64()
                .is_none_or(|value| value <= rule.as_f64().unwrap()),
            "exclusiveMinimum" => value
                .as_f64()
                .is_none_or(|value| value > rule.as_f64().unwrap()),
            "pattern" => value
                .as_str()
                .is_none_or(|text| is_match(rule.as_str().unwrap(), text)),
            "minItems" => value
                .as_array()
                .is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "maxItems" => value
                .as_array()
                .is_none_or(|items| items.len() as u64 <= rule.as_u64().unwrap()),
            "minProperties" => value
                .as_object()
                .is_none_or(|table| table.len() as u64 >= rule.as_u64().unwrap()),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(rule, item, &format!("{at}.{index}"))?;
                }
                true
            }
            "required" => value.as_object().is_none_or(|table| {
                let mut keys = rule.as_array().unwrap().iter();
                keys.all(|key| table.contains_key(key.as_str().unwrap()))
            }),
            "anyOf" => count(rule, value, at) > 0,
            "oneOf" => count(rule, value, at) == 1,
            "properties" | "patternProperties" => {
                validate_members(schema, value, at)?;
                true
            }
            other => panic!("the validator does not know `{other}`"),
        };
        if !is_followed {
            return Err(format!("{at}: {value} does not follow {keyword}: {rule}"));
        }
    }
    if schema
        .get("properties")
        .or(schema.get("patternProperties"))
        .is_none()
    {
        validate_members(schema, value, at)?;
    }
    Ok(())
}

/// Applies `properties`, `patternProperties` and `additionalProperties`.
fn validate_members(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    for (key, member) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        let property = schema["properties"].get(key);
        let patterns = schema["patternProperties"]
            .as_object()
            .into_iter()
            .flatten();
        let matching = patterns.filter(|(pattern, _)| is_match(pattern, key));
        let mut rules: Vec<&Value> = property
            .into_iter()
            .chain(matching.map(|(_, rule)| rule))
            .collect();
        if rules.is_empty() {
            rules.extend(schema.get("additionalProperties"));
        }
        for rule in rules {
            match rule {
                Value::Bool(true) => {}
                Value::Bool(false) => return Err(format!("{at} is not a property")),
                rule => validate(rule, member, &at)?,
            }
        }
    }
    Ok(())
}

/// How many of some schemas a value follows.
fn count(schemas: &Value, value: &Value, at: &str) -> usize {
    let schemas = schemas.as_array().unwrap().iter();
    schemas
        .filter(|schema| validate(schema, value, at).is_ok())
        .count()
}

fn is_of_type(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("the validator does not know the type {other}"),
    }
}

fn is_match(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).unwrap().is_match(text)
}
