//! What functions are invoked by: the names of functions as triggers and destinations have them.

use crate::document::{Document, Item};
use crate::resource::Stack;

/// What a text that should name a function names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A function of the document, `NAME` or `NAME:ALIAS`.
    Served(String),
    /// A function of the stack that has been refused or left out, which the report has told.
    LeftOut(String),
    /// Something else.
    Elsewhere,
}

/// The function that a name, an ARN or the URI of an integration means.
#[must_use]
pub fn function(stack: &Stack, document: &Document, text: &str) -> Target {
    let Some((function, qualifier)) = stack.function_of(text) else {
        return Target::Elsewhere;
    };
    let functions = document.root.get("functions").and_then(Item::as_table);
    let served = functions.and_then(|functions| functions.get(&function.name)?.as_table());
    let Some(served) = served else {
        return Target::LeftOut(function.name.clone());
    };
    let has = |section: &str, name: &str| {
        let entries = served.get(section).and_then(Item::as_table);
        entries.is_some_and(|entries| entries.get(name).is_some())
    };
    match qualifier {
        Some(name) if has("aliases", name) || has("versions", name) => {
            Target::Served(format!("{}:{name}", function.name))
        }
        _ => Target::Served(function.name.clone()),
    }
}

/// How to run a function whose events do not come by themselves.
#[must_use]
pub fn invoke_hint(function: &str) -> String {
    format!("invoke it with: lambkin invoke {function} event.json")
}
