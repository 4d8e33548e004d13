//! The parameters of a request in the query protocol.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::service::http::Request;

/// Parameters from the URL and the form in the body.
#[derive(Debug, Default)]
pub struct Form {
    /// Sorted by name. If a name occurs twice, the first value counts.
    entries: Vec<(String, String)>,
}

impl Form {
    /// Reads the parameters of the URL and, for a POST, those of the body.
    pub fn of(request: &Request) -> Self {
        let mut entries = Vec::new();
        decode(request.query.as_bytes(), &mut entries);
        if request.method == "POST" {
            decode(&request.body, &mut entries);
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Self { entries }
    }

    fn position(&self, name: &str) -> usize {
        self.entries
            .partition_point(|(other, _)| other.as_str() < name)
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (other, value) = self.entries.get(self.position(name))?;
        (other == name).then_some(value.as_str())
    }

    /// Adds a parameter.
    pub fn insert(&mut self, name: &str, value: String) {
        let position = self.position(name);
        self.entries.insert(position, (name.to_owned(), value));
    }

    /// Whether there is a parameter with this name or below it: `base` or `base.…`.
    pub fn has(&self, base: &str) -> bool {
        self.get(base).is_some() || self.below(base).next().is_some()
    }

    /// The remainders of all names that start with `base.`.
    fn below(&self, base: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{base}.");
        let from = self.position(&prefix);
        self.entries
            .get(from..)
            .unwrap_or_default()
            .iter()
            .map_while(move |(name, _)| name.strip_prefix(prefix.as_str()))
    }

    /// The numbers that follow `base.` in names, in ascending order. There may be gaps.
    pub fn numbers(&self, base: &str) -> Vec<u32> {
        let mut numbers: Vec<u32> = self
            .below(base)
            .filter_map(|rest| rest.split('.').next()?.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

/// Decodes a form or a query string.
fn decode(text: &[u8], entries: &mut Vec<(String, String)>) {
    for pair in text.split(|byte| *byte == b'&') {
        let pair = pair.trim_ascii();
        if pair.is_empty() {
            continue;
        }
        let split = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = match split {
            Some(at) => (
                pair.get(..at).unwrap_or_default(),
                pair.get(at + 1..).unwrap_or_default(),
            ),
            None => (pair, &[][..]),
        };
        entries.push((decode_text(name), decode_text(value)));
    }
}

/// Decodes `+` and percent escapes. Bytes that are not UTF-8 are replaced.
fn decode_text(text: &[u8]) -> String {
    let space = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    let spaced: Vec<u8> = text.iter().map(space).collect();
    let decoded: Cow<'_, [u8]> = percent_decode(&spaced).into();
    match String::from_utf8(decoded.into_owned()) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::of(&Request {
            method: "GET".into(),
            query: text.into(),
            ..Request::default()
        })
    }

    #[test]
    fn forms_are_decoded() {
        let form = form("A=a+b%20c%2B&B=%C3%BC&C&D=100%&E=%zz&F=1=2");
        assert_eq!(form.get("A"), Some("a b c+"));
        assert_eq!(form.get("B"), Some("ü"));
        assert_eq!(form.get("C"), Some(""));
        assert_eq!(form.get("D"), Some("100%"));
        assert_eq!(form.get("E"), Some("%zz"));
        assert_eq!(form.get("F"), Some("1=2"));
        assert_eq!(form.get("G"), None);
    }

    #[test]
    fn numbers_are_ascending_and_may_have_gaps() {
        let form = form("X.10.Id=j&X.2.Id=b&X.2.Body=c&X.1=a&XY.3=n&X.Name=m");
        assert_eq!(form.numbers("X"), [1, 2, 10]);
        assert!(form.has("X") && form.has("XY") && !form.has("Y"));
    }
}
