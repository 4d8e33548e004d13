//! Amazon EventBridge's event patterns, which select events for rules, and messages for event source mappings.
//!
//! A pattern is a JSON object with the structure of the events that it matches. Each leaf is a list of
//! [matchers](matcher), one of which must match a value at the same path in the event. All leaves must be matched; of
//! the patterns in an `$or`, one suffices. A name with dots is a path: `{"a.b": [1]}` equals `{"a": {"b": [1]}}`.
//!
//! If the event has a list, any of its items may match. Leaves below the same list must be matched by the same item.
//!
//! On failure: a malformed pattern is rejected with AWS's message and its path. Matching cannot fail; its time is
//! proportional to the size of the event.

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

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    branches: Vec<Branch>,
}

impl Pattern {
    /// Parses a pattern from JSON text.
    ///
    /// # Errors
    ///
    /// Fails if the text is not JSON or not a pattern.
    pub fn parse(json: &str) -> Result<Self, PatternError> {
        let pattern: Value = serde_json::from_str(json).map_err(|error| PatternError {
            reason: format!("it is not JSON: {error}"),
            at: String::new(),
        })?;
        Self::from_value(&pattern)
    }

    /// Parses a pattern from a JSON value.
    ///
    /// # Errors
    ///
    /// Fails if the value is not a pattern.
    pub fn from_value(pattern: &Value) -> Result<Self, PatternError> {
        let branches = parse::branches(pattern)?;
        Ok(Self { branches })
    }

    /// Whether the pattern matches an event.
    pub fn matches(&self, event: &Value) -> bool {
        self.branches.iter().any(|branch| branch.matches(event))
    }

    /// The alternatives that the pattern's `$or`s combine to. The pattern matches if one of them does.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }
}

/// The mistake in a malformed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// AWS's message.
    pub reason: String,
    /// The path in the pattern, with dots between names; empty for the whole pattern.
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
