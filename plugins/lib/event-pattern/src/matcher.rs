//! What a pattern asks of one value.

use serde_json::{Number, Value};

use crate::address::{self, Cidr};
use crate::number::{self, Range};
use crate::wildcard::Wildcard;

/// One item of a leaf's list.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    /// The value itself.
    Exactly(Literal),
    /// A test of a text.
    Text(TextTest),
    /// Any value but these; there must be one.
    AnythingBut(Vec<Literal>),
    /// Any value whose text fails these tests; there must be one.
    AnythingButText(Vec<TextTest>),
    /// A number within a range.
    Numeric(Range),
    /// A text that is an address of a network.
    Cidr(Cidr),
    /// Whether there is a value at all.
    Exists(bool),
}

/// A value that a pattern names.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Character by character; addresses whatever their form.
    Text(String),
    /// In any form: `300` is `300.0`.
    Number(Number),
    /// `true` or `false`.
    Bool(bool),
    /// Not the same as no value.
    Null,
}

/// A test of a text; other values fail it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextTest {
    /// It starts so.
    Prefix(String),
    /// It starts so, in small letters or capitals.
    PrefixIgnoreCase(String),
    /// It ends so.
    Suffix(String),
    /// It ends so, in small letters or capitals.
    SuffixIgnoreCase(String),
    /// It is so, in small letters or capitals.
    EqualsIgnoreCase(String),
    /// It looks so.
    Wildcard(Wildcard),
}

impl Matcher {
    /// Whether a value, which exists, fits. It is no list and no object.
    pub fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Exactly(literal) => literal.is(value),
            Self::Text(test) => test.passes(value),
            Self::AnythingBut(literals) => !literals.iter().any(|literal| literal.is(value)),
            Self::AnythingButText(tests) => !tests.iter().any(|test| test.passes(value)),
            Self::Numeric(range) => {
                matches!(value, Value::Number(number) if range.contains(number))
            }
            Self::Cidr(cidr) => matches!(value, Value::String(text) if cidr.contains(text)),
            Self::Exists(exists) => *exists,
        }
    }
}

impl Literal {
    fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(text), Value::String(value)) => text == value || address::same(text, value),
            (Self::Number(number), Value::Number(value)) => number::equal(number, value),
            (Self::Bool(bool), Value::Bool(value)) => bool == value,
            (Self::Null, Value::Null) => true,
            _ => false,
        }
    }
}

impl TextTest {
    fn passes(&self, value: &Value) -> bool {
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
