//! Compares an instance with a schema.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cell::RefCell;

use pattern::Pattern;
use serde_json::{Map, Value};

use crate::format;
use crate::reference::{self, Reference};

/// The number of schemas within each other, references included, so that a schema that refers to itself ends.
const MAX_DEPTH: u32 = 100;

/// Compares an instance with a schema, and returns what is wrong with it. `model` returns the other models of the API.
/// A schema that [`check`](crate::check()) refuses accepts more than it should.
pub fn validate(
    schema: &Value,
    instance: &Value,
    model: &dyn Fn(&str) -> Option<Value>,
) -> Vec<String> {
    let validator = Validator {
        root: schema,
        model,
        patterns: &Patterns::default(),
    };
    validator.validate(schema, instance, 0)
}

#[derive(Clone, Copy)]
struct Validator<'a> {
    root: &'a Value,
    model: &'a dyn Fn(&str) -> Option<Value>,
    patterns: &'a Patterns,
}

/// The patterns that were compiled so far: a list may have many items to compare with the same one.
#[derive(Default)]
struct Patterns(RefCell<BTreeMap<String, Option<Pattern>>>);

impl Patterns {
    /// Whether a pattern matches; `None` if it is not a pattern.
    fn matches(&self, pattern: &str, text: &str) -> Option<bool> {
        let mut compiled = self.0.borrow_mut();
        if !compiled.contains_key(pattern) {
            compiled.insert(pattern.to_string(), Pattern::new(pattern).ok());
        }
        let compiled = compiled.get(pattern)?.as_ref()?;
        Some(compiled.matches(text))
    }
}

impl Validator<'_> {
    fn validate(self, schema: &Value, instance: &Value, depth: u32) -> Vec<String> {
        let depth = depth + 1;
        if depth > MAX_DEPTH {
            return [String::from("validation loop: too many references")].into();
        }
        let Some(members) = schema.as_object() else {
            return Vec::new();
        };
        if let Some(text) = members.get("$ref").and_then(Value::as_str) {
            return self.referred(text, instance, depth);
        }
        // As in Java's validator, in the order of the keywords' names.
        let mut errors = Vec::new();
        for (keyword, value) in members {
            self.keyword(keyword, value, members, instance, depth, &mut errors);
        }
        if errors.is_empty() {
            self.children(members, instance, depth, &mut errors);
        }
        errors
    }

    fn referred(self, text: &str, instance: &Value, depth: u32) -> Vec<String> {
        match reference::read(text) {
            Some(Reference::Local(pointer)) => match reference::local(self.root, pointer) {
                Some(schema) => self.validate(schema, instance, depth),
                None => Vec::new(),
            },
            Some(Reference::Model(name)) => match (self.model)(name) {
                Some(root) => {
                    let other = Validator {
                        root: &root,
                        ..self
                    };
                    other.validate(&root, instance, depth)
                }
                None => Vec::new(),
            },
            None => Vec::new(),
        }
    }

    fn is_valid(self, schema: &Value, instance: &Value, depth: u32) -> bool {
        self.validate(schema, instance, depth).is_empty()
    }

    fn keyword(
        self,
        keyword: &str,
        value: &Value,
        schema: &Map<String, Value>,
        instance: &Value,
        depth: u32,
        errors: &mut Vec<String>,
    ) {
        match keyword {
            "type" => check_type(value, instance, errors),
            "enum" => {
                let is_listed = value
                    .as_array()
                    .is_none_or(|list| list.iter().any(|it| equal(it, instance)));
                if !is_listed {
                    errors.push(format!(
                        "instance value ({instance}) not found in enum (possible values: {value})"
                    ));
                }
            }
            "allOf" | "anyOf" | "oneOf" => {
                let schemas = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let fits = |schema: &&Value| self.is_valid(schema, instance, depth);
                let (count, all) = (schemas.iter().filter(fits).count(), schemas.len());
                match keyword {
                    "allOf" if count < all => errors.push(format!(
                        "instance failed to match all required schemas (matched only {count} out of {all})"
                    )),
                    "anyOf" if count == 0 => errors.push(format!(
                        "instance failed to match at least one required schema among {all}"
                    )),
                    "oneOf" if count != 1 => errors.push(format!(
                        "instance failed to match exactly one schema (matched {count} out of {all})"
                    )),
                    _ => {}
                }
            }
            "not" if self.is_valid(value, instance, depth) => {
                errors.push("instance matched a schema which it should not have".to_string());
            }
            _ => match instance {
                Value::Object(members) => {
                    self.of_object(keyword, value, schema, members, instance, depth, errors);
                }
                Value::Array(items) => of_array(keyword, value, schema, items, errors),
                Value::String(text) => of_string(keyword, value, text, self.patterns, errors),
                Value::Number(_) => of_number(keyword, value, schema, instance, errors),
                Value::Null | Value::Bool(_) => {}
            },
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "these are what a keyword depends on"
    )]
    fn of_object(
        self,
        keyword: &str,
        value: &Value,
        schema: &Map<String, Value>,
        members: &Map<String, Value>,
        instance: &Value,
        depth: u32,
        errors: &mut Vec<String>,
    ) {
        let count = members.len();
        match keyword {
            "required" => {
                let missing = missing(value, members);
                if !missing.is_empty() {
                    errors.push(format!(
                        "object has missing required properties ({})",
                        sorted(missing)
                    ));
                }
            }
            "additionalProperties" if *value == Value::Bool(false) => {
                let not_allowed: Vec<&str> = members
                    .keys()
                    .filter(|name| schemas_of(schema, name, self.patterns).next().is_none())
                    .map(String::as_str)
                    .collect();
                if !not_allowed.is_empty() {
                    errors.push(format!(
                        "object instance has properties which are not allowed by the schema: {}",
                        sorted(not_allowed)
                    ));
                }
            }
            "minProperties" if less(count, value) => errors.push(format!(
                "object has too few properties (found {count} but schema requires at least {value})"
            )),
            "maxProperties" if more(count, value) => errors.push(format!(
                "object has too many properties (found {count} but schema requires at most {value})"
            )),
            "dependencies" => {
                for (name, dependency) in value.as_object().into_iter().flatten() {
                    if !members.contains_key(name) {
                        continue;
                    }
                    if !dependency.is_array() {
                        errors.extend(self.validate(dependency, instance, depth));
                        continue;
                    }
                    let missing = missing(dependency, members);
                    if !missing.is_empty() {
                        errors.push(format!(
                            "property \"{name}\" of object has missing property dependencies \
                             (schema requires {dependency}; missing: {})",
                            sorted(missing)
                        ));
                    }
                }
            }
            _ => {}
        }
    }

    /// The members or items of an instance.
    fn children(
        self,
        schema: &Map<String, Value>,
        instance: &Value,
        depth: u32,
        errors: &mut Vec<String>,
    ) {
        match instance {
            Value::Object(members) => {
                for (name, member) in members {
                    let mut own = schemas_of(schema, name, self.patterns).peekable();
                    let others = match own.peek() {
                        Some(_) => None,
                        None => schema.get("additionalProperties"),
                    };
                    for schema in own.chain(others) {
                        errors.extend(self.validate(schema, member, depth));
                    }
                }
            }
            Value::Array(items) => {
                let of_item = |index: usize| match schema.get("items") {
                    Some(Value::Array(schemas)) => {
                        schemas.get(index).or(schema.get("additionalItems"))
                    }
                    other => other,
                };
                for (index, item) in items.iter().enumerate() {
                    if let Some(schema) = of_item(index) {
                        errors.extend(self.validate(schema, item, depth));
                    }
                }
            }
            _ => {}
        }
    }
}

/// The schemas of a property: those of `properties` and of `patternProperties`.
fn schemas_of<'a>(
    schema: &'a Map<String, Value>,
    name: &'a str,
    known: &'a Patterns,
) -> impl Iterator<Item = &'a Value> {
    let own = schema.get("properties").and_then(|all| all.get(name));
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    let matching = patterns
        .into_iter()
        .flatten()
        .filter(move |(pattern, _)| known.matches(pattern, name) == Some(true));
    own.into_iter().chain(matching.map(|(_, schema)| schema))
}

fn check_type(allowed: &Value, instance: &Value, errors: &mut Vec<String>) {
    let name = type_of(instance);
    let is_allowed = |allowed: &Value| allowed == name || allowed == "number" && name == "integer";
    let one = [allowed.clone()];
    let list = allowed.as_array().map_or(&one[..], Vec::as_slice);
    if !list.iter().any(is_allowed) {
        let names = list.iter().filter_map(Value::as_str).collect();
        errors.push(format!(
            "instance type ({name}) does not match any allowed primitive type (allowed: {})",
            sorted(names)
        ));
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn of_array(
    keyword: &str,
    value: &Value,
    schema: &Map<String, Value>,
    items: &[Value],
    errors: &mut Vec<String>,
) {
    let count = items.len();
    match keyword {
        "minItems" if less(count, value) => errors.push(format!(
            "array is too short: must have at least {value} elements but instance has {count} elements"
        )),
        "maxItems" if more(count, value) => errors.push(format!(
            "array is too long: must have at most {value} elements but instance has {count} elements"
        )),
        "uniqueItems" if *value == Value::Bool(true) && has_duplicates(items) => {
            errors.push("array must not contain duplicate elements".to_string());
        }
        "additionalItems" if *value == Value::Bool(false) => {
            let most = schema.get("items").and_then(Value::as_array).map(Vec::len);
            if let Some(most) = most.filter(|most| count > *most) {
                errors.push(format!(
                    "array is not allowed to have more than {most} elements (found {count})"
                ));
            }
        }
        _ => {}
    }
}

/// Compares texts and numbers after sorting them, so that long lists of such take no time that matters.
fn has_duplicates(items: &[Value]) -> bool {
    let mut texts: Vec<String> = items.iter().map(canonical).collect();
    texts.sort_unstable();
    texts.windows(2).any(|pair| pair.first() == pair.last())
}

/// A text that is the same for equal values: `1` and `1.0` are.
fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) => format!("{float}"),
            None => number.to_string(),
        },
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                format!("{}:{}", Value::from(name.as_str()), canonical(value))
            };
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    a == b || canonical(a) == canonical(b)
}

fn of_string(keyword: &str, value: &Value, text: &str, known: &Patterns, errors: &mut Vec<String>) {
    let length = || text.chars().count();
    match keyword {
        "minLength" if less(length(), value) => errors.push(format!(
            "string \"{text}\" is too short (length: {}, required minimum: {value})",
            length()
        )),
        "maxLength" if more(length(), value) => errors.push(format!(
            "string \"{text}\" is too long (length: {}, maximum allowed: {value})",
            length()
        )),
        "pattern" => {
            let pattern = value.as_str().unwrap_or_default();
            if known.matches(pattern, text) == Some(false) {
                errors.push(format!(
                    "ECMA 262 regex \"{pattern}\" does not match input string \"{text}\""
                ));
            }
        }
        "format" => {
            let name = value.as_str().unwrap_or_default();
            if !format::matches(name, text) {
                errors.push(format!(
                    "string \"{text}\" is invalid against requested format \"{name}\""
                ));
            }
        }
        _ => {}
    }
}

fn of_number(
    keyword: &str,
    value: &Value,
    schema: &Map<String, Value>,
    instance: &Value,
    errors: &mut Vec<String>,
) {
    let (Some(bound), Some(number)) = (value.as_f64(), instance.as_f64()) else {
        return;
    };
    let is_exclusive = |keyword: &str| schema.get(keyword) == Some(&Value::Bool(true));
    match keyword {
        "minimum" if number < bound => errors.push(format!(
            "numeric instance is lower than the required minimum (minimum: {value}, found: {instance})"
        )),
        "minimum" if is_exclusive("exclusiveMinimum") && number <= bound => errors.push(format!(
            "numeric instance is not strictly greater than the required minimum {value}"
        )),
        "maximum" if number > bound => errors.push(format!(
            "numeric instance is greater than the required maximum (maximum: {value}, found: {instance})"
        )),
        "maximum" if is_exclusive("exclusiveMaximum") && number >= bound => errors.push(format!(
            "numeric instance is not strictly lower than the required maximum {value}"
        )),
        "multipleOf" if !is_multiple(instance, value, number, bound) => errors.push(format!(
            "remainder of division is not zero ({instance} / {value})"
        )),
        _ => {}
    }
}

/// Whole numbers are divided exactly, others with the tolerance that decimals need: 0.3 is a multiple of 0.1.
fn is_multiple(instance: &Value, value: &Value, number: f64, divisor: f64) -> bool {
    if let (Some(a), Some(b)) = (instance.as_i64(), value.as_i64()) {
        return b == 0 || a % b == 0;
    }
    let quotient = number / divisor;
    let rest = quotient % 1.0;
    let rest = if rest < 0.0 { -rest } else { rest };
    rest < 1e-9 || 1.0 - rest < 1e-9
}

fn missing<'a>(names: &'a Value, members: &Map<String, Value>) -> Vec<&'a str> {
    let names = names.as_array().map(Vec::as_slice).unwrap_or_default();
    let names = names.iter().filter_map(Value::as_str);
    names.filter(|name| !members.contains_key(*name)).collect()
}

/// Names as a JSON list, sorted.
fn sorted(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    Value::from(names).to_string()
}

fn less(count: usize, bound: &Value) -> bool {
    bound.as_u64().is_some_and(|bound| (count as u64) < bound)
}

fn more(count: usize, bound: &Value) -> bool {
    bound.as_u64().is_some_and(|bound| count as u64 > bound)
}
