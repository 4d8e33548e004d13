//! Words and numbers.

use super::parser::{Parsed, Parser, fault, unexpected, unexpected_in_number};

/// The number of characters of an invalid word that a message quotes: an event may be one word of 6 MiB.
const WORD_CHARS: usize = 256;

/// What a value may be, in messages.
pub(super) const VALUES: &str =
    "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

/// What follows the sign of a number that has no digits, in messages.
pub(super) const MINUS: &str = "expected digit (0-9) to follow minus sign, for valid numeric value";

impl Parser<'_> {
    /// Reads the rest of `true`, `false` or `null`.
    pub(super) fn literal(&mut self, word: &'static str, token: &'static str) -> Parsed<()> {
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

    pub(super) fn not_standard(&mut self, word: &'static str, read: usize) -> Parsed<()> {
        self.word(word, read)?;
        fault(format!(
            "Non-standard token '{word}': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow"
        ))
    }

    /// Reads the rest of a word of which `start` has been read, and refuses it.
    pub(super) fn unknown_word(&mut self, start: &str) -> Parsed<()> {
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

    pub(super) fn number(&mut self, first: u8) -> Parsed<()> {
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
    pub(super) fn not_a_number(&mut self, found: u8, sign: char) -> Parsed<()> {
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
}

/// Whether a Java identifier can start with a character.
pub(super) fn starts_word(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '$' | '_' | '¢'..='¥' | '€')
}

/// Whether a Java identifier can contain a character.
fn continues_word(character: char) -> bool {
    starts_word(character)
        || character.is_numeric() && !matches!(character, '²' | '³' | '¹' | '¼'..='¾')
        || matches!(character, '\0'..='\u{8}' | '\u{e}'..='\u{1b}' | '\u{7f}'..='\u{9f}' | '\u{ad}')
}
