//! MD5 digests with which SQS's clients and Lambda functions verify messages: `MD5OfBody` and `MD5OfMessageAttributes`.

use md5::{Digest as _, Md5};
use plugin_kit::hex;

use crate::attribute::{Attribute, Value};

/// The digest of a message body, in hexadecimal.
pub fn of_body(body: &[u8]) -> String {
    hex::encode(&Md5::digest(body))
}

/// The digest of message attributes, in hexadecimal; `None` without attributes. As AWS documents it, it covers the
/// name, type and value of each attribute, sorted by name.
pub fn of_attributes<'a>(
    attributes: impl IntoIterator<Item = impl Into<Attribute<'a>>>,
) -> Option<String> {
    let mut sorted: Vec<Attribute<'a>> = attributes.into_iter().map(Into::into).collect();
    sorted.sort_by_key(|attribute| attribute.name);
    let mut digest = Md5::new();
    for attribute in &sorted {
        update(&mut digest, attribute.name.as_bytes());
        update(&mut digest, attribute.data_type.as_bytes());
        let (kind, value) = match attribute.value {
            Value::Text(text) => (1, text.as_bytes()),
            Value::Binary(bytes) => (2, bytes),
        };
        digest.update([kind]);
        update(&mut digest, value);
    }
    (!sorted.is_empty()).then(|| hex::encode(&digest.finalize()))
}

/// Adds a length-prefixed byte string to the digest.
fn update(digest: &mut Md5, bytes: &[u8]) {
    // No message is longer than 1 MiB.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    digest.update(length.to_be_bytes());
    digest.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(name: &'a str, data_type: &'a str, value: &'a str) -> Attribute<'a> {
        Attribute {
            name,
            data_type,
            value: Value::Text(value),
        }
    }

    #[test]
    fn digests_equal_those_of_aws() {
        assert_eq!(of_body(b"foobar"), "3858f62230ac3c915f300c664312c63f");
        let none: [Attribute<'_>; 0] = [];
        assert_eq!(of_attributes(none), None);
        for (attributes, expected) in [
            (
                vec![
                    text("WeeksOn", "Number", "6"),
                    text("Title", "String", "The Whistler"),
                    text("Author", "String", "John Grisham"),
                ],
                "d25a6aea97eb8f585bfa92d314504a92",
            ),
            (
                vec![text("Foo", "String", "Bar")],
                "ae7155c6026991b6d54b11589678bf9c",
            ),
            (
                vec![text("timestamp", "Number", "1493147359900")],
                "235c5c510d26fb653d073faed50ae77c",
            ),
            (
                vec![text("AWSTraceHeader", "String", "some-trace-id")],
                "fdce4f2818803f2f73becc09a54792c0",
            ),
            (
                vec![text("UserId", "Number.bigint", "1234567890123456789012")],
                "797ab158d73dcb5242dedc4412c8e855",
            ),
        ] {
            assert_eq!(of_attributes(attributes).as_deref(), Some(expected));
        }
    }

    #[test]
    fn binary_values_are_hashed_unchanged() {
        let trace = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01";
        let bytes = Attribute {
            value: Value::Binary(trace),
            ..text("attr1", "Binary", "")
        };
        let digest = of_attributes([bytes]);
        assert_eq!(digest.as_deref(), Some("8cbe4db156db8a94db8b801b7addb984"));
    }
}
