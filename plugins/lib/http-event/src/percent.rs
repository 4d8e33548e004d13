//! Percent-decoding of paths and queries.
//!
//! Decoding does not fail: a `%` that two hexadecimal digits do not follow stays, and bytes that are not UTF-8 once
//! decoded become U+FFFD.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Encodes everything but ASCII letters and digits.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Decodes a path or a part of one.
pub fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// Decodes a key or a value of a query, where `+` is a space.
pub fn decode_query(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        Cow::Owned(decode(&spaced).into_owned())
    } else {
        decode(text)
    }
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
    fn broken_escapes_stay_unchanged() {
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
