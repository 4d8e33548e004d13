//! The claims of a token as texts, as events contain them.
//!
//! HTTP APIs write lists as `[a b]` and objects as `map[a:1 b:2]`, the way Go prints them. REST APIs join lists with
//! commas, and write the times `exp` and `iat` as dates, the way Java prints them.
//!
//! On failure: nothing fails here; a value that is nested too deeply is written as JSON.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::json::read;
use plugin_kit::time::http_date;

/// Deeper values are written as JSON.
const MAX_DEPTH: u8 = 8;

/// The claims of a token: names, and values as JSON.
#[derive(Debug)]
pub struct Claims<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Claims<'a> {
    /// Reads the payload of a token. `None` if it is not a JSON object.
    pub fn read(json: &'a str) -> Option<Self> {
        read::object(json).ok().map(Self)
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        found
            .map(|(_, value)| *value)
            .filter(|value| *value != "null")
    }

    /// A claim that is a string.
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        read::string(self.get(name)?).ok()
    }

    /// A claim that is a time, in milliseconds since 1970. `Some(None)` if it is not a number.
    pub fn time_ms(&self, name: &str) -> Option<Option<u64>> {
        let seconds: Option<f64> = self.get(name)?.parse().ok();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a conversion of a float saturates"
        )]
        let time = seconds.map(|seconds| (seconds * 1000.0) as u64);
        Some(time)
    }

    /// A claim that is a string or a list of strings.
    pub fn texts(&self, name: &str) -> Option<Vec<Cow<'a, str>>> {
        crate::json::one_or_more(self.get(name)?)
    }

    /// The scopes: `scope`, separated by spaces, or else `scp`, a list or such a text.
    pub fn scopes(&self) -> Vec<String> {
        let claim = self.texts("scope").or_else(|| self.texts("scp"));
        let claim = claim.unwrap_or_default();
        let scopes = claim.iter().flat_map(|text| text.split_ascii_whitespace());
        scopes.map(String::from).collect()
    }

    /// Every claim as an HTTP API has it in events.
    pub fn of_http_api(&self) -> Vec<(String, String)> {
        let claims = self.0.iter();
        claims
            .map(|(name, value)| (name.clone().into_owned(), in_go(value, 0)))
            .collect()
    }

    /// Every claim as a REST API has it in events.
    pub fn of_rest_api(&self) -> Vec<(String, String)> {
        let claims = self.0.iter();
        claims
            .map(|(name, value)| {
                let time = matches!(&**name, "exp" | "iat").then(|| self.time_ms(name));
                let text = match time.flatten().flatten() {
                    Some(at_ms) => java_date(at_ms),
                    None => in_java(value),
                };
                (name.clone().into_owned(), text)
            })
            .collect()
    }
}

fn in_go(value: &str, depth: u8) -> String {
    if depth >= MAX_DEPTH {
        return value.to_string();
    }
    if let Ok(text) = read::string(value) {
        return text.into_owned();
    }
    if let Ok(list) = read::list(value) {
        let items: Vec<_> = list
            .into_iter()
            .map(|item| in_go(item, depth + 1))
            .collect();
        return format!("[{}]", items.join(" "));
    }
    if let Ok(mut members) = read::object(value) {
        members.sort();
        let items: Vec<_> = members
            .into_iter()
            .map(|(name, value)| format!("{name}:{}", in_go(value, depth + 1)))
            .collect();
        return format!("map[{}]", items.join(" "));
    }
    String::from(if value == "null" { "<nil>" } else { value })
}

fn in_java(value: &str) -> String {
    let scalar = |value: &str| match read::string(value) {
        Ok(text) => text.into_owned(),
        Err(_) => value.to_string(),
    };
    match read::list(value) {
        Ok(list) => {
            let items: Vec<_> = list.into_iter().map(scalar).collect();
            items.join(",")
        }
        Err(_) => scalar(value),
    }
}

/// `Fri Oct 02 08:30:00 UTC 2026`.
fn java_date(at_ms: u64) -> String {
    let date = http_date(at_ms);
    let parts: Vec<_> = date
        .split([' ', ','])
        .filter(|part| !part.is_empty())
        .collect();
    match parts.as_slice() {
        [weekday, day, month, year, time, ..] => {
            format!("{weekday} {month} {day} {time} UTC {year}")
        }
        _ => date,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"sub":"a","exp":1790929800,"email_verified":true,"groups":["x","y"],"n":1.5,"none":null,"o":{"b":[1,2],"a":"c"},"scope":"read  write"}"#;

    #[test]
    fn claims_are_texts_as_go_prints_them() {
        let claims = Claims::read(JSON).unwrap().of_http_api();
        let claims: Vec<_> = claims
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(
            claims,
            [
                ("sub", "a"),
                ("exp", "1790929800"),
                ("email_verified", "true"),
                ("groups", "[x y]"),
                ("n", "1.5"),
                ("none", "<nil>"),
                ("o", "map[a:c b:[1 2]]"),
                ("scope", "read  write"),
            ]
        );
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(
            Claims::read(&deep).unwrap().of_http_api()[0].1.len(),
            100_001
        );
    }

    #[test]
    fn claims_are_texts_as_java_prints_them() {
        let claims = Claims::read(JSON).unwrap().of_rest_api();
        let value = |name| &*claims.iter().find(|(key, _)| key == name).unwrap().1;
        assert_eq!(value("exp"), "Fri Oct 02 08:30:00 UTC 2026");
        assert_eq!(value("groups"), "x,y");
        assert_eq!(value("email_verified"), "true");
    }

    #[test]
    fn scopes_are_those_of_scope_or_of_scp() {
        let scopes = |json| Claims::read(json).unwrap().scopes();
        assert_eq!(scopes(JSON), ["read", "write"]);
        assert_eq!(scopes(r#"{"scp":["a","b"]}"#), ["a", "b"]);
        assert_eq!(scopes(r#"{"scp":"a b"}"#), ["a", "b"]);
        assert!(scopes(r#"{"scope":3}"#).is_empty());
        assert!(Claims::read("[]").is_none());
    }

    #[test]
    fn times_are_numbers() {
        let claims = Claims::read(r#"{"a":1.5,"b":"1","c":-1,"d":1e300}"#).unwrap();
        assert_eq!(claims.time_ms("a"), Some(Some(1500)));
        assert_eq!(claims.time_ms("b"), Some(None));
        assert_eq!(claims.time_ms("c"), Some(Some(0)));
        assert_eq!(claims.time_ms("d"), Some(Some(u64::MAX)));
        assert_eq!(claims.time_ms("e"), None);
    }
}
