//! Taking a TOML table apart, key by key, and collecting every mistake on the way.
//!
//! A [`Reader`] hands out the values of one table. A value of the wrong kind is recorded with its span and treated as
//! absent, so one run reports all mistakes of a file. [`Reader::finish`] notes the keys nobody asked for and names the
//! nearest of those that were.

use std::cell::RefCell;
use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::source::{Diagnostic, Span};

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

    /// In the order of the file.
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

type Entry<'a> = (Span, &'a toml::Spanned<DeValue<'a>>);

/// Hands out the values of one table.
pub struct Reader<'a> {
    diagnostics: &'a Diagnostics,
    /// Of the table as a whole.
    span: Span,
    path: String,
    left: BTreeMap<&'a str, Entry<'a>>,
    asked: Vec<&'static str>,
}

/// A value that has a short form and a long one.
pub enum TextOrTable<'a> {
    Text(Spanned<String>),
    Table(Reader<'a>),
}

impl<'a> Reader<'a> {
    pub fn new(
        table: &'a DeTable<'a>,
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
            span,
            path: path.to_owned(),
            left,
            asked: Vec::new(),
        }
    }

    pub fn span(&self) -> Span {
        self.span.clone()
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// The keys that nobody has asked for yet.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.left.keys().copied()
    }

    /// Whether a key is there, with whatever value.
    pub fn has(&self, key: &str) -> bool {
        self.left.contains_key(key)
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<&'a toml::Spanned<DeValue<'a>>>> {
        self.asked.push(key);
        let (_, value) = self.left.remove(key)?;
        Some(Spanned {
            value,
            span: value.span(),
            key: self.path_of(key),
        })
    }

    /// The value of a key, if `read` accepts it; `wanted` says what would be right.
    fn get<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let found = self.take(key)?;
        let value = found.value.get_ref();
        match read(value) {
            Some(read) => Some(found.map(|_| read)),
            None => {
                self.diagnostics.add(
                    found.span,
                    &found.key,
                    format!("must be {wanted}, not {}", describe(value)),
                );
                None
            }
        }
    }

    pub fn text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        self.get(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    pub fn flag(&mut self, key: &'static str) -> Option<Spanned<bool>> {
        self.get(key, "true or false", DeValue::as_bool)
    }

    /// A whole number within bounds; `wanted` says them.
    pub fn integer(
        &mut self,
        key: &'static str,
        bounds: std::ops::RangeInclusive<u64>,
        unit: &str,
    ) -> Option<Spanned<u64>> {
        let wanted = format!(
            "a whole number of {unit} from {} to {}",
            bounds.start(),
            bounds.end()
        );
        self.get(key, &wanted, |value| {
            integer(value)
                .and_then(|n| u64::try_from(n).ok())
                .filter(|n| bounds.contains(n))
        })
    }

    /// A number above 0 and up to `most`, with or without a fraction.
    pub fn number(&mut self, key: &'static str, most: f64, unit: &str) -> Option<Spanned<f64>> {
        let wanted = format!("a number of {unit} above 0 and up to {most}");
        self.get(key, &wanted, |value| {
            number(value).filter(|number| *number > 0.0 && *number <= most)
        })
    }

    pub fn texts(&mut self, key: &'static str) -> Option<Spanned<Vec<String>>> {
        self.get(key, "a list of strings", |value| {
            value
                .as_array()?
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect()
        })
    }

    /// One string or a list of them.
    pub fn text_or_texts(&mut self, key: &'static str) -> Option<Spanned<Vec<String>>> {
        let is_list = self
            .left
            .get(key)
            .is_some_and(|(_, value)| value.get_ref().is_array());
        if is_list {
            return self.texts(key);
        }
        self.get(key, "a string or a list of strings", |value| {
            Some(vec![value.as_str()?.to_owned()])
        })
    }

    /// A switch that may have settings: `true`, `false`, or a table, which stands for `true`.
    pub fn switch(&mut self, key: &'static str) -> Option<(bool, Option<Reader<'a>>)> {
        let is_table = self
            .left
            .get(key)
            .is_some_and(|(_, value)| value.get_ref().is_table());
        if is_table {
            return self.table(key).map(|table| (true, Some(table)));
        }
        let found = self.get(key, "`true`, `false` or a table", DeValue::as_bool)?;
        Some((found.value, None))
    }

    /// A table below this one.
    pub fn table(&mut self, key: &'static str) -> Option<Reader<'a>> {
        let diagnostics = self.diagnostics;
        let found = self.get(key, "a table", DeValue::as_table)?;
        Some(Reader::new(
            found.value,
            found.span,
            &found.key,
            diagnostics,
        ))
    }

    /// The entries of a table of tables, such as `[functions.NAME]`: each name with its place and its reader.
    pub fn tables(&mut self, key: &'static str) -> Vec<(Spanned<String>, Reader<'a>)> {
        let diagnostics = self.diagnostics;
        let Some(outer) = self.table(key) else {
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, (span, value)) in &outer.left {
            let path = outer.path_of(name);
            match value.get_ref().as_table() {
                Some(table) => {
                    let reader = Reader::new(table, span.clone(), &path, diagnostics);
                    tables.push((
                        Spanned {
                            value: (*name).to_owned(),
                            span: span.clone(),
                            key: path,
                        },
                        reader,
                    ));
                }
                None => {
                    let wrong = describe(value.get_ref());
                    diagnostics.add(
                        value.span(),
                        &path,
                        format!("must be a table, `[{path}]`, not {wrong}"),
                    );
                }
            }
        }
        tables
    }

    /// The entries of a table whose values are strings or tables.
    pub fn texts_or_tables(
        &mut self,
        key: &'static str,
    ) -> Vec<(Spanned<String>, TextOrTable<'a>)> {
        let diagnostics = self.diagnostics;
        let Some(outer) = self.table(key) else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (name, (span, value)) in &outer.left {
            let path = outer.path_of(name);
            let read = match value.get_ref() {
                DeValue::String(text) => TextOrTable::Text(Spanned {
                    value: text.to_string(),
                    span: value.span(),
                    key: path.clone(),
                }),
                DeValue::Table(table) => {
                    TextOrTable::Table(Reader::new(table, value.span(), &path, diagnostics))
                }
                other => {
                    let message = format!("must be a string or a table, not {}", describe(other));
                    diagnostics.add(value.span(), &path, message);
                    continue;
                }
            };
            let name = Spanned {
                value: (*name).to_owned(),
                span: span.clone(),
                key: path,
            };
            entries.push((name, read));
        }
        entries
    }

    /// All remaining keys with values above 0 and up to `most`.
    pub fn remaining_numbers(mut self, most: f64) -> Vec<(Spanned<String>, f64)> {
        let mut numbers = Vec::new();
        for (key, (span, value)) in std::mem::take(&mut self.left) {
            let path = self.path_of(key);
            match number(value.get_ref()).filter(|number| *number > 0.0 && *number <= most) {
                Some(number) => numbers.push((
                    Spanned {
                        value: key.to_owned(),
                        span,
                        key: path,
                    },
                    number,
                )),
                None => self.diagnostics.add(
                    value.span(),
                    &path,
                    format!(
                        "must be a number above 0 and up to {most}, not {}",
                        describe(value.get_ref())
                    ),
                ),
            }
        }
        numbers
    }

    /// All remaining keys with string values.
    pub fn remaining_texts(mut self) -> Vec<(Spanned<String>, String)> {
        let mut texts = Vec::new();
        for (key, (span, value)) in std::mem::take(&mut self.left) {
            let path = self.path_of(key);
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                // A port number or a flag is meant as its text; the environment knows nothing else.
                DeValue::Integer(integer) => integer.to_string(),
                DeValue::Boolean(boolean) => boolean.to_string(),
                other => {
                    self.diagnostics.add(
                        value.span(),
                        &path,
                        format!("must be a string, not {}", describe(other)),
                    );
                    continue;
                }
            };
            texts.push((
                Spanned {
                    value: key.to_owned(),
                    span,
                    key: path,
                },
                text,
            ));
        }
        texts
    }

    /// All remaining keys as JSON, and the place of each of their parts by its path of keys.
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

    /// Notes every key that nobody asked for.
    pub fn finish(self) {
        for (key, (span, _)) in &self.left {
            let message = match nearest(key, self.asked.iter().copied()) {
                Some(near) => format!("unknown key; did you mean `{near}`?"),
                None => format!("unknown key; known here: {}", self.asked.join(", ")),
            };
            self.diagnostics
                .add(span.clone(), &self.path_of(key), message);
        }
    }

    fn path_of(&self, key: &str) -> String {
        let bare = !key.is_empty()
            && key
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let key = if bare {
            key.to_owned()
        } else {
            format!("{key:?}")
        };
        if self.path.is_empty() {
            key
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

/// The nearest of some names to a mistyped one, if any is near.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(distance, name)| {
            *distance <= name.chars().count().max(typed.chars().count()).div_ceil(3)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What to say after a name that is not defined: the nearest one that is, or all of them.
pub fn suggestion<'a>(typed: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(typed, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.clone().next().is_none() => "none is defined".to_owned(),
        None => format!("defined are: {}", names.collect::<Vec<_>>().join(", ")),
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(_) => Some(integer(value)? as f64),
        DeValue::Float(float) => float.as_str().parse().ok(),
        _ => None,
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// The kind of a value and, if it is short, the value.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 60 => format!("the string {text:?}"),
        DeValue::Integer(integer) => format!("{integer}"),
        DeValue::Float(float) => format!("{float}"),
        DeValue::Boolean(boolean) => format!("{boolean}"),
        DeValue::Array(_) => "a list".to_owned(),
        other => format!("a {}", other.type_str()),
    }
}

fn to_json(
    value: &DeValue<'_>,
    path: &[String],
    spans: &mut BTreeMap<Vec<String>, Span>,
) -> serde_json::Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(_) => integer(value).into(),
        // JSON knows no infinity; such a number becomes null and the plugin refuses it.
        DeValue::Float(float) => float.as_str().parse::<f64>().unwrap_or(f64::NAN).into(),
        DeValue::Boolean(boolean) => (*boolean).into(),
        DeValue::Datetime(datetime) => datetime.to_string().into(),
        DeValue::Array(items) => {
            let item = |(index, item): (usize, &toml::Spanned<DeValue<'_>>)| {
                let path = [path, &[index.to_string()]].concat();
                spans.insert(path.clone(), item.span());
                to_json(item.get_ref(), &path, spans)
            };
            items.iter().enumerate().map(item).collect()
        }
        DeValue::Table(table) => {
            let entry = |(key, value): (
                &toml::Spanned<std::borrow::Cow<'_, str>>,
                &toml::Spanned<DeValue<'_>>,
            )| {
                let path = [path, &[key.get_ref().to_string()]].concat();
                spans.insert(path.clone(), key.span());
                (
                    key.get_ref().to_string(),
                    to_json(value.get_ref(), &path, spans),
                )
            };
            serde_json::Value::Object(table.iter().map(entry).collect())
        }
    }
}
