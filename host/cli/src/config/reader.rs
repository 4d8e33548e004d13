//! Reading of TOML tables, key by key, with every mistake collected on the way.
//!
//! A [`Reader`] hands out the values of the keys that a [`Table`] defines. A value that its key does not accept is
//! reported with its span and treated as absent, so that one run reports all mistakes of a file. [`Reader::finish`]
//! reports the keys that are left and suggests the nearest defined one.
//!
//! The file is not deserialised into structs with `serde`: that stops at the first mistake, and what it reports lacks
//! the nearest key, the value and the bounds.

use std::cell::RefCell;
use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::key::{Entry, Key, Kind, Table, is_in_range};
use super::source::{Diagnostic, Span};
use super::suggest::nearest;
use super::value::{describe, integer, number, to_json};

/// The mistakes found so far.
#[derive(Debug, Default)]
pub struct Diagnostics(RefCell<Vec<Diagnostic>>);

impl Diagnostics {
    pub fn add(&self, span: Span, key: &str, message: impl Into<String>) {
        self.0.borrow_mut().push(Diagnostic {
            span,
            key: key.to_owned(),
            message: message.into(),
        });
    }

    /// All mistakes, in the order of the file.
    pub fn into_sorted(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.0.into_inner();
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
        diagnostics
    }
}

/// A value, the range of the file that it was read from, and its key path.
#[derive(Debug, Clone)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
    pub key: String,
}

impl<T> Spanned<T> {
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned {
            value: map(self.value),
            span: self.span,
            key: self.key,
        }
    }
}

/// The span of a key, and its value.
type Member<'a> = (Span, &'a toml::Spanned<DeValue<'a>>);

/// Values under names that the operator chooses.
pub type Named<T> = Vec<(Spanned<String>, T)>;

/// Hands out the values of one table.
pub struct Reader<'a> {
    diagnostics: &'a Diagnostics,
    keys: &'static Table,
    /// The keys of the file's outermost table.
    top: &'static Table,
    /// The span of the table as a whole.
    span: Span,
    path: String,
    /// The keys that have not been read.
    left: BTreeMap<&'a str, Member<'a>>,
}

/// A value that has a short form and a long one.
pub enum TextOrTable<'a> {
    Text(Spanned<String>),
    Table(Reader<'a>),
}

impl<'a> Reader<'a> {
    /// Reads the outermost table, which has these `keys`.
    pub fn root(
        table: &'a DeTable<'a>,
        keys: &'static Table,
        diagnostics: &'a Diagnostics,
    ) -> Self {
        Self::new(table, (keys, keys), 0..0, "", diagnostics)
    }

    /// Reads `table`, which has these keys and lies at `path`.
    fn new(
        table: &'a DeTable<'a>,
        (keys, top): (&'static Table, &'static Table),
        span: Span,
        path: &str,
        diagnostics: &'a Diagnostics,
    ) -> Self {
        let left = table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), (key.span(), value)))
            .collect();
        Self {
            diagnostics,
            keys,
            top,
            span,
            path: path.to_owned(),
            left,
        }
    }

    pub fn span(&self) -> Span {
        self.span.clone()
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// The keys that have not been read.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.left.keys().copied()
    }

    /// Whether a key that has not been read is present, with any value.
    pub fn has(&self, key: &str) -> bool {
        self.left.contains_key(key)
    }

    /// Whether a key that has not been read is present with a table as its value.
    fn has_table(&self, key: &str) -> bool {
        let value = self.left.get(key);
        value.is_some_and(|(_, value)| value.get_ref().is_table())
    }

    /// Takes a key that cannot be used here, whatever its value, and reports it.
    pub fn refuse(&mut self, key: &str, message: &str) {
        if let Some((_, member)) = self.left.remove(key) {
            self.diagnostics
                .add(member.span(), &join(&self.path, key), message);
        }
    }

    /// Takes a defined key and its value, if the key accepts the value and `convert` can read it.
    fn take<T>(
        &mut self,
        name: &str,
        convert: impl FnOnce(&'static Key, &'a DeValue<'a>) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let key = self.keys.find(name)?;
        let (_, member) = self.left.remove(name)?;
        let value = member.get_ref();
        let path = join(&self.path, name);
        let accepted = key.kind.accepts(value).then(|| convert(key, value));
        if let Some(value) = accepted.flatten() {
            return Some(Spanned {
                value,
                span: member.span(),
                key: path,
            });
        }
        let message = format!("must be {}, not {}", key.kind.expected(), describe(value));
        self.diagnostics.add(member.span(), &path, message);
        None
    }

    pub fn text(&mut self, key: &str) -> Option<Spanned<String>> {
        self.take(key, |_, value| value.as_str().map(str::to_owned))
    }

    /// The choice that the value stands for, as its definition spells it.
    pub fn choice(&mut self, key: &str) -> Option<Spanned<&'static str>> {
        self.take(key, |key, value| key.kind.choice(value))
    }

    pub fn flag(&mut self, key: &str) -> Option<Spanned<bool>> {
        self.take(key, |_, value| value.as_bool())
    }

    pub fn integer(&mut self, key: &str) -> Option<Spanned<u64>> {
        self.take(key, |_, value| u64::try_from(integer(value)?).ok())
    }

    pub fn number(&mut self, key: &str) -> Option<Spanned<f64>> {
        self.take(key, |_, value| number(value))
    }

    /// A list of strings; one string, if the key accepts it, is a list of one.
    pub fn texts(&mut self, key: &str) -> Option<Spanned<Vec<String>>> {
        let text = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
        self.take(key, |_, value| match value.as_array() {
            Some(items) => items.iter().map(|item| text(item.get_ref())).collect(),
            None => Some(vec![text(value)?]),
        })
    }

    /// `true`, `false`, or a table, which stands for `true`.
    pub fn flag_or_table(&mut self, key: &str) -> Option<(bool, Option<Reader<'a>>)> {
        if self.has_table(key) {
            return self.table(key).map(|table| (true, Some(table)));
        }
        self.flag(key).map(|flag| (flag.value, None))
    }

    pub fn table(&mut self, key: &str) -> Option<Reader<'a>> {
        let diagnostics = self.diagnostics;
        let found = self.take(key, |key, value| match &key.kind {
            Kind::Table(keys) | Kind::FlagOrTable(keys) => Some((value.as_table()?, *keys)),
            _ => None,
        })?;
        let (table, keys) = found.value;
        Some(Reader::new(
            table,
            (keys, self.top),
            found.span,
            &found.key,
            diagnostics,
        ))
    }

    /// The entries of a table of tables, such as `[functions.NAME]`: each name and its reader.
    pub fn tables(&mut self, key: &str) -> Named<Reader<'a>> {
        let entries = self.texts_or_tables(key).into_iter();
        let tables = entries.filter_map(|(name, value)| match value {
            TextOrTable::Table(table) => Some((name, table)),
            TextOrTable::Text(_) => None,
        });
        tables.collect()
    }

    /// The entries of a table whose values are tables or, if the key accepts them, strings.
    pub fn texts_or_tables(&mut self, key: &str) -> Named<TextOrTable<'a>> {
        let (diagnostics, top) = (self.diagnostics, self.top);
        let entries = self.entries(key, |entry, name, value| match (entry, value.get_ref()) {
            (Entry::Table(keys), DeValue::Table(table)) => {
                let reader = Reader::new(
                    table,
                    (keys, top),
                    name.span.clone(),
                    &name.key,
                    diagnostics,
                );
                Ok(TextOrTable::Table(reader))
            }
            (Entry::TextOrTable(keys), DeValue::Table(table)) => {
                let reader = Reader::new(table, (keys, top), value.span(), &name.key, diagnostics);
                Ok(TextOrTable::Table(reader))
            }
            (Entry::TextOrTable(_), DeValue::String(text)) => Ok(TextOrTable::Text(Spanned {
                value: text.to_string(),
                span: value.span(),
                key: name.key.clone(),
            })),
            (Entry::TextOrTable(_), _) => Err("a string or a table".to_owned()),
            _ => Err(format!("a table, `[{}]`", name.key)),
        });
        entries.map_or_else(Vec::new, |entries| entries.value)
    }

    /// The entries of a table of numbers.
    pub fn numbers(&mut self, key: &str) -> Named<f64> {
        let entries = self.entries(key, |entry, _, value| match entry {
            Entry::Number { max } => number(value.get_ref())
                .filter(|number| is_in_range(*number, *max))
                .ok_or_else(|| format!("a number above 0 and up to {max}")),
            _ => Err("absent".to_owned()),
        });
        entries.map_or_else(Vec::new, |entries| entries.value)
    }

    /// The entries of a table of strings.
    pub fn text_entries(&mut self, key: &str) -> Option<Spanned<Named<String>>> {
        self.entries(key, |_, _, value| match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            // A port or a flag stands for its text: environment variables and tags are texts.
            DeValue::Integer(integer) => Ok(integer.to_string()),
            DeValue::Boolean(boolean) => Ok(boolean.to_string()),
            _ => Err("a string".to_owned()),
        })
    }

    /// The entries of a table whose keys the operator chooses, sorted by name. `read` returns what an entry must be if
    /// it is something else.
    fn entries<T>(
        &mut self,
        key: &str,
        read: impl Fn(&Entry, &Spanned<String>, &'a toml::Spanned<DeValue<'a>>) -> Result<T, String>,
    ) -> Option<Spanned<Named<T>>> {
        let table = self.take(key, |key, value| match &key.kind {
            Kind::Entries { entry, .. } => Some((value.as_table()?, entry)),
            _ => None,
        })?;
        let (members, entry) = table.value;
        let mut entries = Vec::new();
        for (name, value) in members {
            let name = Spanned {
                value: name.get_ref().to_string(),
                span: name.span(),
                key: join(&table.key, name.get_ref()),
            };
            match read(entry, &name, value) {
                Ok(read) => entries.push((name, read)),
                Err(expected) => {
                    let message = format!("must be {expected}, not {}", describe(value.get_ref()));
                    self.diagnostics.add(value.span(), &name.key, message);
                }
            }
        }
        Some(Spanned {
            value: entries,
            span: table.span,
            key: table.key,
        })
    }

    /// Whether a key is one of the file's outermost table, which is not this one, and has a plain value.
    fn belongs_on_top(&self, key: &str) -> bool {
        let found = self.top.find(key).filter(|_| !self.path.is_empty());
        found.is_some_and(|key| !matches!(key.kind, Kind::Table(_) | Kind::Entries { .. }))
    }

    /// Reports keys that would become settings of a plugin, and are keys of the host's: those of this table with `_` in
    /// place of `-`, and those of the outermost table. What `settings` lists is the plugin's; without a list, it may have
    /// any but the former.
    pub fn report_misplaced(&mut self, settings: Option<&[String]>) {
        let mut misplaced = Vec::new();
        for key in self.left.keys() {
            if settings.is_some_and(|settings| settings.iter().any(|setting| setting == key)) {
                continue;
            }
            let meant = key.replace('_', "-");
            if meant != *key && self.keys.find(&meant).is_some() {
                misplaced.push((*key, format!("unknown key; did you mean `{meant}`?")));
            } else if settings.is_some() && self.belongs_on_top(key) {
                misplaced.push((*key, on_top(key)));
            }
        }
        for (key, message) in misplaced {
            if let Some((span, _)) = self.left.remove(key) {
                self.diagnostics.add(span, &join(&self.path, key), message);
            }
        }
    }

    /// All keys that are left as JSON, and the span of each of their parts by its path of keys.
    pub fn remaining_json(
        mut self,
    ) -> (
        serde_json::Map<String, serde_json::Value>,
        BTreeMap<Vec<String>, Span>,
    ) {
        let mut json = serde_json::Map::new();
        let mut spans = BTreeMap::new();
        for (key, (span, value)) in std::mem::take(&mut self.left) {
            let path = vec![key.to_owned()];
            spans.insert(path.clone(), span);
            json.insert(key.to_owned(), to_json(value.get_ref(), &path, &mut spans));
        }
        (json, spans)
    }

    /// Reports every key that is left.
    pub fn finish(self) {
        let known = || self.keys.iter().map(|key| key.name);
        for (key, (span, _)) in &self.left {
            let message = match nearest(key, known()) {
                _ if self.belongs_on_top(key) => on_top(key),
                Some(near) => format!("unknown key; did you mean `{near}`?"),
                None => {
                    let known: Vec<&str> = known().collect();
                    format!("unknown key; known here: {}", known.join(", "))
                }
            };
            self.diagnostics
                .add(span.clone(), &join(&self.path, key), message);
        }
    }
}

/// What to say of a key of the outermost table that is below the head of another one.
fn on_top(key: &str) -> String {
    format!("unknown key; `{key}` is a key of the whole file: write it above the first `[section]`")
}

/// The path of a key in the table at `path`, with quotes around the key if TOML requires them.
fn join(path: &str, key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let key = if !key.is_empty() && key.bytes().all(is_bare) {
        key.to_owned()
    } else {
        format!("{key:?}")
    };
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}
