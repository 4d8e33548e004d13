//! References to schemas.

use serde_json::Value;

/// Where a reference leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// A JSON pointer within the same document; empty: the document.
    Local(&'a str),
    /// Another model of the API.
    Model(&'a str),
}

/// Reads a reference; `None` if it is neither of the two.
pub fn read(text: &str) -> Option<Reference<'_>> {
    if let Some(pointer) = text.strip_prefix('#') {
        let is_pointer = pointer.is_empty() || pointer.starts_with('/');
        return is_pointer.then_some(Reference::Local(pointer));
    }
    let rest = text.strip_prefix("https://apigateway.amazonaws.com/restapis/")?;
    let (_, name) = rest.split_once("/models/")?;
    (!name.is_empty() && !name.contains(['/', '#'])).then_some(Reference::Model(name))
}

/// The schema that a pointer leads to.
pub fn local<'a>(root: &'a Value, pointer: &str) -> Option<&'a Value> {
    // `Value::pointer` decodes `~1` and `~0`.
    root.pointer(pointer)
}
