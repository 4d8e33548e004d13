//! Message attributes, independent of the contract that they come from.

/// A message attribute, borrowed from the type that a contract has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The attribute's name.
    pub name: &'a str,
    /// The type as the sender wrote it: `String`, `Number.float`, `Binary`.
    pub data_type: &'a str,
    /// The attribute's value.
    pub value: Value<'a>,
}

/// The value of an [`Attribute`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string or a number, as text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}
