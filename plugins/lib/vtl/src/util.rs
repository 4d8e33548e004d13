//! Encodings: the functions of `$util`.

use alloc::format;
use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What Java's `URLEncoder` encodes.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'*')
    .remove(b'_')
    .remove(b' ');

/// Escapes as `StringEscapeUtils` of Java does: quotes of both kinds, slashes, and all that is not ASCII.
pub fn escape_java_script(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            '\'' | '"' | '\\' | '/' => {
                escaped.push('\\');
                escaped.push(char);
            }
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            ' '..='~' => escaped.push(char),
            char => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04X}"));
                }
            }
        }
    }
    escaped
}

/// As in forms.
pub fn url_encode(text: &str) -> String {
    let encoded = utf8_percent_encode(text, ENCODED);
    format!("{encoded}").replace(' ', "+")
}

/// As in forms.
pub fn url_decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// The Base64 of the text in UTF-8.
pub fn base64_encode(text: &str) -> String {
    STANDARD.encode(text)
}

/// The text of a Base64; bytes that are not UTF-8 become U+FFFD.
pub fn base64_decode(text: &str) -> Option<String> {
    let bytes = STANDARD.decode(text).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
