//! A message attribute, whichever of the contracts it comes from.

/// A message attribute, borrowed from one of the contracts' types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its name.
    pub name: &'a str,
    /// The type as the sender wrote it: `String`, `Number.float`, `Binary`.
    pub data_type: &'a str,
    /// Its value.
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
