//! `lambkin.toml`, as a tree that knows where each part comes from, and as text.
//!
//! Contract: [`Document::print`] writes TOML that [`Document::parse`] reads back equal, and tells for each part of the
//! text from which place of the project it was made, so that a mistake in it can be shown where the user can correct it.
//! [`Document::merge`] lays one document over another: tables are merged, everything else replaces what was there.
//!
//! On failure: only a text that is not TOML fails, with the place.

use std::fmt::Write;
use std::ops::Range;

use indexmap::IndexMap;
use toml::de::{DeTable, DeValue};

use crate::file::{FileId, Place};

/// A `lambkin.toml`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    /// The outermost table.
    pub root: Table,
}

/// A table with its keys in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    entries: IndexMap<String, Entry>,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The value.
    pub item: Item,
    /// The place of the project that it was made from.
    pub place: Option<Place>,
    /// Lines above it in the printed text, without `#`.
    pub comment: Option<String>,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A list.
    List(Vec<Item>),
    /// A table: a section of its own if its parent is one.
    Table(Table),
}

/// A printed document.
#[derive(Debug)]
pub struct Printed {
    /// The text.
    pub text: String,
    /// Which bytes of the text come from which place. Outer parts precede the parts in them.
    pub places: Vec<(Range<usize>, Place)>,
}

impl Printed {
    /// The place that the innermost part around a byte of the text comes from.
    #[must_use]
    pub fn place_at(&self, at: usize) -> Option<Place> {
        let around = self
            .places
            .iter()
            .rev()
            .find(|(range, _)| range.contains(&at));
        around.map(|(_, place)| *place)
    }
}

impl From<&str> for Item {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Item {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Item {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<bool> for Item {
    fn from(boolean: bool) -> Self {
        Self::Bool(boolean)
    }
}

impl From<Table> for Item {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl<T: Into<Item>> From<Vec<T>> for Item {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl Item {
    /// JSON as TOML, which has no null: members and items that are null are left out.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        Some(match json {
            serde_json::Value::Null => return None,
            serde_json::Value::Bool(boolean) => Self::Bool(*boolean),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(integer) => Self::Integer(integer),
                None => Self::Float(number.as_f64()?),
            },
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(items) => {
                Self::List(items.iter().filter_map(Self::from_json).collect())
            }
            serde_json::Value::Object(members) => {
                let mut table = Table::default();
                for (key, value) in members {
                    if let Some(item) = Self::from_json(value) {
                        table.set(key, item, None);
                    }
                }
                Self::Table(table)
            }
        })
    }

    /// The table, if it is one.
    #[must_use]
    pub fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }
}

impl Table {
    /// Sets a key.
    pub fn set(
        &mut self,
        key: impl Into<String>,
        item: impl Into<Item>,
        place: impl Into<Option<Place>>,
    ) {
        let entry = Entry {
            item: item.into(),
            place: place.into(),
            comment: None,
        };
        self.entries.insert(key.into(), entry);
    }

    /// Sets a key that has a comment above it.
    pub fn set_with_comment(
        &mut self,
        key: impl Into<String>,
        item: impl Into<Item>,
        place: impl Into<Option<Place>>,
        comment: impl Into<String>,
    ) {
        let entry = Entry {
            item: item.into(),
            place: place.into(),
            comment: Some(comment.into()),
        };
        self.entries.insert(key.into(), entry);
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Item> {
        self.entries.get(key).map(|entry| &entry.item)
    }

    /// The table of a key, which is made unless it is there. Something else there is replaced.
    pub fn table(&mut self, key: &str) -> &mut Table {
        let entry = self.entries.entry(key.to_owned()).or_insert_with(|| Entry {
            item: Item::Table(Table::default()),
            place: None,
            comment: None,
        });
        if !matches!(entry.item, Item::Table(_)) {
            entry.item = Item::Table(Table::default());
        }
        match &mut entry.item {
            Item::Table(table) => table,
            _ => unreachable!("it has just become a table"),
        }
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        self.entries.shift_remove(key)
    }

    /// The keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .map(|(key, entry)| (key.as_str(), entry))
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn merge(&mut self, over: Table) {
        for (key, entry) in over.entries {
            match (self.entries.get_mut(&key), entry) {
                (
                    Some(Entry {
                        item: Item::Table(table),
                        place,
                        ..
                    }),
                    Entry {
                        item: Item::Table(over),
                        place: over_place,
                        ..
                    },
                ) => {
                    *place = over_place.or(*place);
                    table.merge(over);
                }
                (_, entry) => {
                    self.entries.insert(key, entry);
                }
            }
        }
    }
}

impl Document {
    /// Reads a text. Places are those in `file`.
    ///
    /// # Errors
    ///
    /// The place of the mistake, and what it is.
    pub fn parse(file: FileId, text: &str) -> Result<Self, (Place, String)> {
        let lines = Lines::new(file, text);
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            (lines.place(at), error.message().to_owned())
        })?;
        Ok(Self {
            root: read_table(table.get_ref(), &lines),
        })
    }

    /// Lays another document over this one.
    pub fn merge(&mut self, over: Document) {
        self.root.merge(over.root);
    }

    /// The text.
    #[must_use]
    pub fn print(&self) -> Printed {
        let mut printer = Printer {
            text: String::new(),
            places: Vec::new(),
        };
        printer.section(&self.root, &mut Vec::new());
        Printed {
            text: printer.text,
            places: printer.places,
        }
    }
}

/// The beginnings of the lines of a text.
struct Lines<'t> {
    file: FileId,
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(file: FileId, text: &'t str) -> Self {
        let newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file,
            text,
            starts: std::iter::once(0).chain(newlines).collect(),
        }
    }

    fn place(&self, at: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self
            .starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(0);
        let before = self.text.get(start..at).unwrap_or_default();
        Place {
            file: self.file,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
        }
    }
}

fn read_table(table: &DeTable<'_>, lines: &Lines<'_>) -> Table {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut read = Table::default();
    for (key, value) in entries {
        let item = read_item(value.get_ref(), lines);
        read.set(
            key.get_ref().to_string(),
            item,
            lines.place(key.span().start),
        );
    }
    read
}

fn read_item(value: &DeValue<'_>, lines: &Lines<'_>) -> Item {
    match value {
        DeValue::String(text) => Item::Text(text.to_string()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Item::Integer(integer),
            Err(_) => Item::Text(integer.to_string()),
        },
        DeValue::Float(float) => Item::Float(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(boolean) => Item::Bool(*boolean),
        DeValue::Datetime(datetime) => Item::Text(datetime.to_string()),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| read_item(item.get_ref(), lines));
            Item::List(items.collect())
        }
        DeValue::Table(table) => Item::Table(read_table(table, lines)),
    }
}

struct Printer {
    text: String,
    places: Vec<(Range<usize>, Place)>,
}

impl Printer {
    /// The plain values of a section, then its tables as sections of their own.
    fn section(&mut self, table: &Table, path: &mut Vec<String>) {
        for (key, entry) in table.iter() {
            if matches!(entry.item, Item::Table(_)) {
                continue;
            }
            self.comment(entry);
            let start = self.text.len();
            self.text.push_str(&quoted_key(key));
            self.text.push_str(" = ");
            self.item(&entry.item, 0);
            self.placed(start, entry.place);
            self.text.push('\n');
        }
        for (key, entry) in table.iter() {
            let Item::Table(inner) = &entry.item else {
                continue;
            };
            let index = self.places.len();
            path.push(quoted_key(key));
            let has_values = inner
                .iter()
                .any(|(_, entry)| !matches!(entry.item, Item::Table(_)));
            let has_head = has_values || inner.is_empty() || entry.comment.is_some();
            if has_head && !self.text.is_empty() {
                self.text.push('\n');
            }
            self.comment(entry);
            let start = self.text.len();
            if has_head {
                self.text.push('[');
                self.text.push_str(&path.join("."));
                self.text.push_str("]\n");
            }
            self.section(inner, path);
            path.pop();
            if let Some(place) = entry.place {
                self.places.insert(index, (start..self.text.len(), place));
            }
        }
    }

    fn comment(&mut self, entry: &Entry) {
        for line in entry.comment.iter().flat_map(|comment| comment.lines()) {
            // A control character would end the comment, or is not allowed in one.
            let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
            self.text.push_str(format!("# {line}").trim_end());
            self.text.push('\n');
        }
    }

    fn placed(&mut self, start: usize, place: Option<Place>) {
        if let Some(place) = place {
            self.places.push((start..self.text.len(), place));
        }
    }

    fn item(&mut self, item: &Item, depth: usize) {
        match item {
            Item::Text(text) => self.text.push_str(&quoted(text)),
            Item::Integer(integer) => {
                let _ = write!(self.text, "{integer}"); // a String takes everything
            }
            Item::Float(float) => {
                let _ = write!(self.text, "{float:?}");
            }
            Item::Bool(boolean) => {
                let _ = write!(self.text, "{boolean}");
            }
            Item::List(items) => self.list(items, depth),
            Item::Table(table) => self.inline_table(table, depth),
        }
    }

    /// On one line, or with a line for each item if one of them is a table.
    fn list(&mut self, items: &[Item], depth: usize) {
        let is_long = items.iter().any(|item| matches!(item, Item::Table(_)));
        self.text.push('[');
        for (index, item) in items.iter().enumerate() {
            if is_long {
                self.text.push('\n');
                self.text.push_str(&"    ".repeat(depth + 1));
            } else if index > 0 {
                self.text.push_str(", ");
            }
            self.item(item, depth + 1);
            if is_long {
                self.text.push(',');
            }
        }
        if is_long {
            self.text.push('\n');
            self.text.push_str(&"    ".repeat(depth));
        }
        self.text.push(']');
    }

    fn inline_table(&mut self, table: &Table, depth: usize) {
        self.text.push('{');
        for (index, (key, entry)) in table.iter().enumerate() {
            self.text.push_str(if index == 0 { " " } else { ", " });
            let start = self.text.len();
            self.text.push_str(&quoted_key(key));
            self.text.push_str(" = ");
            self.item(&entry.item, depth);
            self.placed(start, entry.place);
        }
        self.text
            .push_str(if table.is_empty() { "}" } else { " }" });
    }
}

fn quoted_key(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match !key.is_empty() && key.bytes().all(is_bare) {
        true => key.to_owned(),
        false => quoted(key),
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter)); // a String takes everything
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
