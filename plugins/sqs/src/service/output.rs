//! The output of an operation, before one of the protocols writes it.
//!
//! Both protocols write the same tree. Only lists and maps have different names: a plural member in JSON, a repeated
//! element in the query protocol. As on AWS, empty and absent values are left out.

/// Maximum number of bytes that a protocol adds to a value: in XML two tags, whose names have up to 35 bytes.
const MARKUP: usize = 80;

/// The members of a structure, in AWS's order.
#[derive(Debug, Default)]
pub struct Record {
    pub fields: Vec<Field>,
}

/// A member of a structure, with its name in each protocol.
#[derive(Debug)]
pub struct Field {
    pub json: &'static str,
    pub query: &'static str,
    pub node: Node,
}

/// A value.
#[derive(Debug)]
pub enum Node {
    Text(String),
    Number(u64),
    Flag(bool),
    Record(Record),
    List(Vec<Node>),
    Map(Map),
}

/// A map with text keys.
#[derive(Debug)]
pub struct Map {
    /// The element of a key in the query protocol: `Name` or `Key`.
    pub key: &'static str,
    pub entries: Vec<(String, Node)>,
}

impl Record {
    fn with(mut self, json: &'static str, query: &'static str, node: Node) -> Self {
        self.fields.push(Field { json, query, node });
        self
    }

    /// Adds the members of `other`.
    pub fn and(mut self, other: Self) -> Self {
        self.fields.extend(other.fields);
        self
    }

    pub fn text(self, name: &'static str, value: impl Into<String>) -> Self {
        self.with(name, name, Node::Text(value.into()))
    }

    pub fn maybe_text(self, name: &'static str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub fn number(self, name: &'static str, value: u64) -> Self {
        self.with(name, name, Node::Number(value))
    }

    pub fn maybe_number(self, name: &'static str, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.number(name, value),
            None => self,
        }
    }

    pub fn flag(self, name: &'static str, value: bool) -> Self {
        self.with(name, name, Node::Flag(value))
    }

    pub fn record(self, name: &'static str, value: Self) -> Self {
        self.with(name, name, Node::Record(value))
    }

    pub fn list(self, json: &'static str, query: &'static str, items: Vec<Node>) -> Self {
        if items.is_empty() {
            return self;
        }
        self.with(json, query, Node::List(items))
    }

    pub fn map(
        self,
        json: &'static str,
        query: &'static str,
        key: &'static str,
        entries: Vec<(String, Node)>,
    ) -> Self {
        if entries.is_empty() {
            return self;
        }
        self.with(json, query, Node::Map(Map { key, entries }))
    }

    /// An upper bound for the length of the encoded output, where `text_len` is the length of an encoded text. Writers
    /// reserve it first: an output can be large for the component's memory, and growing a buffer takes up to three
    /// times its size.
    pub fn encoded_len(&self, text_len: fn(&str) -> usize) -> usize {
        let fields = self.fields.iter();
        fields
            .map(|field| field.node.encoded_len(text_len) + MARKUP)
            .sum()
    }

    /// The same structure in which maps are lists of keys and values, as in the query protocol.
    pub fn with_maps_as_lists(self) -> Self {
        let fields = self.fields.into_iter().map(|field| Field {
            node: field.node.with_maps_as_lists(),
            ..field
        });
        Self {
            fields: fields.collect(),
        }
    }
}

impl Node {
    fn with_maps_as_lists(self) -> Self {
        match self {
            Self::Record(record) => Self::Record(record.with_maps_as_lists()),
            Self::List(items) => {
                let items = items.into_iter().map(Self::with_maps_as_lists);
                Self::List(items.collect())
            }
            Self::Map(Map { key, entries }) => {
                let entries = entries.into_iter().map(|(name, value)| {
                    let record = Record::default().text(key, name);
                    Self::Record(record.with("Value", "Value", value.with_maps_as_lists()))
                });
                Self::List(entries.collect())
            }
            Self::Text(_) | Self::Number(_) | Self::Flag(_) => self,
        }
    }

    fn encoded_len(&self, text_len: fn(&str) -> usize) -> usize {
        match self {
            Self::Text(value) => text_len(value),
            Self::Number(_) | Self::Flag(_) => MARKUP,
            Self::Record(record) => record.encoded_len(text_len),
            Self::List(items) => items
                .iter()
                .map(|item| item.encoded_len(text_len) + MARKUP)
                .sum(),
            Self::Map(map) => {
                let entries = map.entries.iter();
                entries
                    .map(|(name, value)| text_len(name) + value.encoded_len(text_len) + 2 * MARKUP)
                    .sum()
            }
        }
    }
}

/// Texts as the items of a list.
pub fn texts(items: impl IntoIterator<Item = String>) -> Vec<Node> {
    items.into_iter().map(Node::Text).collect()
}

/// Pairs of texts as the entries of a map.
pub fn pairs(entries: impl IntoIterator<Item = (String, String)>) -> Vec<(String, Node)> {
    entries
        .into_iter()
        .map(|(name, value)| (name, Node::Text(value)))
        .collect()
}

/// The result of a successful operation. `None` for operations without an output: AWS sends an empty body then.
pub type Output = Option<Record>;
