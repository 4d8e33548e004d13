//! Properties as texts, numbers and lists, under any of the names that they have.
//!
//! On failure: what exists on AWS only is left out with a note; see [`texts`].

use crate::context::Context;
use crate::document::Item;
use crate::value::Value;

/// The first of several members that is there: CloudFormation writes `TimeoutInMillis`, OpenAPI `timeoutInMillis`.
#[must_use]
pub fn one_of<'v>(value: &'v Value, keys: &[&str]) -> Option<&'v Value> {
    keys.iter().find_map(|key| value.get(key))
}

/// The texts of a list, or the one text in its place. `what` is the list in messages.
#[must_use]
pub fn texts(context: &Context, what: &str, list: &Value) -> Vec<String> {
    let mut texts = Vec::new();
    for item in list.items() {
        match (item.as_text(), item.as_unknown()) {
            (Some(text), _) => texts.push(text.into_owned()),
            (None, Some(why)) => {
                let message =
                    format!("{what}: a value is left out, because it exists on AWS only ({why})");
                context.report.note(item.place, message);
            }
            (None, None) => {
                let message = format!(
                    "{what}: {} is left out, because a text is expected",
                    item.described()
                );
                context.report.note(item.place, message);
            }
        }
    }
    texts
}

/// Milliseconds as the seconds of lambkin.toml.
#[must_use]
pub fn seconds(milliseconds: i64) -> Item {
    match milliseconds % 1000 {
        0 => Item::Integer(milliseconds / 1000),
        #[expect(clippy::cast_precision_loss, reason = "timeouts are small")]
        _ => Item::Float(milliseconds as f64 / 1000.0),
    }
}

/// A number as TOML has it: whole if it is.
#[must_use]
pub fn number(value: &Value) -> Option<Item> {
    match value.as_integer() {
        Some(integer) => Some(Item::Integer(integer)),
        None => value.as_number().map(Item::Float),
    }
}
