//! Parses JSON into [`Branch`]es. The error messages are AWS's.

use serde_json::{Map, Value};

use crate::PatternError;
use crate::address::Cidr;
use crate::branch::Branch;
use crate::matcher::{Literal, Matcher, TextCondition};
use crate::number::{Comparable, Range};
use crate::wildcard::Wildcard;

/// Maximum number of alternatives in a pattern: AWS's limit for a rule.
const MAX_BRANCHES: usize = 1000;

const OR: &str = "$or";

/// The names of matchers, which no field inside `$or` may have.
const RESERVED: [&str; 9] = [
    "exactly",
    "prefix",
    "suffix",
    "wildcard",
    "equals-ignore-case",
    "anything-but",
    "numeric",
    "exists",
    "cidr",
];

/// Parses a pattern into its alternatives.
pub fn branches(pattern: &Value) -> Result<Vec<Branch>, PatternError> {
    let mut parser = Parser { path: Vec::new() };
    let Value::Object(pattern) = pattern else {
        return Err(parser.error("Filter is not an object"));
    };
    parser.object(pattern, vec![Branch::default()], false)
}

struct Parser {
    path: Vec<String>,
}

impl Parser {
    fn error(&self, reason: impl Into<String>) -> PatternError {
        PatternError {
            reason: reason.into(),
            at: self.path.join("."),
        }
    }

    /// Adds the leaves of an object to each branch.
    fn object(
        &mut self,
        object: &Map<String, Value>,
        mut branches: Vec<Branch>,
        in_or: bool,
    ) -> Result<Vec<Branch>, PatternError> {
        if object.is_empty() {
            return Err(self.error("Empty objects are not allowed"));
        }
        for (name, value) in object {
            self.path.push(name.clone());
            if in_or && RESERVED.contains(&name.as_str()) {
                return Err(self.error(format!(
                    "{name} is Ruler reserved fieldName which cannot be used inside $or."
                )));
            }
            branches = match value {
                _ if name == OR => {
                    self.path.pop();
                    let branches = self.or(value, &branches)?;
                    self.path.push(name.clone());
                    branches
                }
                Value::Object(object) => self.object(object, branches, in_or)?,
                Value::Array(items) => {
                    let matchers = self.matchers(items)?;
                    for branch in &mut branches {
                        branch.insert(self.path.join("."), matchers.clone());
                    }
                    branches
                }
                _ => {
                    let reason = format!("\"{name}\" must be an object or an array");
                    return Err(self.error(reason));
                }
            };
            self.path.pop();
        }
        Ok(branches)
    }

    /// Combines each branch with each alternative of an `$or`.
    fn or(&mut self, value: &Value, branches: &[Branch]) -> Result<Vec<Branch>, PatternError> {
        let Value::Array(alternatives) = value else {
            return Err(self.error("It must be an Array followed with $or."));
        };
        let mut all = Vec::new();
        for alternative in alternatives {
            let Value::Object(alternative) = alternative else {
                let reason = "Only JSON object is allowed in array of $or relationship.";
                return Err(self.error(reason));
            };
            all.extend(self.object(alternative, branches.to_vec(), true)?);
            if all.len() > MAX_BRANCHES {
                let reason = format!("$or makes more than {MAX_BRANCHES} combinations");
                return Err(self.error(reason));
            }
        }
        if alternatives.len() < 2 {
            let reason = "There must have at least 2 Objects in $or relationship.";
            return Err(self.error(reason));
        }
        Ok(all)
    }

    fn matchers(&self, items: &[Value]) -> Result<Vec<Matcher>, PatternError> {
        if items.is_empty() {
            return Err(self.error("Empty arrays are not allowed"));
        }
        items
            .iter()
            .map(|item| matcher(item).map_err(|reason| self.error(reason)))
            .collect()
    }
}

fn matcher(item: &Value) -> Result<Matcher, String> {
    match item {
        Value::Object(expression) => self::expression(expression),
        Value::Array(_) => {
            Err("Match value must be String, number, true, false, or null".to_owned())
        }
        Value::String(text) => Ok(Matcher::Exactly(Literal::Text(text.clone()))),
        Value::Number(number) => Ok(Matcher::Exactly(Literal::Number(number.clone()))),
        Value::Bool(bool) => Ok(Matcher::Exactly(Literal::Bool(*bool))),
        Value::Null => Ok(Matcher::Exactly(Literal::Null)),
    }
}

fn expression(expression: &Map<String, Value>) -> Result<Matcher, String> {
    let (name, value) = only_member(expression, "Match expression name not found")?;
    match (name, value) {
        ("exactly", value) => Ok(Matcher::Exactly(Literal::Text(
            text(value, "exact match pattern must be a string")?.to_owned(),
        ))),
        ("anything-but", value) => anything_but(value),
        ("numeric", Value::Array(terms)) => numeric(terms).map(Matcher::Numeric),
        ("numeric", _) => Err("Value of numeric must be an array.".to_owned()),
        ("exists", Value::Bool(exists)) => Ok(Matcher::Exists(*exists)),
        ("exists", _) => Err("exists match pattern must be either true or false.".to_owned()),
        ("cidr", value) => {
            let range = text(value, "cidr match pattern must be a string")?;
            Cidr::parse(range).map(Matcher::Cidr)
        }
        (name, value) => text_condition(name, value)?
            .map(Matcher::Text)
            .ok_or_else(|| format!("Unrecognized match type {name}")),
    }
}

fn only_member<'a>(
    object: &'a Map<String, Value>,
    none: &str,
) -> Result<(&'a str, &'a Value), String> {
    let mut members = object.iter();
    match (members.next(), members.next()) {
        (Some((name, value)), None) => Ok((name, value)),
        (None, _) => Err(none.to_owned()),
        (Some(_), Some(_)) => Err("Only one key allowed in match expression".to_owned()),
    }
}

fn text<'a>(value: &'a Value, otherwise: &str) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| otherwise.to_owned())
}

/// The condition with this name; `None` if there is none.
fn text_condition(name: &str, value: &Value) -> Result<Option<TextCondition>, String> {
    let otherwise = format!("{name} match pattern must be a string");
    let test = match name {
        "prefix" | "suffix" => {
            let is_prefix = name == "prefix";
            if let Value::Object(inner) = value {
                let lower = ignored_case(inner, &otherwise)?;
                return Ok(Some(if is_prefix {
                    TextCondition::PrefixIgnoreCase(lower)
                } else {
                    TextCondition::SuffixIgnoreCase(lower)
                }));
            }
            let text = text(value, &otherwise)?.to_owned();
            if is_prefix {
                TextCondition::Prefix(text)
            } else {
                TextCondition::Suffix(text)
            }
        }
        "equals-ignore-case" => {
            TextCondition::EqualsIgnoreCase(text(value, &otherwise)?.to_lowercase())
        }
        "wildcard" => TextCondition::Wildcard(Wildcard::parse(text(value, &otherwise)?)?),
        _ => return Ok(None),
    };
    Ok(Some(test))
}

/// The text of `{"equals-ignore-case": text}`, in lower case.
fn ignored_case(inner: &Map<String, Value>, otherwise: &str) -> Result<String, String> {
    match only_member(inner, otherwise)? {
        ("equals-ignore-case", Value::String(text)) => Ok(text.to_lowercase()),
        _ => Err(otherwise.to_owned()),
    }
}

fn anything_but(value: &Value) -> Result<Matcher, String> {
    match value {
        Value::Object(inner) => {
            let (name, value) = only_member(inner, "Anything-But expression name not found")?;
            anything_but_text(name, value).map(Matcher::AnythingButText)
        }
        Value::Array(values) => anything_but_list(values),
        Value::String(_) | Value::Number(_) => anything_but_list(std::slice::from_ref(value)),
        _ => {
            Err("Value of anything-but must be an array or single string/number value.".to_owned())
        }
    }
}

fn anything_but_list(values: &[Value]) -> Result<Matcher, String> {
    let literal = |value: &Value| match value {
        Value::String(text) => Ok(Literal::Text(text.clone())),
        Value::Number(number) => Comparable::of(number)
            .map(|_| Literal::Number(number.clone()))
            .map_err(str::to_owned),
        _ => Err("Inside anything but list, start|null|boolean is not supported.".to_owned()),
    };
    let literals: Vec<_> = values.iter().map(literal).collect::<Result<_, _>>()?;
    let texts = values.iter().filter(|value| value.is_string()).count();
    if texts != literals.len() && texts > 0 || literals.is_empty() {
        return Err(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
                .to_owned(),
        );
    }
    Ok(Matcher::AnythingBut(literals))
}

fn anything_but_text(name: &str, value: &Value) -> Result<Vec<TextCondition>, String> {
    let otherwise = match name {
        "prefix" | "suffix" => "prefix/suffix match pattern must be a string",
        "wildcard" => "wildcard match pattern must be a string",
        "equals-ignore-case" => {
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
        }
        _ => return Err(format!("Unsupported anything-but pattern: {name}")),
    };
    let values = match value {
        Value::Array(values) if values.is_empty() => {
            return Err("Empty arrays are not allowed".to_owned());
        }
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let test = |value: &Value| {
        if text(value, otherwise)?.is_empty() && matches!(name, "prefix" | "suffix") {
            return Err("Null prefix/suffix not allowed".to_owned());
        }
        text_condition(name, value)?.ok_or_else(|| otherwise.to_owned())
    };
    values.iter().map(test).collect()
}

fn numeric(terms: &[Value]) -> Result<Range, String> {
    let (operator, first, rest) = match terms {
        [Value::String(operator), first, rest @ ..] => (operator.as_str(), first, rest),
        [Value::String(operator)] => {
            return Err(format!("Value of {operator} must be numeric"));
        }
        [other, ..] => return Err(format!("Invalid member in numeric match: {other}")),
        [] => return Err("Invalid member in numeric match: ]".to_owned()),
    };
    let (name, with_bottom) = match operator {
        "=" => ("equals", false),
        "<" | "<=" => (operator, false),
        ">" | ">=" => (operator, true),
        _ => return Err(format!("Unrecognized numeric range operator: {operator}")),
    };
    let value = bound(name, first)?;
    let within = operator.ends_with('=');
    match (operator, rest) {
        ("=", []) => Ok(Range {
            bottom: Some((value, true)),
            top: Some((value, true)),
        }),
        (_, []) if with_bottom => Ok(Range {
            bottom: Some((value, within)),
            top: None,
        }),
        (_, []) => Ok(Range {
            bottom: None,
            top: Some((value, within)),
        }),
        _ if with_bottom => complete(value, within, rest),
        _ => Err("Too many elements in numeric expression".to_owned()),
    }
}

/// Parses the upper bound of a range whose lower bound is known.
fn complete(bottom: Comparable, within: bool, rest: &[Value]) -> Result<Range, String> {
    let (operator, value) = match rest {
        [Value::String(operator), value] => (operator.as_str(), value),
        [Value::String(operator)] => {
            return Err(format!("Value of {operator} must be numeric"));
        }
        [Value::String(_), ..] => {
            return Err("Too many terms in numeric range expression".to_owned());
        }
        [other, ..] => return Err(format!("Bad value in numeric range: {other}")),
        [] => return Err("Bad value in numeric range: ]".to_owned()),
    };
    if !matches!(operator, "<" | "<=") {
        return Err(format!("Bad numeric range operator: {operator}"));
    }
    let top = bound(operator, value)?;
    if top <= bottom {
        return Err("Bottom must be less than top".to_owned());
    }
    Ok(Range {
        bottom: Some((bottom, within)),
        top: Some((top, operator == "<=")),
    })
}

fn bound(operator: &str, value: &Value) -> Result<Comparable, String> {
    let Value::Number(number) = value else {
        return Err(format!("Value of {operator} must be numeric"));
    };
    Comparable::of(number).map_err(str::to_owned)
}
