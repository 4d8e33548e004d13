//! Says why an event is not JSON, in the words of AWS's parser.
//!
//! AWS's message is that of the Java library Jackson, whose kinds, words and columns are reproduced here, as of version
//! 2.12, which fits all messages that users have published. The column is the one behind the byte at which the parser
//! stopped, and counts bytes, so a message about a word has the column behind the word. Text outside of strings is
//! judged byte by byte: `é` there begins with `Ã`, and is followed by an invalid byte.
//!
//! This is for events that are known not to be JSON. Whether an event is JSON is decided by `event`.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The number of characters of an invalid word that a message quotes: an event may be one word of 6 MiB.
const WORD_CHARS: usize = 256;

/// The number of bytes of the event that a message quotes.
const SOURCE_BYTES: usize = 500;

const VALUES: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
const MINUS: &str = "expected digit (0-9) to follow minus sign, for valid numeric value";

/// The message for an event that is not JSON. `otherwise` is what is wrong with it if this parser accepts it.
pub(crate) fn explain(event: &[u8], otherwise: &str) -> String {
    let mut parser = Parser {
        event,
        at: 0,
        line: 1,
        line_start: 0,
        open: Vec::new(),
        token: "null",
    };
    let (message, at) = match parser.document() {
        Ok(()) => (otherwise.to_owned(), None),
        Err(fault) => (fault.message, fault.at),
    };
    format!("{message}\n at {}", parser.place(at))
}

/// What is wrong, and where if it is not where the parser stopped.
struct Fault {
    message: String,
    at: Option<Place>,
}

type Parsed<T> = Result<T, Fault>;

/// A line and a column, both counted from 1.
#[derive(Debug, Clone, Copy)]
struct Place {
    line: usize,
    column: usize,
}

/// An object or an array that has not ended.
struct Open {
    is_object: bool,
    start: Place,
}

impl Open {
    fn name(&self) -> &'static str {
        if self.is_object { "Object" } else { "Array" }
    }
}

struct Parser<'a> {
    event: &'a [u8],
    at: usize,
    line: usize,
    line_start: usize,
    open: Vec<Open>,
    /// The last complete token, which some messages name.
    token: &'static str,
}

impl Parser<'_> {
    fn document(&mut self) -> Parsed<()> {
        let Some(first) = self.skip_space()? else {
            return fault("No content to map due to end-of-input");
        };
        self.refuse_close(first)?;
        self.value(first)?;
        while !self.open.is_empty() {
            self.next_in_container()?;
        }
        let Some(next) = self.skip_space()? else {
            return Ok(());
        };
        let place = self.here();
        self.refuse_close(next)?;
        if next == b'"' {
            self.token = "VALUE_STRING"; // it is not read to its end
        } else {
            self.value(next)?;
        }
        Err(Fault {
            message: format!(
                "Trailing token (of type {}) found after value (bound as `com.fasterxml.jackson.databind.JsonNode`): not \
                 allowed as per `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`",
                self.token
            ),
            at: Some(Place {
                column: place.column - 1,
                ..place
            }),
        })
    }

    /// Reads the next element or member of the innermost object or array, or its end.
    fn next_in_container(&mut self) -> Parsed<()> {
        let Some(mut byte) = self.skip_space()? else {
            return self.unclosed();
        };
        let is_object = self.open.last().is_some_and(|open| open.is_object);
        if byte == if is_object { b'}' } else { b']' } {
            self.open.pop();
            self.token = if is_object { "END_OBJECT" } else { "END_ARRAY" };
            return Ok(());
        }
        self.refuse_close(byte)?;
        if !matches!(self.token, "START_OBJECT" | "START_ARRAY") {
            if byte != b',' {
                let name = self.open.last().map_or("root", Open::name);
                let what = format!("was expecting comma to separate {name} entries");
                return unexpected(u32::from(byte), &what);
            }
            byte = self.skip_space_between()?;
        }
        if is_object {
            self.name(byte)?;
            self.token = "FIELD_NAME";
            let colon = self.skip_space_between()?;
            if colon != b':' {
                let what = "was expecting a colon to separate field name and value";
                return unexpected(u32::from(colon), what);
            }
            byte = self.skip_space_between()?;
        }
        self.value(byte)
    }

    /// The innermost object or array has no end.
    fn unclosed(&self) -> Parsed<()> {
        let Some(open) = self.open.last() else {
            return Ok(());
        };
        fault(format!(
            "Unexpected end-of-input: expected close marker for {} (start marker at {})",
            open.name(),
            self.place(Some(open.start)),
        ))
    }

    /// Refuses the end of an object or array other than the innermost.
    fn refuse_close(&self, byte: u8) -> Parsed<()> {
        let (closes, expected) = match byte {
            b']' => (']', '}'),
            b'}' => ('}', ']'),
            _ => return Ok(()),
        };
        let (name, start) = self
            .open
            .last()
            .map_or(("root", Place { line: 1, column: 0 }), |open| {
                (open.name(), open.start)
            });
        fault(format!(
            "Unexpected close marker '{closes}': expected '{expected}' (for {name} starting at {})",
            self.place(Some(start)),
        ))
    }

    /// Reads a value whose first byte has been read, or the start of an object or an array.
    fn value(&mut self, first: u8) -> Parsed<()> {
        let here = self.here();
        let start = Place {
            column: here.column - 1,
            ..here
        };
        match first {
            b'{' | b'[' => {
                let is_object = first == b'{';
                self.open.push(Open { is_object, start });
                self.token = if is_object {
                    "START_OBJECT"
                } else {
                    "START_ARRAY"
                };
            }
            b'"' => {
                self.token = "VALUE_STRING";
                self.string()?;
            }
            b't' => self.literal("true", "VALUE_TRUE")?,
            b'f' => self.literal("false", "VALUE_FALSE")?,
            b'n' => self.literal("null", "VALUE_NULL")?,
            b'-' | b'0'..=b'9' => self.number(first)?,
            _ => return self.not_a_value(first),
        }
        Ok(())
    }

    fn not_a_value(&mut self, first: u8) -> Parsed<()> {
        let in_array = self.open.last().is_some_and(|open| !open.is_object);
        match first {
            b',' | b'}' => return unexpected(u32::from(first), "expected a value"),
            b']' if in_array => return unexpected(u32::from(first), "expected a value"),
            b'N' => return self.not_standard("NaN", 1),
            b'I' => return self.not_standard("Infinity", 1),
            b'+' => {
                let Some(next) = self.next() else {
                    return fault("Unexpected end-of-input in a Number value");
                };
                return self.not_a_number(next, '+');
            }
            _ => {}
        }
        let character = char::from(first);
        if starts_word(character) {
            return self.unknown_word(&character.to_string());
        }
        unexpected(
            u32::from(first),
            &format!("expected a valid value {VALUES}"),
        )
    }

    /// Reads the rest of `true`, `false` or `null`.
    fn literal(&mut self, word: &'static str, token: &'static str) -> Parsed<()> {
        self.word(word, 1)?;
        self.token = token;
        Ok(())
    }

    /// Reads a word of which `read` bytes have been read.
    fn word(&mut self, word: &'static str, read: usize) -> Parsed<()> {
        for (index, expected) in word.bytes().enumerate().skip(read) {
            if self.peek() != Some(expected) {
                return self.unknown_word(word.get(..index).unwrap_or_default());
            }
            self.at += 1;
        }
        let Some(next) = self.peek() else {
            return Ok(());
        };
        if next >= b'0' && next != b']' && next != b'}' {
            // The parser decodes the character as if its first byte came twice.
            let next = self.character(next)?;
            if continues_word(next) {
                return self.unknown_word(word);
            }
        }
        Ok(())
    }

    fn not_standard(&mut self, word: &'static str, read: usize) -> Parsed<()> {
        self.word(word, read)?;
        fault(format!(
            "Non-standard token '{word}': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow"
        ))
    }

    /// Reads the rest of a word of which `start` has been read, and refuses it.
    fn unknown_word(&mut self, start: &str) -> Parsed<()> {
        let mut word = start.to_owned();
        let mut length = word.chars().count();
        while let Some(byte) = self.next() {
            let character = self.character(byte)?;
            if !continues_word(character) {
                break;
            }
            word.push(character);
            length += 1;
            if length >= WORD_CHARS {
                word.push_str("...");
                break;
            }
        }
        fault(format!(
            "Unrecognized token '{word}': was expecting {VALUES}"
        ))
    }

    fn number(&mut self, first: u8) -> Parsed<()> {
        let mut digit = first;
        if first == b'-' {
            digit = self.next_or_end()?;
            if !digit.is_ascii_digit() {
                return self.not_a_number(digit, '-');
            }
        }
        if digit == b'0' && self.peek().is_some_and(|next| next.is_ascii_digit()) {
            return fault("Invalid numeric value: Leading zeroes not allowed");
        }
        self.skip_digits();
        let mut token = "VALUE_NUMBER_INT";
        if self.peek() == Some(b'.') {
            token = "VALUE_NUMBER_FLOAT";
            self.at += 1;
            if self.skip_digits() == 0 {
                let found = self.next().unwrap_or(b'.');
                return unexpected_in_number(found, "Decimal point not followed by a digit");
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            token = "VALUE_NUMBER_FLOAT";
            self.at += 1;
            let mut found = self.next_or_end()?;
            if matches!(found, b'+' | b'-') {
                found = self.next_or_end()?;
            }
            if !found.is_ascii_digit() {
                return unexpected_in_number(found, "Exponent indicator not followed by a digit");
            }
            self.skip_digits();
        }
        let is_root = self.open.is_empty();
        if let Some(next) = self.peek().filter(|_| is_root)
            && !matches!(next, b' ' | b'\t' | b'\r' | b'\n')
        {
            self.at += 1;
            return unexpected(
                u32::from(next),
                "Expected space separating root-level values",
            );
        }
        self.token = token;
        Ok(())
    }

    fn skip_digits(&mut self) -> usize {
        let rest = self.event.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// Refuses what follows a sign.
    fn not_a_number(&mut self, found: u8, sign: char) -> Parsed<()> {
        let mut found = found;
        if found == b'I' {
            let Some(next) = self.next() else {
                return fault("Unexpected end-of-input in a Number value");
            };
            match (next, sign) {
                (b'N', '-') => return self.not_standard("-INF", 3),
                (b'N', _) => return self.not_standard("+INF", 3),
                (b'n', '-') => return self.not_standard("-Infinity", 3),
                (b'n', _) => return self.not_standard("+Infinity", 3),
                _ => found = next,
            }
        }
        unexpected_in_number(found, MINUS)
    }

    /// Reads the rest of a string value.
    fn string(&mut self) -> Parsed<()> {
        loop {
            match self.next_or_end()? {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                byte @ ..0x20 => return unquoted(byte, "string value"),
                byte @ 0x80.. => {
                    self.character(byte)?;
                }
                _ => {}
            }
        }
    }

    /// Reads the name of a member. Its characters are decoded when its end has been read.
    fn name(&mut self, first: u8) -> Parsed<()> {
        if first != b'"' {
            let character = self.character(first)?;
            return unexpected(
                u32::from(character),
                "was expecting double-quote to start field name",
            );
        }
        let start = self.at;
        if self.peek().is_none() {
            return fault("Unexpected end-of-input: was expecting closing '\"' for name");
        }
        loop {
            let Some(byte) = self.next() else {
                return fault("Unexpected end-of-input in field name");
            };
            match byte {
                b'"' => break,
                b'\\' => self.escape()?,
                ..0x20 => return unquoted(byte, "name"),
                _ => {}
            }
        }
        let name = self.event.get(start..self.at - 1).unwrap_or_default();
        let Some(error) = std::str::from_utf8(name).err() else {
            return Ok(());
        };
        let bad = name.get(error.valid_up_to()..).unwrap_or_default();
        let length = match bad.first() {
            Some(0xc0..0xe0) => 2,
            Some(0xe0..0xf0) => 3,
            Some(0xf0..0xf8) => 4,
            first => return fault(invalid_start(first.copied().unwrap_or_default())),
        };
        let middle = bad.get(1..length).unwrap_or_default();
        let middle = middle.iter().copied().find(|byte| byte & 0xc0 != 0x80);
        fault(middle.map_or_else(
            || "Unexpected end-of-input in field name".to_owned(),
            invalid_middle,
        ))
    }

    /// Reads the rest of an escape sequence in a string or a name.
    fn escape(&mut self) -> Parsed<()> {
        const WHERE: &str = "Unexpected end-of-input in character escape sequence";
        let Some(byte) = self.next() else {
            return fault(WHERE);
        };
        match byte {
            b'b' | b't' | b'n' | b'f' | b'r' | b'"' | b'/' | b'\\' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    let Some(digit) = self.next() else {
                        return fault(WHERE);
                    };
                    if !digit.is_ascii_hexdigit() {
                        let what = "expected a hex-digit for character escape sequence";
                        return unexpected(u32::from(digit), what);
                    }
                }
                Ok(())
            }
            _ => {
                let character = self.character(byte)?;
                let shown = described(u32::from(character));
                fault(format!("Unrecognized character escape {shown}"))
            }
        }
    }

    /// Decodes the character whose first byte has been read.
    fn character(&mut self, first: u8) -> Parsed<char> {
        let (mut code, more) = match first {
            ..0x80 => return Ok(char::from(first)),
            0xc0..0xe0 => (u32::from(first & 0x1f), 1),
            0xe0..0xf0 => (u32::from(first & 0x0f), 2),
            0xf0..0xf8 => (u32::from(first & 0x07), 3),
            _ => return fault(invalid_start(first)),
        };
        for _ in 0..more {
            let byte = self.next_or_end()?;
            if byte & 0xc0 != 0x80 {
                return fault(invalid_middle(byte));
            }
            code = code << 6 | u32::from(byte & 0x3f);
        }
        // Java's characters have 16 bits.
        Ok(char::from_u32(code & 0xffff).unwrap_or('?'))
    }

    /// Skips white space and reads the byte behind it; `None` at the end.
    fn skip_space(&mut self) -> Parsed<Option<u8>> {
        while let Some(byte) = self.next() {
            match byte {
                b' ' | b'\t' => {}
                b'\n' => self.end_line(),
                b'\r' => {
                    if self.peek() == Some(b'\n') {
                        self.at += 1;
                    }
                    self.end_line();
                }
                ..0x20 => {
                    return fault(format!(
                        "Illegal character ({}): only regular white space (\\r, \\n, \\t) is allowed between tokens",
                        described(u32::from(byte))
                    ));
                }
                b'/' => {
                    let what = "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' \
                                not enabled for parser)";
                    return unexpected(u32::from(byte), what);
                }
                _ => return Ok(Some(byte)),
            }
        }
        Ok(None)
    }

    /// Skips white space inside an object or array, where something must follow.
    fn skip_space_between(&mut self) -> Parsed<u8> {
        let name = self.open.last().map_or("root", Open::name);
        match self.skip_space()? {
            Some(byte) => Ok(byte),
            None => fault(format!(
                "Unexpected end-of-input within/between {name} entries"
            )),
        }
    }

    fn end_line(&mut self) {
        self.line += 1;
        self.line_start = self.at;
    }

    fn peek(&self) -> Option<u8> {
        self.event.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// The next byte of a token.
    fn next_or_end(&mut self) -> Parsed<u8> {
        match self.next() {
            Some(byte) => Ok(byte),
            None => fault(format!("Unexpected end-of-input in {}", self.token)),
        }
    }

    fn here(&self) -> Place {
        Place {
            line: self.line,
            column: self.at - self.line_start + 1,
        }
    }

    /// A place with the start of the event; `None` stands for where the parser is.
    fn place(&self, at: Option<Place>) -> String {
        let Place { line, column } = at.unwrap_or_else(|| self.here());
        let (shown, rest) = self.event.split_at(SOURCE_BYTES.min(self.event.len()));
        let source: Cow<'_, str> = String::from_utf8_lossy(shown);
        let mut text = format!("[Source: (byte[])\"{source}\"");
        if !rest.is_empty() {
            let _ = write!(text, "[truncated {} bytes]", rest.len());
        }
        let _ = write!(text, "; line: {line}, column: {column}]");
        text
    }
}

fn fault<T>(message: impl Into<String>) -> Parsed<T> {
    Err(Fault {
        message: message.into(),
        at: None,
    })
}

fn unexpected<T>(code: u32, what: &str) -> Parsed<T> {
    fault(format!(
        "Unexpected character ({}): {what}",
        described(code)
    ))
}

fn unexpected_in_number<T>(found: u8, what: &str) -> Parsed<T> {
    let found = described(u32::from(found));
    fault(format!(
        "Unexpected character ({found}) in numeric value: {what}"
    ))
}

fn unquoted<T>(byte: u8, within: &str) -> Parsed<T> {
    let byte = described(u32::from(byte));
    fault(format!(
        "Illegal unquoted character ({byte}): has to be escaped using backslash to be included in {within}"
    ))
}

fn invalid_start(byte: u8) -> String {
    format!("Invalid UTF-8 start byte 0x{byte:x}")
}

fn invalid_middle(byte: u8) -> String {
    format!("Invalid UTF-8 middle byte 0x{byte:x}")
}

fn described(code: u32) -> String {
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    if character.is_control() {
        format!("(CTRL-CHAR, code {code})")
    } else if code > 255 {
        format!("'{character}' (code {code} / 0x{code:x})")
    } else {
        format!("'{character}' (code {code})")
    }
}

/// Whether a Java identifier can start with a character.
fn starts_word(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '$' | '_' | '¢'..='¥' | '€')
}

/// Whether a Java identifier can contain a character.
fn continues_word(character: char) -> bool {
    starts_word(character)
        || character.is_numeric() && !matches!(character, '²' | '³' | '¹' | '¼'..='¾')
        || matches!(character, '\0'..='\u{8}' | '\u{e}'..='\u{1b}' | '\u{7f}'..='\u{9f}' | '\u{ad}')
}

#[cfg(test)]
mod tests;
