//! What a sender attaches to a message.

/// A message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// As the sender said it: `String`, `Number.float`, `Binary`.
    pub data_type: String,
    /// Its value.
    pub value: Value,
}

/// The value of an [`Attribute`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, numbers too.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}
