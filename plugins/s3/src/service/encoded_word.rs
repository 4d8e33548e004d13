//! Values of headers that are not ASCII: encoded words as in RFC 2047. Metadata is decoded when it is stored and encoded
//! when it is returned. Text that is not an encoded word in UTF-8 or ISO-8859-1 stays as it is.

use percent_encoding::percent_decode_str;

use crate::encoding;

/// A value that a header can have: text with other than printable ASCII characters becomes an encoded word.
pub fn encode(value: &str) -> String {
    if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        value.to_owned()
    } else {
        format!("=?UTF-8?B?{}?=", encoding::base64(value.as_bytes()))
    }
}

/// Decodes the encoded words of a value. White space between two of them belongs to neither.
pub fn decode(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, word, after)) = next(rest) {
        let between_words = !out.is_empty() && before.trim().is_empty() && rest.len() < value.len();
        if !between_words {
            out.push_str(before);
        }
        out.push_str(&word);
        rest = after;
    }
    out + rest
}

/// The first encoded word, decoded, and what is before and after it.
fn next(text: &str) -> Option<(&str, String, &str)> {
    for (at, _) in text.match_indices("=?") {
        let (before, word) = text.split_at_checked(at)?;
        let mut parts = word.get(2..)?.splitn(4, '?');
        let (charset, encoding) = (parts.next()?, parts.next()?);
        let (Some(content), Some(end)) = (parts.next(), parts.next()) else {
            continue;
        };
        if let (Some(after), Some(decoded)) =
            (end.strip_prefix('='), decoded(charset, encoding, content))
        {
            return Some((before, decoded, after));
        }
    }
    None
}

fn decoded(charset: &str, encoding: &str, content: &str) -> Option<String> {
    let bytes = if encoding.eq_ignore_ascii_case("B") {
        encoding::from_base64(content)?
    } else if encoding.eq_ignore_ascii_case("Q") {
        let escaped = content
            .replace('%', "%25")
            .replace('_', " ")
            .replace('=', "%");
        percent_decode_str(&escaped).collect()
    } else {
        return None;
    };
    if charset.eq_ignore_ascii_case("UTF-8") {
        String::from_utf8(bytes).ok()
    } else if charset.eq_ignore_ascii_case("ISO-8859-1") {
        Some(bytes.into_iter().map(char::from).collect())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_decoded_and_other_text_is_not() {
        for (value, plain) in [
            ("=?UTF-8?B?w7w=?=", "ü"),
            ("=?utf-8?q?a_=C3=BC=3F?=", "a ü?"),
            ("=?ISO-8859-1?Q?=FC?=", "ü"),
            ("a =?UTF-8?B?w7w=?= =?UTF-8?B?w7w=?= b", "a üü b"),
            ("plain", "plain"),
            ("=?UTF-8?B?no base64?=", "=?UTF-8?B?no base64?="),
            ("=?KOI8-R?B?w7w=?=", "=?KOI8-R?B?w7w=?="),
            ("a=?b", "a=?b"),
        ] {
            assert_eq!(decode(value), plain, "{value}");
        }
        assert_eq!(decode(&encode("grün 😀")), "grün 😀");
        // A header cannot contain what an encoded word may.
        assert_eq!(decode("=?UTF-8?B?YQ0KYg==?="), "a\r\nb");
        assert_eq!(encode("a\r\nb"), "=?UTF-8?B?YQ0KYg==?=");
    }
}
