//! Writes JSON straight into one string, without a tree of values in between.
//!
//! Keys come out in the order they are written. Only what JSON requires is escaped: quotes, backslashes and the
//! control characters below U+0020. Everything else, U+2028 and emoji included, stays as it is.

use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::plain_prefix;

/// An object being written. Whoever fills it writes members only; its braces are there already.
pub struct Object<'t> {
    text: &'t mut String,
    empty: bool,
}

/// The text of an object. `capacity` is a guess of its length in bytes, to save growing.
pub fn object(capacity: usize, fill: impl FnOnce(&mut Object<'_>)) -> String {
    let mut text = String::with_capacity(capacity);
    write_object(&mut text, fill);
    text
}

fn write_object(text: &mut String, fill: impl FnOnce(&mut Object<'_>)) {
    text.push('{');
    fill(&mut Object { text, empty: true });
    text.push('}');
}

impl Object<'_> {
    fn key(&mut self, key: &str) {
        if !self.empty {
            self.text.push(',');
        }
        self.empty = false;
        write_string(self.text, key);
        self.text.push(':');
    }

    /// A string.
    pub fn string(&mut self, key: &str, value: &str) {
        self.key(key);
        write_string(self.text, value);
    }

    /// One string of several, `separator` between them.
    pub fn joined<'v>(
        &mut self,
        key: &str,
        values: impl IntoIterator<Item = &'v str>,
        separator: &str,
    ) {
        self.key(key);
        self.text.push('"');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.text.push_str(separator);
            }
            escape(self.text, value);
        }
        self.text.push('"');
    }

    /// A string of bytes in base64.
    pub fn base64(&mut self, key: &str, bytes: &[u8]) {
        self.key(key);
        self.text.push('"');
        STANDARD.encode_string(bytes, self.text);
        self.text.push('"');
    }

    /// A list of strings.
    pub fn strings<'v>(&mut self, key: &str, values: impl IntoIterator<Item = &'v str>) {
        self.key(key);
        self.text.push('[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            write_string(self.text, value);
        }
        self.text.push(']');
    }

    /// Text that is JSON already: `true`, `null`, a number, an object.
    pub fn raw(&mut self, key: &str, json: &str) {
        self.key(key);
        self.text.push_str(json);
    }

    /// An object within.
    pub fn object(&mut self, key: &str, fill: impl FnOnce(&mut Object<'_>)) {
        self.key(key);
        write_object(self.text, fill);
    }
}

fn write_string(text: &mut String, value: &str) {
    text.push('"');
    escape(text, value);
    text.push('"');
}

/// Appends `value` in runs that need no escape, so that a large body is copied, not looked at character by character.
fn escape(text: &mut String, value: &str) {
    let mut rest = value;
    while let Some((run, tail)) = rest.split_at_checked(plain_prefix(rest.as_bytes())) {
        text.push_str(run);
        let mut tail = tail.chars();
        let Some(special) = tail.next() else { return };
        escape_one(text, special);
        rest = tail.as_str();
    }
}

fn escape_one(text: &mut String, special: char) {
    match special {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '\u{8}' => text.push_str("\\b"),
        '\u{c}' => text.push_str("\\f"),
        control => {
            let code = u32::from(control);
            text.push_str("\\u00");
            text.extend(
                [code >> 4, code & 0xf].map(|digit| char::from_digit(digit, 16).unwrap_or('0')),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_reads_back_as_it_was() {
        let all: String = (0..0x3000)
            .filter_map(char::from_u32)
            .chain(['😀', '\u{10ffff}'])
            .collect();
        let text = object(0, |object| object.string(&all, &all));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, serde_json::json!({ all.clone(): all }));
    }

    #[test]
    fn escapes_are_the_shortest() {
        let text = object(0, |object| {
            object.string("a", "\"\\\n\r\t\u{8}\u{c}\u{1f}\u{7f}\u{2028}é")
        });
        assert_eq!(
            text,
            "{\"a\":\"\\\"\\\\\\n\\r\\t\\b\\f\\u001f\u{7f}\u{2028}é\"}"
        );
    }

    #[test]
    fn keys_keep_their_order_and_their_commas() {
        let text = object(64, |object| {
            object.raw("z", "null");
            object.object("empty", |_| {});
            object.object("one", |one| one.joined("j", ["a", "\"", ""], ","));
            object.strings("none", []);
            object.strings("some", ["1", "2"]);
            object.base64("b", &[0xff, 0xfe]);
        });
        assert_eq!(
            text,
            r#"{"z":null,"empty":{},"one":{"j":"a,\","},"none":[],"some":["1","2"],"b":"//4="}"#
        );
    }
}
