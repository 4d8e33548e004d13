//! Regular expressions as users write them for AWS: in the syntax of ECMA 262 (JSON Schema) or of Java (API Gateway's
//! selection patterns).
//!
//! The engine is the one of the crate `regex`, whose time is linear in the text. `\d`, `\w`, `\s` and `\b` are those of
//! ASCII, as they are in both languages; a class of Unicode (`\p{L}`), look-around and back references are errors. A
//! pattern is compiled for each use: components have nowhere to keep it that costs less.
//!
//! On failure: [`Pattern::new`] says what is wrong with a pattern.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cell::RefCell;

use regex_automata::nfa::thompson::pikevm::{Cache, PikeVM};
use regex_automata::nfa::thompson::{Compiler, Config};
use regex_automata::util::syntax;

/// The largest compiled pattern, in bytes.
const MAX_SIZE: usize = 256 * 1024;

/// A compiled regular expression.
#[derive(Debug)]
pub struct Pattern {
    vm: PikeVM,
    /// The memory of a search, which the next one uses again: the heap of a component does not.
    cache: RefCell<Cache>,
}

impl Pattern {
    /// Compiles a pattern that may match anywhere in a text.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one line.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let parsed = syntax::parse(&translate(pattern)).map_err(|error| {
            // The parser shows the pattern in several lines; the last one has the reason.
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_string()
        })?;
        let config = Config::new().nfa_size_limit(Some(MAX_SIZE));
        let nfa = Compiler::new()
            .configure(config)
            .build_from_hir(&parsed)
            .map_err(|error| error.to_string())?;
        let vm = PikeVM::builder()
            .build_from_nfa(nfa)
            .map_err(|error| error.to_string())?;
        let cache = RefCell::new(vm.create_cache());
        Ok(Self { vm, cache })
    }

    /// Compiles a pattern that has to match a text as a whole, as in Java's `matches`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one line.
    pub fn whole(pattern: &str) -> Result<Self, String> {
        Self::new(pattern)?;
        Self::new(&format!("^(?:{pattern})$"))
    }

    /// Whether the pattern matches.
    pub fn matches(&self, text: &str) -> bool {
        self.vm.is_match(&mut self.cache.borrow_mut(), text)
    }

    /// Replaces the first match, or all of them, as Java does: `$1` in the replacement is a group, and a backslash makes
    /// the next character text.
    pub fn replace(&self, text: &str, replacement: &str, is_all: bool) -> String {
        let mut replaced = String::with_capacity(text.len());
        let (mut end, mut cache) = (0, self.cache.borrow_mut());
        let most = if is_all { usize::MAX } else { 1 };
        for captures in self.vm.captures_iter(&mut cache, text).take(most) {
            let Some(found) = captures.get_match() else {
                continue;
            };
            replaced.push_str(text.get(end..found.start()).unwrap_or_default());
            let group = |index| {
                let span = captures.get_group(index)?;
                text.get(span.start..span.end)
            };
            let mut chars = replacement.chars().peekable();
            while let Some(char) = chars.next() {
                let digit = chars.peek().and_then(|char| char.to_digit(10));
                match (char, digit) {
                    ('\\', _) => replaced.extend(chars.next()),
                    ('$', Some(digit)) => {
                        chars.next();
                        let index = usize::try_from(digit).unwrap_or_default();
                        replaced.push_str(group(index).unwrap_or_default());
                    }
                    _ => replaced.push(char),
                }
            }
            end = found.end();
        }
        replaced.push_str(text.get(end..).unwrap_or_default());
        replaced
    }

    /// The parts of a text between the matches.
    pub fn split<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let (mut parts, mut end) = (Vec::new(), 0);
        for found in self.vm.find_iter(&mut self.cache.borrow_mut(), text) {
            // As in Java, an empty match at the start splits nothing.
            if found.is_empty() && found.start() == 0 {
                continue;
            }
            parts.extend(text.get(end..found.start()));
            end = found.end();
        }
        parts.extend(text.get(end..));
        parts
    }
}

/// The pattern in the syntax of `regex`, with ASCII in place of Unicode's tables.
fn translate(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '\\' {
            text.push(char);
            continue;
        }
        match chars.next() {
            Some('d') => text.push_str("[0-9]"),
            Some('D') => text.push_str("[^0-9]"),
            Some('w') => text.push_str("[0-9A-Za-z_]"),
            Some('W') => text.push_str("[^0-9A-Za-z_]"),
            Some('s') => text.push_str(r"[ \t\n\x0b\x0c\r]"),
            Some('S') => text.push_str(r"[^ \t\n\x0b\x0c\r]"),
            Some('b') => text.push_str(r"(?-u:\b)"),
            Some('B') => text.push_str(r"(?-u:\B)"),
            Some('Z') => text.push_str(r"\z"),
            Some(other) => {
                text.push('\\');
                text.push(other);
            }
            None => text.push('\\'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_both_languages_match() {
        for (pattern, text, expected) in [
            ("b+", "abbc", true),
            (r"^\d{3}-[\w.]+\/$", "123-a.b/", true),
            (r"^\d$", "٣", false),
            (r"^[^\s\d]{2}$", "éé", true),
            (r"\bword\b", "a word.", true),
            (r"^\u0041", "A", true),
            ("^$", "", true),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            assert_eq!(pattern.matches(text), expected, "{pattern:?} {text}");
        }
        for (pattern, text, expected) in [
            (".*Bad.*", "a Bad one", true),
            (".*Bad.*", "a Bad\none", false),
            ("(\\n|.)+Bad(\\n|.)*", "a Bad\none", true),
            ("Bad|Good", "Bad", true),
            ("Bad", "Bad one", false),
            ("4\\d{2}", "404", true),
            ("[4-5]\\d{2}", "404", true),
        ] {
            let whole = Pattern::whole(pattern).unwrap();
            assert_eq!(whole.matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn matches_are_replaced_and_split() {
        let pattern = Pattern::new("(a)(b)?").unwrap();
        assert_eq!(pattern.replace("ab-a", "<$2$1>", true), "<ba>-<a>");
        assert_eq!(pattern.replace("ab-a", r"\$1", false), "$1-a");
        let escape = Pattern::new(r"\\'").unwrap();
        assert_eq!(escape.replace(r"it\'s", "'", true), "it's");
        let comma = Pattern::new(r",\s*").unwrap();
        assert_eq!(comma.split("a, b,,c"), ["a", "b", "", "c"]);
        assert_eq!(Pattern::new("").unwrap().split("ab"), ["a", "b", ""]);
    }

    #[test]
    fn what_cannot_be_matched_is_an_error_in_one_line() {
        for pattern in [
            "(?=a)",
            r"(a)\1",
            "[",
            r"\p{L}",
            "a)(b",
            "(?:a{1000}){1000}",
            "\\",
        ] {
            let error = Pattern::whole(pattern).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{error}");
        }
    }
}
