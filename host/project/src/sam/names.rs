//! Known names, and what is said about others.

use plugin_kit::nearest::nearest;

use crate::value::Value;

use super::build::is_intrinsic;
use super::expansion::Expansion;

/// A known name of a property or key.
pub(super) struct Name {
    /// The name.
    pub(super) name: &'static str,
    /// What its value is, as [`super::tables`] has it: `{}`, `[]`, the same with `!`, or anything.
    shape: &'static str,
}

/// The names in a list of [`super::tables`].
pub(super) fn names(list: &'static str) -> impl Iterator<Item = Name> {
    list.split_whitespace().map(|word| {
        let length = word.find(['{', '[']).unwrap_or(word.len());
        let (name, shape) = word.split_at_checked(length).unwrap_or((word, ""));
        Name { name, shape }
    })
}

impl Name {
    /// Refuses a value that is of another kind. `path` is what it is called in messages.
    pub(super) fn check(&self, expansion: &Expansion<'_>, path: &str, value: &Value) {
        let (wanted, is_such) = match self.shape {
            "{}" | "{!}" => ("a map", value.as_map().is_some()),
            "[]" | "[!]" => ("a list", value.as_list().is_some()),
            _ => return,
        };
        if self.shape == "[!]"
            && let Some(other) = value.items().iter().find(|item| item.as_str().is_none())
            && is_such
        {
            let is = other.described();
            let text = format!("{path} must be a list of texts, and has {is}");
            return expansion.refuse(other.place, text);
        }
        let is_function = is_intrinsic(value);
        let may_be_function = !self.shape.contains('!');
        if value.is_null() || (is_function && may_be_function) || (is_such && !is_function) {
            return;
        }
        let is = match is_function {
            true => "an intrinsic function",
            false => value.described(),
        };
        expansion.refuse(value.place, format!("{path} must be {wanted}, not {is}"));
    }
}

/// A message with the nearest of the names that would be right.
pub(super) fn with_nearest(text: String, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(known) => format!("{text}; did you mean {known}?"),
        None => text,
    }
}
