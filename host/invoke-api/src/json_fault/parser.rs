//! Where the parser is in the event, what it has read, and the messages that several of its parts use.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The number of bytes of the event that a message quotes.
const SOURCE_BYTES: usize = 500;

/// What is wrong, and where if it is not where the parser stopped.
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) at: Option<Place>,
}

pub(super) type Parsed<T> = Result<T, Fault>;

/// A line and a column, both counted from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// An object or an array that has not ended.
pub(super) struct Open {
    pub(super) is_object: bool,
    pub(super) start: Place,
}

impl Open {
    pub(super) fn name(&self) -> &'static str {
        if self.is_object { "Object" } else { "Array" }
    }
}

pub(super) struct Parser<'a> {
    pub(super) event: &'a [u8],
    pub(super) at: usize,
    line: usize,
    line_start: usize,
    pub(super) open: Vec<Open>,
    /// The last complete token, which some messages name.
    pub(super) token: &'static str,
}

impl<'a> Parser<'a> {
    pub(super) fn new(event: &'a [u8]) -> Self {
        Self {
            event,
            at: 0,
            line: 1,
            line_start: 0,
            open: Vec::new(),
            token: "null",
        }
    }
}

impl Parser<'_> {
    /// Skips white space and reads the byte behind it; `None` at the end.
    pub(super) fn skip_space(&mut self) -> Parsed<Option<u8>> {
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
    pub(super) fn skip_space_between(&mut self) -> Parsed<u8> {
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

    pub(super) fn peek(&self) -> Option<u8> {
        self.event.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// The next byte of a token.
    pub(super) fn next_or_end(&mut self) -> Parsed<u8> {
        match self.next() {
            Some(byte) => Ok(byte),
            None => fault(format!("Unexpected end-of-input in {}", self.token)),
        }
    }

    pub(super) fn here(&self) -> Place {
        Place {
            line: self.line,
            column: self.at - self.line_start + 1,
        }
    }

    /// A place with the start of the event; `None` stands for where the parser is.
    pub(super) fn place(&self, at: Option<Place>) -> String {
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

pub(super) fn fault<T>(message: impl Into<String>) -> Parsed<T> {
    Err(Fault {
        message: message.into(),
        at: None,
    })
}

pub(super) fn unexpected<T>(code: u32, what: &str) -> Parsed<T> {
    fault(format!(
        "Unexpected character ({}): {what}",
        described(code)
    ))
}

pub(super) fn unexpected_in_number<T>(found: u8, what: &str) -> Parsed<T> {
    let found = described(u32::from(found));
    fault(format!(
        "Unexpected character ({found}) in numeric value: {what}"
    ))
}

pub(super) fn unquoted<T>(byte: u8, within: &str) -> Parsed<T> {
    let byte = described(u32::from(byte));
    fault(format!(
        "Illegal unquoted character ({byte}): has to be escaped using backslash to be included in {within}"
    ))
}

pub(super) fn invalid_start(byte: u8) -> String {
    format!("Invalid UTF-8 start byte 0x{byte:x}")
}

pub(super) fn invalid_middle(byte: u8) -> String {
    format!("Invalid UTF-8 middle byte 0x{byte:x}")
}

pub(super) fn described(code: u32) -> String {
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    if character.is_control() {
        format!("(CTRL-CHAR, code {code})")
    } else if code > 255 {
        format!("'{character}' (code {code} / 0x{code:x})")
    } else {
        format!("'{character}' (code {code})")
    }
}
