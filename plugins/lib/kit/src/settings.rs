//! Reads a plugin's section of `lambkin.toml`, which arrives as JSON, and collects every mistake in it.
//!
//! Each reader returns `None` both for a missing key and, after recording the problem, for an invalid value. The caller
//! continues with its default, so that one run finds every mistake; [`Problems::into_result`] decides at the end.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Display;

use serde_json::{Map, Value};

use crate::nearest::nearest;

/// A mistake and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The keys that lead to the value; an item of a list is identified by its index, counted from 0. Empty: the
    /// section as a whole.
    pub at: Vec<String>,
    /// What is wrong and what would be right, in one line.
    pub message: String,
}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Records a mistake.
    pub fn add(&mut self, at: Vec<String>, message: impl Into<String>) {
        let message = message.into();
        self.0.push(Problem { at, message });
    }

    /// How many mistakes have been found.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no mistake has been found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, if there was no mistake.
    ///
    /// # Errors
    ///
    /// All mistakes, in the order found.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}

/// Parses the section.
///
/// # Errors
///
/// The text is not a JSON object.
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

/// An item of a list, and the keys and the index that lead to it.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// The item.
    pub value: &'a Value,
    /// The keys that lead to the list, then the item's index.
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

    /// The keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.members.keys().map(String::as_str)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.members.get(key)
    }

    /// The keys that lead to this table.
    pub fn at(&self) -> &[String] {
        &self.at
    }

    /// The keys that lead to a key of this table, that key included.
    pub fn path_of(&self, key: &str) -> Vec<String> {
        [self.at.as_slice(), &[key.to_owned()]].concat()
    }

    /// Records a problem for each key that is not in `known`. A key in `explained` is refused with the reason there.
    pub fn refuse_unknown(
        &self,
        known: &[&str],
        explained: &[(&str, &str)],
        problems: &mut Problems,
    ) {
        for key in self.keys().filter(|key| !known.contains(key)) {
            let reason = explained.iter().find(|(name, _)| *name == key);
            let message = match (reason, nearest(key, known)) {
                (Some((_, reason)), _) => (*reason).to_owned(),
                (None, Some(near)) => format!("unknown key; did you mean `{near}`?"),
                (None, None) => format!("unknown key; known are {}", known.join(", ")),
            };
            problems.add(self.path_of(key), message);
        }
    }

    /// A table within this one.
    pub fn table(&self, key: &str, problems: &mut Problems) -> Option<Table<'a>> {
        let members = self.value(key, "this must be a table", problems, Value::as_object)?;
        let at = self.path_of(key);
        Some(Table { members, at })
    }

    /// A string that `is_legal` accepts; `rule` states the rule in one clause.
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

    /// One of several texts, whose case counts.
    pub fn choice(&self, key: &str, choices: &[&str], problems: &mut Problems) -> Option<&'a str> {
        let value = self.get(key)?;
        let text = value.as_str();
        if let Some(text) = text.filter(|text| choices.contains(text)) {
            return Some(text);
        }
        let quoted: Vec<_> = choices.iter().map(|it| format!("{it:?}")).collect();
        let all = match quoted.split_last() {
            Some((last, others)) if !others.is_empty() => {
                format!("{} or {last}", others.join(", "))
            }
            _ => quoted.join(""),
        };
        let hint = match text.and_then(|text| nearest(text, choices)) {
            Some(near) => format!("; did you mean {near:?}?"),
            None => String::new(),
        };
        let message = format!("this must be {all}, not {}{hint}", excerpt(value));
        problems.add(self.path_of(key), message);
        None
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &str, problems: &mut Problems) -> Option<bool> {
        self.value(key, "this must be true or false", problems, Value::as_bool)
    }

    /// A whole number from `min` to `max`.
    pub fn integer<N>(&self, key: &str, min: N, max: N, problems: &mut Problems) -> Option<N>
    where
        N: TryFrom<i64> + PartialOrd + Display,
    {
        let expected = format!("this must be a whole number from {min} to {max}");
        self.value(key, &expected, problems, |value| {
            let number = N::try_from(value.as_i64()?).ok()?;
            (min..=max).contains(&number).then_some(number)
        })
    }

    /// A number of seconds as milliseconds, if `is_legal` accepts those; `rule` states the rule in one clause.
    pub fn milliseconds(
        &self,
        key: &str,
        is_legal: impl FnOnce(&u32) -> bool,
        rule: &str,
        problems: &mut Problems,
    ) -> Option<u32> {
        self.value(key, rule, problems, |value| {
            parse_milliseconds(&value.as_number()?.to_string()).filter(is_legal)
        })
    }

    /// A list; `expected` states in one clause what it contains.
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

    /// A list of strings, each of which `is_legal` accepts; `rule` states the rule in one clause. Repeated strings are
    /// dropped, and the path of a problem is that of the list.
    pub fn texts(
        &self,
        key: &str,
        is_legal: impl Fn(&str) -> bool,
        rule: &str,
        problems: &mut Problems,
    ) -> Option<Vec<&'a str>> {
        let items = self.list(key, "this must be a list of strings", problems)?;
        let mut texts = Vec::new();
        for item in items {
            match item.value.as_str().filter(|text| is_legal(text)) {
                Some(text) if !texts.contains(&text) => texts.push(text),
                Some(_) => {}
                None => problems.add(
                    self.path_of(key),
                    format!("{rule}, not {}", excerpt(item.value)),
                ),
            }
        }
        Some(texts)
    }

    /// Reads a key with `read`, which returns `None` for a value that is not what `expected` states.
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

/// A value as JSON, shortened to fit into a message.
pub fn excerpt(value: &Value) -> String {
    const MAX_CHARACTERS: usize = 60;

    let json = value.to_string();
    match json.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", json.get(..end).unwrap_or_default()),
        None => json,
    }
}

/// Whether a text can be the name of a function, with or without a qualifier: `resize`, `resize:live`.
pub fn is_function(name: &str) -> bool {
    let (name, qualifier) = name.split_once(':').unwrap_or((name, "$LATEST"));
    is_word(name, "-_") && is_word(qualifier, "-_$")
}

/// Whether a text consists of ASCII letters, digits and the characters of `more`, and is not empty.
pub fn is_word(text: &str, more: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || more.contains(char))
}

/// Decimal seconds, such as `0.05`, in milliseconds. `None` for finer fractions and for exponents.
fn parse_milliseconds(seconds: &str) -> Option<u32> {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u32 = format!("{fraction:0<3}").parse().ok()?;
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(fraction)
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
            .into_result(value)
            .map_err(|list| list.into_iter().map(flat).collect())
    }

    #[test]
    fn text_that_is_not_a_table_is_refused() {
        for text in ["", "[]", "3", "{"] {
            assert_eq!(parse(text).unwrap_err()[0].at, Vec::<String>::new());
        }
    }

    #[test]
    fn values_of_the_wrong_type_are_reported_with_their_place() {
        let config = r#"{"a":{"n":11,"t":3,"b":"yes","l":[1,{}],"x":1.5,"s":"3"}}"#;
        let problems = read(config, |root, problems| {
            let table = root.table("a", problems)?;
            assert_eq!(table.integer("n", 1, 10, problems), None);
            assert_eq!(table.integer("x", 1, 10, problems), None);
            assert_eq!(table.text("t", |_| true, "this is a text", problems), None);
            assert_eq!(table.boolean("b", problems), None);
            let rule = "this is a number of seconds";
            assert_eq!(table.milliseconds("s", |_| true, rule, problems), None);
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
            ("a.s", "this is a number of seconds, not \"3\""),
            ("a.n", "this is a list, not 11"),
            ("a.l.0", "this must be a table, not 1"),
        ];
        let expected = expected.map(|(at, message)| (at.to_owned(), message.to_owned()));
        assert_eq!(problems, expected);
    }

    #[test]
    fn numbers_are_read_within_their_bounds() {
        let config = r#"{"least":-1,"most":86400,"large":99999999999,"seconds":29.5}"#;
        read(config, |table, problems| {
            assert_eq!(table.integer("least", -1, 86_400, problems), Some(-1));
            assert_eq!(table.integer("most", 0_u32, 86_400, problems), Some(86_400));
            let seconds = table.milliseconds("seconds", |_| true, "", problems);
            assert_eq!(seconds, Some(29_500));
            assert!(problems.is_empty());
            assert_eq!(table.integer("large", 0_u32, 10, problems), None);
            assert_eq!(table.integer("least", 0_u32, 10, problems), None);
            assert_eq!(problems.len(), 2);
            Some(())
        })
        .unwrap_err();
    }

    #[test]
    fn a_choice_is_refused_with_the_one_that_it_resembles() {
        let problems = read(
            r#"{"a":"DAY","b":"day","c":"x","d":1}"#,
            |table, problems| {
                let choices = ["DAY", "WEEK", "MONTH"];
                assert_eq!(table.choice("a", &choices, problems), Some("DAY"));
                for key in ["b", "c", "d", "e"] {
                    assert_eq!(table.choice(key, &choices, problems), None);
                }
                Some(())
            },
        )
        .unwrap_err();
        let all = r#"this must be "DAY", "WEEK" or "MONTH", not"#;
        let expected = [
            ("b", format!(r#"{all} "day"; did you mean "DAY"?"#)),
            ("c", format!(r#"{all} "x""#)),
            ("d", format!("{all} 1")),
        ];
        let expected = expected.map(|(at, message)| (at.to_owned(), message));
        assert_eq!(problems, expected);
    }

    #[test]
    fn texts_of_a_list_are_checked_one_by_one() {
        let problems = read(r#"{"l":["a","b","a",1,"c"]}"#, |table, problems| {
            let texts = table.texts("l", |text| text != "c", "this is not c", problems)?;
            assert_eq!(texts, ["a", "b"]);
            Some(())
        })
        .unwrap_err();
        let expected = [
            ("l", "this is not c, not 1"),
            ("l", "this is not c, not \"c\""),
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
    fn seconds_are_read_to_the_millisecond() {
        for (text, expected) in [
            ("3", Some(3000)),
            ("3.0", Some(3000)),
            ("0.05", Some(50)),
            ("29.9990", Some(29_999)),
            ("0.0005", None),
            ("-1", None),
            ("1e1", None),
            ("1.5e1", None),
            ("4294968", None),
            ("\"3\"", None),
        ] {
            assert_eq!(parse_milliseconds(text), expected, "{text}");
        }
    }

    #[test]
    fn long_values_are_shortened_in_messages() {
        let long = Value::String("é".repeat(70));
        assert_eq!(excerpt(&long), format!("\"{}…", "é".repeat(59)));
        assert_eq!(excerpt(&Value::Bool(true)), "true");
    }

    #[test]
    fn functions_have_a_name_and_an_optional_qualifier() {
        for name in ["f", "resize-2_x", "resize:live", "resize:$LATEST", "f:3"] {
            assert!(is_function(name), "{name}");
        }
        for name in ["", ":live", "f:", "a b", "f:a:b", "é"] {
            assert!(!is_function(name), "{name}");
        }
    }
}
