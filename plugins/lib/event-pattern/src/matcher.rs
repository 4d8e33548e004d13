//! Matchers: conditions on a single value.

use serde_json::{Number, Value};

use crate::address::{self, Cidr};
use crate::number::{self, Range};
use crate::wildcard::Wildcard;

/// An item in the list of a leaf.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    /// Matches this value.
    Exactly(Literal),
    /// Matches texts that satisfy a condition.
    Text(TextCondition),
    /// Matches every value except these. There must be a value.
    AnythingBut(Vec<Literal>),
    /// Matches every value that satisfies none of these conditions. There must be a value.
    AnythingButText(Vec<TextCondition>),
    /// Matches numbers in a range.
    Numeric(Range),
    /// Matches texts that are addresses in a range.
    Cidr(Cidr),
    /// Matches if there is a value (`true`), or if there is none (`false`).
    Exists(bool),
}

/// A literal value in a pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Equal character by character, or the same IP address in another form.
    Text(String),
    /// Equal in value: `300` equals `300.0`.
    Number(Number),
    /// `true` or `false`.
    Bool(bool),
    /// `null`, which differs from an absent value.
    Null,
}

/// A condition on a text. Other values never satisfy it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextCondition {
    /// The text starts with this.
    Prefix(String),
    /// The text starts with this, ignoring case; stored in lower case.
    PrefixIgnoreCase(String),
    /// The text ends with this.
    Suffix(String),
    /// The text ends with this, ignoring case; stored in lower case.
    SuffixIgnoreCase(String),
    /// The text equals this, ignoring case; stored in lower case.
    EqualsIgnoreCase(String),
    /// The text matches this wildcard.
    Wildcard(Wildcard),
}

impl Matcher {
    /// Whether an existing value, which is neither a list nor an object, matches.
    pub fn matches(&self, value: &Value) -> bool {
        match self {
            Self::Exactly(literal) => literal.equals(value),
            Self::Text(test) => test.matches(value),
            Self::AnythingBut(literals) => !literals.iter().any(|literal| literal.equals(value)),
            Self::AnythingButText(tests) => !tests.iter().any(|test| test.matches(value)),
            Self::Numeric(range) => {
                matches!(value, Value::Number(number) if range.contains(number))
            }
            Self::Cidr(cidr) => matches!(value, Value::String(text) if cidr.contains(text)),
            Self::Exists(exists) => *exists,
        }
    }
}

impl Literal {
    fn equals(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(text), Value::String(value)) => {
                text == value || address::is_same(text, value)
            }
            (Self::Number(number), Value::Number(value)) => number::equal(number, value),
            (Self::Bool(bool), Value::Bool(value)) => bool == value,
            (Self::Null, Value::Null) => true,
            _ => false,
        }
    }
}

impl TextCondition {
    fn matches(&self, value: &Value) -> bool {
        let Value::String(text) = value else {
            return false;
        };
        match self {
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::PrefixIgnoreCase(prefix) => text.to_lowercase().starts_with(prefix),
            Self::Suffix(suffix) => text.ends_with(suffix),
            Self::SuffixIgnoreCase(suffix) => text.to_lowercase().ends_with(suffix),
            Self::EqualsIgnoreCase(other) => text.to_lowercase() == *other,
            Self::Wildcard(wildcard) => wildcard.matches(text),
        }
    }
}
