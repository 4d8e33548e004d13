//! Known names, and what is said about others.

use plugin_kit::nearest::nearest;

use crate::value::{Kind, Value};

use super::build::is_intrinsic;
use super::expansion::Expansion;

/// A known name of a property or key.
pub(super) struct Name {
    /// The name.
    pub(super) name: &'static str,
    /// What its value is.
    shape: Shape,
}

/// What a value must be, unless it is an intrinsic function.
enum Shape {
    Any,
    Map,
    List,
}

/// The names in a list of [`super::tables`].
pub(super) fn names(list: &'static str) -> impl Iterator<Item = Name> {
    list.split_whitespace().map(|word| {
        if let Some(name) = word.strip_suffix("{}") {
            let shape = Shape::Map;
            return Name { name, shape };
        }
        match word.strip_suffix("[]") {
            Some(name) => Name {
                name,
                shape: Shape::List,
            },
            None => Name {
                name: word,
                shape: Shape::Any,
            },
        }
    })
}

impl Name {
    /// Refuses a value that is of another kind. `path` is what it is called in messages.
    pub(super) fn check(&self, expansion: &Expansion<'_>, path: &str, value: &Value) {
        let wanted = match (&self.shape, &value.kind) {
            (_, Kind::Null) | (Shape::Any, _) => return,
            (Shape::Map, Kind::Map(_)) | (Shape::List, Kind::List(_)) => return,
            (Shape::Map, _) => "a map",
            (Shape::List, _) => "a list",
        };
        if !is_intrinsic(value) {
            let text = format!("{path} must be {wanted}, not {}", value.described());
            expansion.refuse(value.place, text);
        }
    }
}

/// A message with the nearest of the names that would be right.
pub(super) fn with_nearest(text: String, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(known) => format!("{text}; did you mean {known}?"),
        None => text,
    }
}
