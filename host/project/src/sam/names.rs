//! Names that are not known, in messages.

use plugin_kit::nearest::nearest;

/// A message with the nearest of the names that would be right.
pub(super) fn with_nearest(text: String, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(known) => format!("{text}; did you mean {known}?"),
        None => text,
    }
}
