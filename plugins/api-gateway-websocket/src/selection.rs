//! The route selection expression: which route a message takes.
//!
//! `$request.body.action` is the value of `action` in the message, which is JSON; `${request.body.a}/${request.body.b}`
//! joins values and text. A value that is not there is empty, a number or a boolean is its text.
//!
//! On failure: an expression that this plugin cannot evaluate is a mistake in the configuration. A message that is not a
//! JSON object selects nothing.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::json::read;

const BODY: &str = "request.body";

/// What an expression consists of.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    /// The names that lead to a value of the body.
    Body(Vec<&'a str>),
}

/// Checks an expression.
///
/// # Errors
///
/// What is wrong with it, and what would be right.
pub fn check(expression: &str) -> Result<(), String> {
    let parts = parse(expression)?;
    if parts.iter().any(|part| matches!(part, Part::Body(_))) {
        return Ok(());
    }
    Err(String::from(
        "the expression selects by nothing: it needs a value of the message, such as `$request.body.action`",
    ))
}

/// The key that an expression selects for a message; `None` if the message is not a JSON object.
pub fn select(expression: &str, body: &str) -> Option<String> {
    read::object(body).ok()?;
    let mut key = String::new();
    for part in parse(expression).ok()? {
        match part {
            Part::Text(text) => key.push_str(text),
            Part::Body(names) => key.push_str(&value(body, &names)),
        }
    }
    Some(key)
}

fn parse(expression: &str) -> Result<Vec<Part<'_>>, String> {
    if let Some(reference) = expression.strip_prefix('$')
        && !reference.starts_with('{')
    {
        return Ok(alloc::vec![body(reference)?]);
    }
    let mut parts = Vec::new();
    let mut rest = expression;
    while let Some((text, reference)) = rest.split_once("${") {
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        let (reference, after) = reference
            .split_once('}')
            .ok_or("a `${` of the expression has no `}`")?;
        parts.push(body(reference)?);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

/// A reference to a value of the body, without its `$`.
fn body(reference: &str) -> Result<Part<'_>, String> {
    let names = reference
        .strip_prefix(BODY)
        .and_then(|rest| rest.strip_prefix('.'));
    let names: Vec<_> = names.unwrap_or_default().split('.').collect();
    let is_name = |name: &&str| {
        !name.is_empty()
            && name
                .chars()
                .all(|char| char.is_alphanumeric() || "_-".contains(char))
    };
    if names.iter().all(is_name) {
        return Ok(Part::Body(names));
    }
    Err(format!(
        "`${reference}` cannot be evaluated here: routes are selected by members of the message, such as \
         `$request.body.action` or `$request.body.detail.type`"
    ))
}

fn value<'a>(body: &'a str, names: &[&str]) -> Cow<'a, str> {
    let mut json = body;
    for name in names {
        let Ok(members) = read::object(json) else {
            return "".into();
        };
        match members.iter().rev().find(|(key, _)| key == name) {
            Some((_, value)) => json = value,
            None => return "".into(),
        }
    }
    match json.as_bytes().first() {
        Some(b'"') => read::string(json).unwrap_or_default(),
        Some(b'{' | b'[' | b'n') | None => "".into(),
        Some(_) => json.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_selected_by_values_of_the_message() {
        let body = r#"{"action":"send\u0041","n":7,"b":true,"o":{"t":"x"},"z":null,"action2":"é"}"#;
        for (expression, key) in [
            ("$request.body.action", "sendA"),
            ("${request.body.action}", "sendA"),
            ("${request.body.n}/${request.body.o.t}", "7/x"),
            ("pre-${request.body.b}", "pre-true"),
            ("$request.body.missing", ""),
            ("$request.body.o", ""),
            ("$request.body.z", ""),
            ("$request.body.n.deeper", ""),
            ("$request.body.action2", "é"),
        ] {
            assert_eq!(check(expression), Ok(()), "{expression}");
            assert_eq!(
                select(expression, body).as_deref(),
                Some(key),
                "{expression}"
            );
        }
        for other in ["", "text", "[1]", "\"a\"", "{"] {
            assert_eq!(select("$request.body.action", other), None, "{other}");
        }
    }

    #[test]
    fn an_expression_that_cannot_be_evaluated_is_refused() {
        for expression in [
            "",
            "action",
            "$request.body",
            "$request.body.",
            "$request.body[0]",
            "$request.header.x",
            "$context.routeKey",
            "${request.body.a",
            "${}",
        ] {
            assert!(check(expression).is_err(), "{expression}");
        }
    }
}
