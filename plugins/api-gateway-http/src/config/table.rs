//! Reads tables of the configuration and collects what is wrong with them.
//!
//! Each reader returns `None` both for a missing key and, once it has noted the problem, for a wrong value: the caller
//! goes on with its default and the problems decide in the end.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::suggest::nearest;
use crate::contract::Problem;
use crate::text::json::read::{self, NotThat};

/// The mistakes found so far.
#[derive(Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Notes a mistake.
    pub fn add(&mut self, at: Vec<String>, message: String) {
        self.0.push(Problem { at, message });
    }

    /// How many were found.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, in the order found.
    pub fn into_list(self) -> Vec<Problem> {
        self.0
    }
}

/// A table and the keys that lead to it.
pub struct Table<'a> {
    members: Vec<(Cow<'a, str>, &'a str)>,
    at: Vec<String>,
}

impl<'a> Table<'a> {
    /// The trigger's whole table.
    ///
    /// # Errors
    ///
    /// The text is not a JSON object.
    pub fn root(json: &'a str) -> Result<Self, NotThat> {
        Ok(Self {
            members: read::object(json)?,
            at: Vec::new(),
        })
    }

    /// The keys, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(key, _)| &**key)
    }

    /// The value of a key, as JSON.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.members
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| *value)
    }

    /// The keys that lead to a key of this table.
    pub fn path_of(&self, key: &str) -> Vec<String> {
        let mut path = self.at.clone();
        path.push(String::from(key));
        path
    }

    /// Notes every key that is not among `known`.
    pub fn refuse_unknown(&self, known: &[&str], problems: &mut Problems) {
        for key in self.keys().filter(|key| !known.contains(key)) {
            let message = match nearest(key, known) {
                Some(near) => format!("unknown key; did you mean `{near}`?"),
                None => format!("unknown key; known are {}", known.join(", ")),
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
        read: impl FnOnce(&'a str) -> Option<T>,
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
        let members = self.value(key, "this must be a table", problems, |json| {
            read::object(json).ok()
        })?;
        Some(Table {
            members,
            at: self.path_of(key),
        })
    }

    /// A string that `is_legal`; `rule` says in one clause what that means.
    pub fn checked_string(
        &self,
        key: &str,
        is_legal: impl FnOnce(&str) -> bool,
        rule: &str,
        problems: &mut Problems,
    ) -> Option<Cow<'a, str>> {
        self.value(key, rule, problems, |json| {
            read::string(json).ok().filter(|text| is_legal(text))
        })
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &str, problems: &mut Problems) -> Option<bool> {
        self.value(key, "this must be true or false", problems, |json| {
            json.parse().ok()
        })
    }

    /// A whole number from `min` to `max`.
    pub fn integer(&self, key: &str, min: i64, max: i64, problems: &mut Problems) -> Option<i64> {
        let expected = format!("this must be a whole number from {min} to {max}");
        let in_bounds = |number: &i64| (min..=max).contains(number);
        self.value(key, &expected, problems, |json| {
            json.parse().ok().filter(in_bounds)
        })
    }

    /// A number of seconds, in milliseconds; `rule` says what is legal.
    pub fn milliseconds(
        &self,
        key: &str,
        is_legal: impl FnOnce(&u32) -> bool,
        rule: &str,
        problems: &mut Problems,
    ) -> Option<u32> {
        self.value(key, rule, problems, |json| {
            parse_milliseconds(json).filter(is_legal)
        })
    }

    /// A list of strings, each of which `is_legal`; `rule` says what that means. Repeated entries are one.
    pub fn strings(
        &self,
        key: &str,
        is_legal: impl Fn(&str) -> bool,
        rule: &str,
        problems: &mut Problems,
    ) -> Option<Vec<Cow<'a, str>>> {
        let items = self.value(key, "this must be a list of strings", problems, |json| {
            read::list(json).ok()
        })?;
        let mut strings = Vec::new();
        for item in items {
            match read::string(item).ok().filter(|text| is_legal(text)) {
                Some(text) if !strings.contains(&text) => strings.push(text),
                Some(_) => {}
                None => problems.add(self.path_of(key), format!("{rule}, not {}", excerpt(item))),
            }
        }
        Some(strings)
    }
}

/// Seconds as a decimal number, such as `0.05`, in milliseconds. None for finer fractions and for exponents, neither of
/// which is a time-out anyone would write.
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

/// A value as JSON, cut to what fits in a message.
fn excerpt(json: &str) -> String {
    const LONGEST: usize = 60;

    match json.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", json.get(..end).unwrap_or_default()),
        None => json.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn long_values_are_cut_in_messages() {
        assert_eq!(excerpt("\"é\""), "\"é\"");
        assert_eq!(excerpt(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
    }
}
