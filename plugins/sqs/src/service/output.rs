//! What an operation answers, before a protocol writes it.
//!
//! Both protocols carry the same tree. They differ in the names of lists and maps: JSON has one plural member, the query
//! protocol repeats an element. What is empty or absent appears in neither, as on AWS, with one exception in JSON.

/// The most that a protocol writes around a value: in XML two tags, of which the longest name has 35 bytes.
const MARKUP: usize = 80;

/// Members of a structure, in AWS's order.
#[derive(Debug, Default)]
pub struct Record {
    pub fields: Vec<Field>,
}

#[derive(Debug)]
pub struct Field {
    pub json: &'static str,
    pub query: &'static str,
    pub node: Node,
}

#[derive(Debug)]
pub enum Node {
    Text(String),
    Number(u64),
    Flag(bool),
    Record(Record),
    List(Vec<Node>),
    Map(Map),
}

/// Names and what they stand for.
#[derive(Debug)]
pub struct Map {
    /// What the query protocol calls a name: `Name` or `Key`.
    pub key: &'static str,
    pub entries: Vec<(String, Node)>,
}

impl Record {
    fn with(mut self, json: &'static str, query: &'static str, node: Node) -> Self {
        self.fields.push(Field { json, query, node });
        self
    }

    /// The members of both.
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

    /// About the bytes that a protocol writes this in, if `text` tells how many it writes a text in. Answers can be large beside
    /// the memory there is, and an output that grows as it is written takes up to three times its size.
    pub fn encoded_len(&self, text_len: fn(&str) -> usize) -> usize {
        let fields = self.fields.iter();
        fields
            .map(|field| field.node.encoded_len(text_len) + MARKUP)
            .sum()
    }

    /// A map that JSON shows although nothing is in it.
    pub fn empty_map(self, json: &'static str, query: &'static str, key: &'static str) -> Self {
        let entries = Vec::new();
        self.with(json, query, Node::Map(Map { key, entries }))
    }
}

impl Node {
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

/// Texts as the nodes of a list.
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

/// What a successful operation answers. `None` is AWS's empty body, which operations without an output have.
pub type Output = Option<Record>;
