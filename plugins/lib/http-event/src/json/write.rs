//! Writes JSON into one string, without a tree of values in between.
//!
//! Keys have the order in which they are written. Only quotes, backslashes and control characters below U+0020 are
//! escaped, as JSON requires; everything else, including U+2028 and emoji, is written literally.
//!
//! Without the standard library, `serde_json` writes only strings of its own, which would be copied. Even with it, a
//! body of 1 MiB in Base64 takes twice as long (299 µs instead of 146 µs, medians of 101 calls on x86-64); one with a
//! quote or a line break in every 32 bytes takes the same time.

use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An object being written: its members are added one by one. The braces are written already.
#[derive(Debug)]
pub struct Object<'t> {
    text: &'t mut String,
    empty: bool,
}

/// A text as a JSON string.
pub fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    write_string(&mut json, text);
    json
}

/// Writes an object; `fill` adds its members. `capacity` is an estimate of its length in bytes.
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

    /// Adds a string.
    pub fn string(&mut self, key: &str, value: &str) {
        self.key(key);
        write_string(self.text, value);
    }

    /// Adds a string that joins several, with `separator` between them.
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

    /// Adds bytes as a string in Base64.
    pub fn base64(&mut self, key: &str, bytes: &[u8]) {
        self.key(key);
        self.text.push('"');
        STANDARD.encode_string(bytes, self.text);
        self.text.push('"');
    }

    /// Adds a list of strings.
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

    /// Adds a value that is JSON already: `true`, `null`, a number, an object.
    pub fn raw(&mut self, key: &str, json: &str) {
        self.key(key);
        self.text.push_str(json);
    }

    /// Adds an object; `fill` adds its members.
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

/// Appends `value`, copying whole runs of characters that need no escape, so that large bodies are cheap.
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

/// The number of bytes before the first character that a JSON string escapes: a quote, a backslash or a control
/// character below U+0020. It examines eight bytes at a time, because every byte of a large body passes through it.
fn plain_prefix(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    words.len() * 8 + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// A word in which the high bit of each special byte is set. Above the lowest such byte, other bits may be set, too.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;

    let below = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word & HIGH;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\')
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
    fn every_character_is_read_back_unchanged() {
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
    fn keys_keep_their_order_and_are_separated_by_commas() {
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

    #[test]
    fn every_byte_is_plain_or_special_at_every_place() {
        for byte in 0..=255 {
            let special = byte < 0x20 || byte == b'"' || byte == b'\\';
            for at in 0..20 {
                for fill in [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
                    let mut text = [fill; 20];
                    text[at] = byte;
                    let expected = if special { at } else { 20 };
                    assert_eq!(plain_prefix(&text), expected, "{byte} at {at} in {fill}");
                }
            }
        }
    }
}
