//! Percent-encoding, hexadecimal digits and Base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Decodes `%XX`; `plus` makes `+` a space. `None` for what is no encoding or no UTF-8.
pub fn decode(text: &str, plus: bool) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = digit(bytes.next()?)?;
                let low = digit(bytes.next()?)?;
                (high << 4) | low
            }
            b'+' if plus => b' ',
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

/// The names and values of a query, decoded where possible.
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

fn encode(text: &str, kept: &[u8], plus: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else if plus && byte == b' ' {
            encoded.push('+');
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.push(char::from(
                    HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'),
                ));
            }
        }
    }
    encoded
}

/// As lists do with `encoding-type=url`: like a form, but for `/`.
pub fn encode_listed(text: &str) -> String {
    encode(text, b"-_.*/", true)
}

/// For a path in a URL.
pub fn encode_path(text: &str) -> String {
    encode(text, b"-_.~/", false)
}

/// For the value of a URL's parameter.
pub fn encode_value(text: &str) -> String {
    encode(text, b"-_.~", false)
}

/// In lower case.
pub fn hex(bytes: &[u8]) -> String {
    encode_hex(bytes).to_ascii_lowercase()
}

fn encode_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|nibble| HEX.get(usize::from(nibble)).copied().map(char::from))
        .collect()
}

/// In upper case, as request ids are written.
pub fn hex_upper(bytes: &[u8]) -> String {
    encode_hex(bytes)
}

/// The bytes of an even number of hexadecimal digits.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?))
        .collect()
}

/// Standard Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of standard Base64 with padding.
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
    fn what_is_no_encoding_is_refused() {
        for text in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decode(text, false), None, "{text}");
        }
    }

    #[test]
    fn listed_keys_are_encoded_like_a_form_but_for_slashes() {
        assert_eq!(encode_listed("a b/c+d(ü)*~"), "a+b/c%2Bd%28%C3%BC%29*%7E");
    }

    #[test]
    fn hexadecimal_digits_come_in_pairs() {
        assert_eq!(hex(&[0, 171, 255]), "00abff");
        assert_eq!(from_hex("00ABff").unwrap(), [0, 171, 255]);
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("0g"), None);
    }
}
