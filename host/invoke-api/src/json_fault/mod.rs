//! Says why an event is not JSON, in the words of AWS's parser.
//!
//! AWS's message is that of the Java library Jackson, whose kinds, words and columns are reproduced here, as of version
//! 2.12, which fits all messages that users have published. The column is the one behind the byte at which the parser
//! stopped, and counts bytes, so a message about a word has the column behind the word. Text outside of strings is
//! judged byte by byte: `é` there begins with `Ã`, and is followed by an invalid byte.
//!
//! The files in order, each of which uses only earlier ones: `parser`, `text`, `scalar`, and this one.
//!
//! This is for events that are known not to be JSON. Whether an event is JSON is decided by `event`.

mod parser;
mod scalar;
#[cfg(test)]
mod tests;
mod text;

use self::parser::{Fault, Open, Parsed, Parser, Place, fault, unexpected};
use self::scalar::{VALUES, starts_word};

/// The message for an event that is not JSON. `otherwise` is what is wrong with it if this parser accepts it.
pub(crate) fn explain(event: &[u8], otherwise: &str) -> String {
    let mut parser = Parser::new(event);
    let (message, at) = match parser.document() {
        Ok(()) => (otherwise.to_owned(), None),
        Err(fault) => (fault.message, fault.at),
    };
    format!("{message}\n at {}", parser.place(at))
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
}
