//! Amazon EventBridge's event patterns: the language in which rules say which events they want, and event source
//! mappings say which messages.
//!
//! A pattern is a JSON object that looks like the events it matches. Each of its leaves is a list of [matchers](matcher),
//! of which one must fit a value at the same place of the event; all leaves must be satisfied; `$or` lists patterns of
//! which one suffices. Names with dots and nested names are the same place: `{"a.b": [1]}` is `{"a": {"b": [1]}}`.
//!
//! An event's list stands for any one of its items. Leaves below the same list must be satisfied by the same item.
//!
//! On failure: a malformed pattern is refused with the reason AWS gives, and the place. Matching can not fail, and takes
//! time in proportion to the event.

mod address;
mod branch;
mod matcher;
mod number;
mod parse;
#[cfg(test)]
mod tests;
mod wildcard;

use std::fmt;

use serde_json::Value;

pub use branch::Branch;

/// A pattern, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    branches: Vec<Branch>,
}

impl Pattern {
    /// Understands a pattern.
    ///
    /// # Errors
    ///
    /// It is malformed.
    pub fn parse(json: &str) -> Result<Self, PatternError> {
        let pattern: Value = serde_json::from_str(json).map_err(|error| PatternError {
            reason: format!("it is not JSON: {error}"),
            at: String::new(),
        })?;
        Self::of(&pattern)
    }

    /// Understands a pattern.
    ///
    /// # Errors
    ///
    /// It is malformed.
    pub fn of(pattern: &Value) -> Result<Self, PatternError> {
        let branches = parse::branches(pattern)?;
        Ok(Self { branches })
    }

    /// Whether the pattern matches an event.
    pub fn matches(&self, event: &Value) -> bool {
        self.branches.iter().any(|branch| branch.matches(event))
    }

    /// What `$or` makes of the pattern: it matches if one of these does.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }
}

/// Why a pattern is malformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// In the words of AWS.
    pub reason: String,
    /// The place in the pattern, its names joined by dots; empty for the pattern as a whole.
    pub at: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)?;
        if self.at.is_empty() {
            return Ok(());
        }
        write!(formatter, " (at `{}`)", self.at)
    }
}

impl std::error::Error for PatternError {}
