//! Percent-decoding of paths and queries.
//!
//! Anything decodes: a `%` without two hexadecimal digits stays as it is, and bytes that are not UTF-8 once decoded
//! become U+FFFD.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// Decodes a path or a part of one.
pub fn decode(text: &str) -> Cow<'_, str> {
    if text.contains('%') {
        Cow::Owned(decode_bytes(text, false))
    } else {
        Cow::Borrowed(text)
    }
}

/// Decodes a key or a value of a query, where `+` is a space.
pub fn decode_query(text: &str) -> Cow<'_, str> {
    if text.contains(['%', '+']) {
        Cow::Owned(decode_bytes(text, true))
    } else {
        Cow::Borrowed(text)
    }
}

fn decode_bytes(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) if let Some(decoded) = hex_pair(*high, *low) => {
                bytes.push(decoded);
                rest = after;
            }
            (b'+', _) if plus_is_space => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_decode_to_utf_8() {
        assert_eq!(decode("/a/Summer%20Sale"), "/a/Summer Sale");
        assert_eq!(decode("/%E2%98%95%20Coffee"), "/☕ Coffee");
        assert_eq!(decode("%2f%2F%3f"), "//?");
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        for text in ["%", "%4", "%zz", "100%", "%%", "a%2"] {
            assert_eq!(decode(text), text);
        }
        assert_eq!(decode("%%41%4"), "%A%4");
        assert_eq!(decode("%+1"), "%+1");
    }

    #[test]
    fn bytes_that_are_not_utf_8_become_replacement_characters() {
        assert_eq!(decode("%FFa%C3"), "\u{fffd}a\u{fffd}");
    }

    #[test]
    fn plus_is_a_space_only_in_queries() {
        assert_eq!(decode("a+b"), "a+b");
        assert_eq!(decode_query("a+b%2Bc"), "a b+c");
    }
}
