//! JSON without a tree of values: it is written into one string, and read as spans of the text that contains it.
//!
//! On failure: [`JsonError`].

pub mod read;
pub mod write;

/// The text is not JSON, or it is not of the expected type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonError;
