//! Keys as event notifications write them: encoded like a form, but for `/`.

/// What stays as it is beside letters and digits.
const KEPT: &[u8] = b"-_.*/";

/// The encoded key: a space is `+`, and of everything else that is no letter, digit or one of `-_.*/` each byte is `%XX`.
pub fn encode(key: &str) -> String {
    let mut encoded = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            byte if byte.is_ascii_alphanumeric() || KEPT.contains(&byte) => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Whether a text can be a part of an encoded key.
pub fn is_encoded(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let is_digit = |byte: Option<u8>| {
            byte.is_some_and(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
        };
        let legal = match byte {
            b'%' => is_digit(bytes.next()) && is_digit(bytes.next()),
            byte => byte == b'+' || byte.is_ascii_alphanumeric() || KEPT.contains(&byte),
        };
        if !legal {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_like_forms_but_for_slashes() {
        for (key, expected) in [
            ("in/photo.jpg", "in/photo.jpg"),
            ("a b+c", "a+b%2Bc"),
            ("a@b=c:d", "a%40b%3Dc%3Ad"),
            ("(1)~*-_.", "%281%29%7E*-_."),
            ("ü/😀", "%C3%BC/%F0%9F%98%80"),
            ("100%", "100%25"),
            ("\n\0", "%0A%00"),
        ] {
            assert_eq!(encode(key), expected, "{key}");
            assert!(is_encoded(expected), "{expected}");
        }
    }

    #[test]
    fn what_can_be_no_part_of_an_encoded_key_is_found() {
        for text in ["a b", "ü", "100%", "%c3", "%4", "a@b", "~"] {
            assert!(!is_encoded(text), "{text}");
        }
    }
}
