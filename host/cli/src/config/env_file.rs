//! Files of `KEY=VALUE` lines, as `env-file` names them.
//!
//! The usual syntax of dotenv files is supported: comments, `export`, single and double quotes, values of several lines
//! in double quotes, and `$NAME` and `${NAME}` outside of single quotes. The host's own environment is not changed.
//!
//! On failure: every mistake of a file with its line. The content of the line is not repeated, because it may be a
//! secret.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use lambkin_lambda::is_reserved_variable;

/// Adds a file's variables to those of the files before it.
pub fn read(path: &Path, variables: &mut BTreeMap<String, String>, mistakes: &mut Vec<String>) {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            mistakes.push(format!("cannot read {}: {error}", path.display()));
            return;
        }
    };
    // The parser fails on a space that is the last character of the file.
    let text = format!("{}\n", text.trim_start_matches('\u{feff}'));
    for (line, entry) in entries(&text) {
        let at = format!("{}:{line}", path.display());
        match entry {
            Ok((key, _)) if is_reserved_variable(&key) => mistakes.push(format!(
                "{at}: {key} is reserved by Lambda, which sets it itself"
            )),
            Ok((key, value)) if !value.contains('\0') => {
                variables.insert(key, value);
            }
            _ => mistakes.push(format!(
                "{at}: is not `KEY=VALUE`; a value with spaces needs quotes, and quotes have to be closed"
            )),
        }
    }
}

/// Each variable with the number of the line on which it starts.
fn entries(text: &str) -> impl Iterator<Item = (usize, dotenvy::Result<(String, String)>)> {
    let lines = std::rc::Rc::new(std::cell::Cell::new(0));
    let mut parser = dotenvy::Iter::new(Lines {
        left: text.as_bytes(),
        given: std::rc::Rc::clone(&lines),
    });
    let text = text.to_owned();
    std::iter::from_fn(move || {
        let first = lines.get();
        let entry = parser.next()?;
        let last = lines.get();
        let line = begin(&text, first, last, entry.as_ref().ok().map(|(key, _)| key));
        Some((line, entry))
    })
}

/// The line on which the entry between the lines `after` and `last` starts. The parser does not report it, and comments
/// and empty lines may come before the entry.
fn begin(text: &str, after: usize, last: usize, key: Option<&String>) -> usize {
    let is_it = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        match key {
            Some(key) => line.starts_with(key.as_str()),
            None => !line.is_empty() && !line.starts_with('#'),
        }
    };
    let offset = text.lines().take(last).skip(after).position(is_it);
    after + offset.unwrap_or(0) + 1
}

/// Passes one line at a time to the parser and counts them, which shows how far it has read.
struct Lines<'a> {
    left: &'a [u8],
    given: std::rc::Rc<std::cell::Cell<usize>>,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = self.left.iter().position(|byte| *byte == b'\n');
        let length = line
            .map_or(self.left.len(), |end| end + 1)
            .min(buffer.len());
        let (line, left) = self.left.split_at(length);
        if let Some(place) = buffer.get_mut(..length) {
            place.copy_from_slice(line);
        }
        self.left = left;
        if line.ends_with(b"\n") {
            self.given.set(self.given.get() + 1);
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (BTreeMap<String, String>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, text).unwrap();
        let (mut variables, mut mistakes) = (BTreeMap::new(), Vec::new());
        read(&path, &mut variables, &mut mistakes);
        let folder = format!("{}/", folder.path().display());
        let mistakes = mistakes.iter().map(|text| text.replace(&folder, ""));
        (variables, mistakes.collect())
    }

    #[test]
    fn the_usual_syntax_is_read() {
        let (variables, mistakes) = parse(concat!(
            "\u{feff}# a comment\n\nPLAIN=a=b#c # comment\nexport EXPORTED=yes\r\n",
            "SINGLE='$HOME \\n'\nDOUBLE=\"a b\\n\\\"c\\\"\"\nEMPTY=\n",
            "LINES=\"one\ntwo\n\"\nAGAIN=${PLAIN}!\nLAST=1 ",
        ));
        assert_eq!(mistakes, Vec::<String>::new());
        let expected = [
            ("AGAIN", "a=b#c!"),
            ("DOUBLE", "a b\n\"c\""),
            ("EMPTY", ""),
            ("EXPORTED", "yes"),
            ("LAST", "1"),
            ("LINES", "one\ntwo\n"),
            ("PLAIN", "a=b#c"),
            ("SINGLE", "$HOME \\n"),
        ];
        let found: Vec<_> = variables
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn mistakes_are_reported_by_line_and_without_the_content() {
        let (variables, mistakes) = parse(concat!(
            "GOOD=1\n\n# comment\nAWS_REGION=x\nLONG=\"a\nb\"\nsecret words\n",
            "export AWS_SESSION_TOKEN=\"a\nb\"\nOPEN='secret\n",
        ));
        assert_eq!(variables.len(), 2);
        let lines: Vec<_> = mistakes
            .iter()
            .map(|mistake| mistake.split(": ").next().unwrap())
            .collect();
        assert_eq!(
            lines,
            [".env:4", ".env:7", ".env:8", ".env:10"],
            "{mistakes:?}"
        );
        assert!(mistakes[0].contains("AWS_REGION is reserved by Lambda"));
        assert!(!mistakes.concat().contains("secret"), "{mistakes:?}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let (mut variables, mut mistakes) = (BTreeMap::new(), Vec::new());
        read(Path::new("/no/such/.env"), &mut variables, &mut mistakes);
        assert!(mistakes[0].starts_with("cannot read /no/such/.env: No such file"));
    }
}
