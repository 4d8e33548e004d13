//! Reads a plugin's section of `lambkin.toml`, which comes as JSON, and collects what is wrong with it.
//!
//! Each reader returns `None` both for a missing key and, once it has noted the problem, for a wrong value: the caller
//! goes on with its default, so that every mistake is found, and the problems decide in the end.

use serde_json::{Map, Value};

use crate::suggest::nearest;

/// A mistake and the keys that lead to it; an item of a list is led to by its index, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path of keys. Empty: the section as a whole.
    pub at: Vec<String>,
    /// What is wrong and what would be right, in one line.
    pub message: String,
}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Notes a mistake.
    pub fn add(&mut self, at: Vec<String>, message: impl Into<String>) {
        let message = message.into();
        self.0.push(Problem { at, message });
    }

    /// The value, if there was no mistake.
    ///
    /// # Errors
    ///
    /// All mistakes, in the order found.
    pub fn or<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}

/// The section as a JSON object.
///
/// # Errors
///
/// The text is none.
pub fn parse(config: &str) -> Result<Map<String, Value>, Vec<Problem>> {
    serde_json::from_str(config).map_err(|error| {
        vec![Problem {
            at: Vec::new(),
            message: format!("the configuration is not a table: {error}"),
        }]
    })
}

/// A table and the keys that lead to it.
#[derive(Debug, Clone)]
pub struct Table<'a> {
    members: &'a Map<String, Value>,
    at: Vec<String>,
}

/// A value of a list and the keys that lead to it.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// The value.
    pub value: &'a Value,
    /// The keys and, at the end, its index.
    pub at: Vec<String>,
}

impl<'a> Table<'a> {
    /// The whole section.
    pub fn root(members: &'a Map<String, Value>) -> Self {
        Self {
            members,
            at: Vec::new(),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.members.get(key)
    }

    /// The keys that lead to a key of this table.
    pub fn path_of(&self, key: &str) -> Vec<String> {
        [self.at.as_slice(), &[key.to_owned()]].concat()
    }

    /// Notes every key that is not among `known`. Those that `explained` has are refused with the reason it gives.
    pub fn refuse_unknown(
        &self,
        known: &[&str],
        explained: &[(&str, &str)],
        problems: &mut Problems,
    ) {
        for key in self.members.keys().map(String::as_str) {
            let reason = explained.iter().find(|(name, _)| *name == key);
            let message = match (known.contains(&key), reason, nearest(key, known)) {
                (true, ..) => continue,
                (_, Some((_, reason)), _) => (*reason).to_owned(),
                (_, None, Some(near)) => format!("unknown key; did you mean `{near}`?"),
                (_, None, None) => format!("unknown key; known are {}", known.join(", ")),
            };
            problems.add(self.path_of(key), message);
        }
    }

    /// Reads a key with `read`, which returns None for a value of another kind than `expected` says.
    fn value<T>(
        &self,
        key: &str,
        expected: &str,
        problems: &mut Problems,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let read = read(value);
        if read.is_none() {
            problems.add(
                self.path_of(key),
                format!("{expected}, not {}", excerpt(value)),
            );
        }
        read
    }

    /// A table within.
    pub fn table(&self, key: &str, problems: &mut Problems) -> Option<Table<'a>> {
        let members = self.value(key, "this must be a table", problems, Value::as_object)?;
        let at = self.path_of(key);
        Some(Table { members, at })
    }

    /// A string that `is_legal`; `rule` says in one clause what that means.
    pub fn text(
        &self,
        key: &str,
        is_legal: impl FnOnce(&str) -> bool,
        rule: &str,
        problems: &mut Problems,
    ) -> Option<&'a str> {
        self.value(key, rule, problems, |value| {
            value.as_str().filter(|text| is_legal(text))
        })
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &str, problems: &mut Problems) -> Option<bool> {
        self.value(key, "this must be true or false", problems, Value::as_bool)
    }

    /// A whole number from `min` to `max`.
    pub fn integer(&self, key: &str, min: u32, max: u32, problems: &mut Problems) -> Option<u32> {
        let expected = format!("this must be a whole number from {min} to {max}");
        self.value(key, &expected, problems, |value| {
            let number = u32::try_from(value.as_u64()?).ok()?;
            (min..=max).contains(&number).then_some(number)
        })
    }

    /// A list; `expected` says in one clause what of.
    pub fn list(
        &self,
        key: &str,
        expected: &str,
        problems: &mut Problems,
    ) -> Option<Vec<Item<'a>>> {
        let values = self.value(key, expected, problems, Value::as_array)?;
        let at = self.path_of(key);
        let item = |(index, value)| Item {
            value,
            at: [at.as_slice(), &[format!("{index}")]].concat(),
        };
        Some(values.iter().enumerate().map(item).collect())
    }
}

impl<'a> Item<'a> {
    /// The item as a table.
    pub fn table(&self, problems: &mut Problems) -> Option<Table<'a>> {
        let members = self.value.as_object();
        if members.is_none() {
            let message = format!("this must be a table, not {}", excerpt(self.value));
            problems.add(self.at.clone(), message);
        }
        let at = self.at.clone();
        members.map(|members| Table { members, at })
    }
}

/// A value as JSON, cut to what fits in a message.
pub fn excerpt(value: &Value) -> String {
    const LONGEST: usize = 60;

    let json = value.to_string();
    match json.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", json.get(..end).unwrap_or_default()),
        None => json,
    }
}

/// Whether a text can name a function, a qualifier included: `resize`, `resize:live`.
pub fn is_function(name: &str) -> bool {
    let (name, qualifier) = name.split_once(':').unwrap_or((name, "$LATEST"));
    let is_word = |text: &str, more: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || more.contains(char))
    };
    is_word(name, "-_") && is_word(qualifier, "-_$")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(
        config: &str,
        read: impl FnOnce(&Table<'_>, &mut Problems) -> Option<T>,
    ) -> Result<T, Vec<(String, String)>> {
        let members = parse(config).unwrap();
        let mut problems = Problems::default();
        let value = read(&Table::root(&members), &mut problems);
        let flat = |problem: Problem| (problem.at.join("."), problem.message);
        problems
            .or(value)
            .map_err(|list| list.into_iter().map(flat).collect())
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for text in ["", "[]", "3", "{"] {
            assert_eq!(parse(text).unwrap_err()[0].at, Vec::<String>::new());
        }
    }

    #[test]
    fn values_of_the_wrong_kind_are_named_with_their_place() {
        let config = r#"{"a":{"n":11,"t":3,"b":"yes","l":[1,{}],"x":1.5}}"#;
        let problems = read(config, |root, problems| {
            let table = root.table("a", problems)?;
            assert_eq!(table.integer("n", 1, 10, problems), None);
            assert_eq!(table.integer("x", 1, 10, problems), None);
            assert_eq!(table.text("t", |_| true, "this is a text", problems), None);
            assert_eq!(table.boolean("b", problems), None);
            assert!(table.list("n", "this is a list", problems).is_none());
            let items = table.list("l", "this is a list", problems)?;
            assert!(items[0].table(problems).is_none());
            assert!(items[1].table(problems).is_some());
            Some(())
        })
        .unwrap_err();
        let expected = [
            ("a.n", "this must be a whole number from 1 to 10, not 11"),
            ("a.x", "this must be a whole number from 1 to 10, not 1.5"),
            ("a.t", "this is a text, not 3"),
            ("a.b", "this must be true or false, not \"yes\""),
            ("a.n", "this is a list, not 11"),
            ("a.l.0", "this must be a table, not 1"),
        ];
        let expected = expected.map(|(at, message)| (at.to_owned(), message.to_owned()));
        assert_eq!(problems, expected);
    }

    #[test]
    fn unknown_keys_get_a_reason_or_a_suggestion() {
        let problems = read(
            r#"{"known":1,"knwon":2,"Old":3,"zzz":4}"#,
            |root, problems| {
                root.refuse_unknown(&["known"], &[("Old", "it is gone")], problems);
                Some(())
            },
        )
        .unwrap_err();
        let expected = [
            ("Old", "it is gone"),
            ("knwon", "unknown key; did you mean `known`?"),
            ("zzz", "unknown key; known are known"),
        ];
        let expected = expected.map(|(at, message)| (at.to_owned(), message.to_owned()));
        assert_eq!(problems, expected);
    }

    #[test]
    fn long_values_are_cut_in_messages() {
        let long = Value::String("é".repeat(70));
        assert_eq!(excerpt(&long), format!("\"{}…", "é".repeat(59)));
    }

    #[test]
    fn functions_have_names_and_perhaps_a_qualifier() {
        for name in ["f", "resize-2_x", "resize:live", "resize:$LATEST", "f:3"] {
            assert!(is_function(name), "{name}");
        }
        for name in ["", ":live", "f:", "a b", "f:a:b", "é"] {
            assert!(!is_function(name), "{name}");
        }
    }
}
