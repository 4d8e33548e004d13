//! Values of TOML: numbers in all their notations, descriptions for messages, and conversion to JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::de::DeValue;

use super::source::Span;

/// The value as a number, if it is an integer or a float.
pub fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(_) => Some(integer(value)? as f64),
        DeValue::Float(float) => float.as_str().parse().ok(),
        _ => None,
    }
}

/// The value as an integer, in any of TOML's notations.
pub fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// The type of a value and, if it is short, the value itself, for messages: `the string "x"`.
pub fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 60 => format!("the string {text:?}"),
        DeValue::Integer(integer) => format!("{integer}"),
        DeValue::Float(float) => format!("{float}"),
        DeValue::Boolean(boolean) => format!("{boolean}"),
        DeValue::Array(_) => "a list".to_owned(),
        other => format!("a {}", other.type_str()),
    }
}

/// The value as JSON. Adds the span of each of its parts to `spans`, under the keys and list indexes that lead to the
/// part; `path` leads to the value itself.
pub fn to_json(
    value: &DeValue<'_>,
    path: &[String],
    spans: &mut BTreeMap<Vec<String>, Span>,
) -> serde_json::Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(_) => integer(value).into(),
        // JSON has no infinity and no NaN; they become null, which plugins refuse.
        DeValue::Float(float) => float.as_str().parse::<f64>().unwrap_or(f64::NAN).into(),
        DeValue::Boolean(boolean) => (*boolean).into(),
        DeValue::Datetime(datetime) => datetime.to_string().into(),
        DeValue::Array(items) => {
            let item = |(index, item): (usize, &toml::Spanned<DeValue<'_>>)| {
                let path = [path, &[index.to_string()]].concat();
                spans.insert(path.clone(), item.span());
                to_json(item.get_ref(), &path, spans)
            };
            items.iter().enumerate().map(item).collect()
        }
        DeValue::Table(table) => {
            let entry =
                |(key, value): (&toml::Spanned<Cow<'_, str>>, &toml::Spanned<DeValue<'_>>)| {
                    let path = [path, &[key.get_ref().to_string()]].concat();
                    spans.insert(path.clone(), key.span());
                    (
                        key.get_ref().to_string(),
                        to_json(value.get_ref(), &path, spans),
                    )
                };
            serde_json::Value::Object(table.iter().map(entry).collect())
        }
    }
}
