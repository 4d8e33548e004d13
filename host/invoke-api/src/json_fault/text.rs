//! Strings, names of members, and their characters.

use super::parser::{
    Parsed, Parser, described, fault, invalid_middle, invalid_start, unexpected, unquoted,
};

impl Parser<'_> {
    /// Reads the rest of a string value.
    pub(super) fn string(&mut self) -> Parsed<()> {
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
    pub(super) fn name(&mut self, first: u8) -> Parsed<()> {
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
    pub(super) fn character(&mut self, first: u8) -> Parsed<char> {
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
}
