//! Percent-encoding, Base64 and the time format of lists.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use plugin_kit::time;

/// The characters that are encoded in the value of a URL's parameter.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The characters that are encoded in the path of a signature.
const PATH: &AsciiSet = &VALUE.remove(b'/');

/// The characters that are encoded in a key in a list or an event, apart from spaces.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// Decodes `%XX`, and with `plus` also `+` as a space. `None` if the text is not percent-encoded UTF-8.
pub fn decode(text: &str, plus: bool) -> Option<String> {
    let is_escape = |rest: &str| {
        rest.get(..2)
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    let spaced = if plus {
        text.replace('+', " ")
    } else {
        text.to_owned()
    };
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// The names and values of a query. Those that cannot be decoded are returned unchanged.
pub fn query(text: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| decode(text, true).unwrap_or_else(|| text.to_owned());
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

/// A key as events and lists with `encoding-type=url` contain it: encoded like the value of a form, except for `/`.
pub fn key(text: &str) -> String {
    utf8_percent_encode(text, KEY).to_string().replace(' ', "+")
}

/// Whether a text can be a part of a key that [`key`] has encoded.
pub fn is_key(text: &str) -> bool {
    decode(text, true).is_some_and(|plain| key(&plain) == text)
}

/// Encodes the value of a URL's parameter, or a key in a `Location` header.
pub fn value(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

/// Encodes a path as in a signature: everything but slashes like the value of a parameter.
pub fn path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

/// A time as S3's lists contain it: milliseconds are always zero, as in `2026-10-02T08:30:00.000Z`.
pub fn list_time(at_ms: u64) -> String {
    time::iso_millis(at_ms - at_ms % 1000)
}

/// Encodes bytes in standard Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes standard Base64 with padding; `None` for other text.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_is_a_space_only_in_a_query() {
        assert_eq!(decode("a+b%2Bc%20d", false).unwrap(), "a+b+c d");
        assert_eq!(decode("a+b%2Bc%20d", true).unwrap(), "a b+c d");
    }

    #[test]
    fn other_text_is_not_decoded() {
        for text in ["%", "%4", "%zz", "%+f", "%ff", "%é"] {
            assert_eq!(decode(text, false), None, "{text}");
        }
    }

    #[test]
    fn keys_are_encoded_like_forms_except_for_slashes() {
        for (text, expected) in [
            ("in/photo.jpg", "in/photo.jpg"),
            ("a b+c", "a+b%2Bc"),
            ("a@b=c:d", "a%40b%3Dc%3Ad"),
            ("(1)~*-_.", "%281%29%7E*-_."),
            ("ü/😀", "%C3%BC/%F0%9F%98%80"),
            ("100%", "100%25"),
            ("\n\0", "%0A%00"),
        ] {
            assert_eq!(key(text), expected, "{text}");
            assert!(is_key(expected), "{expected}");
        }
        for text in ["a b", "ü", "100%", "%c3%bc", "%C3", "%4", "a@b", "~"] {
            assert!(!is_key(text), "{text}");
        }
    }

    #[test]
    fn all_delimiters_in_a_value_are_encoded() {
        assert_eq!(value("a/b c~+ü"), "a%2Fb%20c~%2B%C3%BC");
    }

    #[test]
    fn times_in_lists_have_no_milliseconds() {
        assert_eq!(list_time(1_790_929_800_999), "2026-10-02T08:30:00.000Z");
    }
}
