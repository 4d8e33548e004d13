//! Values of a template as values of lambkin.toml, of the type that a key has there.
//!
//! Contract: a value of another type than is wanted stays as it is, so that `lambkin check` says what is wrong with it, at
//! its place. A value that exists on AWS only is refused, or its default is used, with a note.

use crate::context::Context;
use crate::document::{Item, Table};
use crate::resource::Resource;
use crate::value::{Kind, Value};

/// What a key has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A text.
    Text,
    /// A number.
    Number,
    /// A boolean.
    Bool,
    /// A list of texts; one text is a list of one.
    Texts,
}

/// A value as what is wanted; `None` if it is null. What exists on AWS only is refused; `what` names the value.
pub fn item(context: &Context, value: &Value, wanted: Wanted, what: &str) -> Option<Item> {
    if let Some(why) = value.as_unknown() {
        context.report.refuse(
            value.place,
            format!("{what} is not known here: {why}; give it a value"),
        );
        return None;
    }
    if wanted == Wanted::Texts {
        let items = value.items().iter();
        return Some(Item::List(
            items
                .filter_map(|text| item(context, text, Wanted::Text, what))
                .collect(),
        ));
    }
    converted(value, wanted)
}

fn converted(value: &Value, wanted: Wanted) -> Option<Item> {
    let found = match wanted {
        Wanted::Text => value.as_str().map(Item::from),
        Wanted::Number => match value.as_integer() {
            Some(integer) => Some(Item::Integer(integer)),
            None => value.as_number().map(Item::Float),
        },
        Wanted::Bool => value.as_bool().map(Item::Bool),
        Wanted::Texts => None,
    };
    found.or_else(|| Item::from_json(&value.to_json()))
}

/// Sets a key to a property of a resource, if it has it. What exists on AWS only is noted: the key has its default.
pub fn copy(
    context: &Context,
    resource: &Resource,
    property: &[&str],
    table: &mut Table,
    key: &str,
    wanted: Wanted,
) {
    let Some(value) = resource.properties.at(property) else {
        return;
    };
    let what = format!("{} of {}", property.join("."), resource.path);
    if let Some(why) = value.as_unknown() {
        let message = format!("{what} is not known here, and has its default: {why}");
        context.report.note(value.place, message);
        return;
    }
    if let Some(item) = item(context, value, wanted, &what) {
        table.set(key, item, value.place);
    }
}

/// As [`copy`], for a key that nothing can stand for: what exists on AWS only is refused.
pub fn copy_needed(
    context: &Context,
    resource: &Resource,
    property: &[&str],
    table: &mut Table,
    key: &str,
    wanted: Wanted,
) {
    let Some(value) = resource.properties.at(property) else {
        return;
    };
    let what = format!("{} of {}", property.join("."), resource.path);
    if let Some(item) = item(context, value, wanted, &what) {
        table.set(key, item, value.place);
    }
}

/// Sets a key to a property of a resource, if it has it and it is known here: for what has no effect.
pub fn copy_if_known(
    resource: &Resource,
    property: &[&str],
    table: &mut Table,
    key: &str,
    wanted: Wanted,
) {
    let value = resource.properties.at(property);
    let value = value.filter(|value| value.as_unknown().is_none());
    if let Some(value) = value
        && let Some(item) = converted(value, wanted)
    {
        table.set(key, item, value.place);
    }
}

/// A text that has to be known here. What exists on AWS only is refused; `what` names the value.
pub fn known_text(context: &Context, value: &Value, what: &str) -> Option<String> {
    match &value.kind {
        Kind::Unknown(why) => {
            let message = format!("{what} is not known here: {why}");
            context.report.refuse(value.place, message);
            None
        }
        _ => match value.as_str() {
            Some(text) => Some(text.to_owned()),
            None => {
                let message = format!("{what} has to be a text, not {}", value.described());
                context.report.refuse(value.place, message);
                None
            }
        },
    }
}
