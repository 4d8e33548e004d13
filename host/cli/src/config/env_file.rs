//! Files of `KEY=VALUE` lines, as `env-file` names them.
//!
//! A file means what node's dotenv and python-dotenv agree on. Where they differ, python-dotenv is followed, with these
//! exceptions: backquotes quote as in node; nothing is replaced in single quotes and backquotes, as in node; ` #` begins
//! a comment also where the value is empty, as in node. A line that one of them ignores, or takes as a value with its
//! quotes, is a mistake. No other parser in Rust does this: `dotenvy` replaces `$NAME`, drops quotes inside values and
//! refuses spaces. The test `corpus` has the results of both libraries.
//!
//! On failure: every mistake of a file with its line. The content of the line is not repeated, because it may be a
//! secret.

use std::collections::BTreeMap;
use std::path::Path;

use lambkin_lambda::is_reserved_variable;

use crate::text;

/// Adds a file's variables to those of the files before it.
pub fn read(path: &Path, variables: &mut BTreeMap<String, String>, mistakes: &mut Vec<String>) {
    let text = match crate::regular_file::read(path) {
        Ok(bytes) => text::decode(bytes),
        Err(error) => {
            mistakes.push(format!("cannot read {}: {error}", path.display()));
            return;
        }
    };
    match text {
        Ok(text) => read_text(&text, path, variables, mistakes),
        Err(why) => mistakes.push(format!("{} {why}", path.display())),
    }
}

fn read_text(
    text: &str,
    path: &Path,
    variables: &mut BTreeMap<String, String>,
    mistakes: &mut Vec<String>,
) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut parser = Parser {
        rest: &text,
        line: 1,
    };
    while let Some((line, entry)) = parser.entry(variables) {
        let mut mistake = |what: &str| mistakes.push(format!("{}:{line}: {what}", path.display()));
        match entry {
            Ok((key, _)) if is_reserved_variable(&key) => {
                mistake(&format!(
                    "{key} is reserved by Lambda, which sets it itself"
                ));
            }
            Ok((key, value)) if value.contains('\0') => {
                mistake(&format!("the value of {key} contains a NUL character"));
            }
            Ok((key, value)) => {
                variables.insert(key, value);
            }
            Err(what) => mistake(what),
        }
    }
}

type Entry = Result<(String, String), &'static str>;

/// A variable's value as the file has it.
enum Value<'a> {
    Plain(&'a str),
    Quoted(char, &'a str),
}

struct Parser<'a> {
    rest: &'a str,
    /// The number of the line at which `rest` begins.
    line: usize,
}

impl<'a> Parser<'a> {
    /// The next entry with the number of its first line. `before` has the variables that the value can refer to.
    fn entry(&mut self, before: &BTreeMap<String, String>) -> Option<(usize, Entry)> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let (first, _) = self.first_line();
            if !first.trim().is_empty() && !first.trim_start().starts_with('#') {
                break;
            }
            self.skip(first.len() + 1);
        }
        let line = self.line;
        let entry = self.key_and_value().map(|(key, value)| {
            let value = match value {
                Value::Plain(text) => replace_names(text, before),
                Value::Quoted('"', text) => replace_names(&unescape(text, true), before),
                Value::Quoted('\'', text) => unescape(text, false),
                Value::Quoted(_, text) => text.to_owned(),
            };
            (key.to_owned(), value)
        });
        if entry.is_err() {
            let (first, _) = self.first_line();
            self.skip(first.len() + 1);
        }
        Some((line, entry))
    }

    fn first_line(&self) -> (&'a str, &'a str) {
        self.rest.split_once('\n').unwrap_or((self.rest, ""))
    }

    fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }

    fn key_and_value(&mut self) -> Result<(&'a str, Value<'a>), &'static str> {
        let (first, _) = self.first_line();
        let Some((left, right)) = first.split_once('=') else {
            return Err("is not `KEY=VALUE`");
        };
        let key = left.trim();
        let key = match key.strip_prefix("export") {
            Some(name) if name.starts_with(char::is_whitespace) => name.trim_start(),
            _ => key,
        };
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if key.is_empty() || !key.bytes().all(is_legal) {
            return Err(
                "has no name of a variable before its `=`: letters, digits, `_`, `.` and `-`",
            );
        }
        let Some(quote) = right
            .trim_start()
            .chars()
            .next()
            .filter(|first| matches!(first, '"' | '\'' | '`'))
        else {
            self.skip(first.len() + 1);
            return Ok((key, Value::Plain(without_comment(right))));
        };
        let start = first.len() - right.trim_start().len() + 1;
        let quoted = self.rest.get(start..).unwrap_or_default();
        let end = closing_quote(quoted, quote).ok_or(
            "has a quote that is not closed at the end of a value; a value that begins with a quote has to be quoted as a \
             whole",
        )?;
        let (value, after) = quoted.split_at(end);
        let after = after.split_once('\n').map_or(after, |(line, _)| line);
        self.skip(start + end + after.len() + 1);
        Ok((key, Value::Quoted(quote, value)))
    }
}

/// Where the quote is closed: the first one that no backslash precedes, or else the last one of the line, as in
/// `'C:\folder\'`. Only a comment may follow it.
fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let ends_value = |at: usize| {
        let after = text.get(at + 1..).unwrap_or_default();
        let after = after.split_once('\n').map_or(after, |(line, _)| line);
        let after = after.trim_start();
        after.is_empty() || after.starts_with('#')
    };
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' && quote != '`' {
            escaped = true;
        } else if character == quote {
            return ends_value(at).then_some(at);
        }
    }
    let (first, _) = text.split_once('\n').unwrap_or((text, ""));
    first.rfind(quote).filter(|at| ends_value(*at))
}

/// A value without quotes ends at white space that `#` follows, and has no white space around it.
fn without_comment(text: &str) -> &str {
    let mut after_space = false;
    for (at, character) in text.char_indices() {
        if character == '#' && after_space {
            return text.get(..at).unwrap_or_default().trim();
        }
        after_space = character.is_whitespace();
    }
    text.trim()
}

/// Replaces escape sequences: in single quotes only those of the backslash and the quote. Others stay as they are.
fn unescape(text: &str, double: bool) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            result.push(character);
            continue;
        }
        match characters.next() {
            Some(next @ ('\\' | '\'')) => result.push(next),
            Some('"') if double => result.push('"'),
            Some('n') if double => result.push('\n'),
            Some('r') if double => result.push('\r'),
            Some('t') if double => result.push('\t'),
            Some('a') if double => result.push('\u{7}'),
            Some('b') if double => result.push('\u{8}'),
            Some('f') if double => result.push('\u{c}'),
            Some('v') if double => result.push('\u{b}'),
            next => {
                result.push('\\');
                result.extend(next);
            }
        }
    }
    result
}

/// Replaces `${NAME}` and `${NAME:-DEFAULT}` by a variable of the file, of those before it, or of the host. `$NAME`
/// stays as it is.
fn replace_names(text: &str, before: &BTreeMap<String, String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (literal, reference) = rest.split_at(at);
        let Some(end) = reference.find('}') else {
            break;
        };
        result.push_str(literal);
        let inside = reference.get(2..end).unwrap_or_default();
        let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
        let found = before.get(name).cloned();
        let found = found.or_else(|| std::env::var(name).ok().filter(|_| !name.is_empty()));
        result.push_str(found.as_deref().unwrap_or(default));
        rest = reference.get(end + 1..).unwrap_or_default();
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests;
