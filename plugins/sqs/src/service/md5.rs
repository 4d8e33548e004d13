//! The digests by which SDKs check what was sent and what is received.

use ::md5::{Digest, Md5};

use crate::service::store::{Attribute, Value};

/// Of a body.
pub fn of_body(body: &[u8]) -> String {
    hex(&Md5::digest(body))
}

/// Of attributes, in the order of their names; none without attributes.
pub fn of_attributes<'a>(attributes: impl IntoIterator<Item = &'a Attribute>) -> Option<String> {
    let mut sorted: Vec<_> = attributes.into_iter().collect();
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut digest = Md5::new();
    for attribute in sorted {
        update(&mut digest, attribute.name.as_bytes());
        update(&mut digest, attribute.data_type.as_bytes());
        match &attribute.value {
            Value::Text(text) => {
                digest.update([1]);
                update(&mut digest, text.as_bytes());
            }
            Value::Binary(bytes) => {
                digest.update([2]);
                update(&mut digest, bytes);
            }
        }
    }
    Some(hex(&digest.finalize()))
}

fn update(digest: &mut Md5, bytes: &[u8]) {
    // No request is longer than 4 GiB.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    digest.update(length.to_be_bytes());
    digest.update(bytes);
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(
        String::with_capacity(bytes.len() * 2),
        |mut digits, byte| {
            for nibble in [byte >> 4, byte & 15] {
                digits.push(char::from_digit(nibble.into(), 16).unwrap_or('0'));
            }
            digits
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, data_type: &str, value: &str) -> Attribute {
        Attribute {
            name: name.into(),
            data_type: data_type.into(),
            value: Value::Text(value.into()),
        }
    }

    #[test]
    fn body_is_hashed_as_it_is() {
        assert_eq!(of_body(b"foobar"), "3858f62230ac3c915f300c664312c63f");
    }

    #[test]
    fn attributes_are_hashed_by_name() {
        let attributes = [
            attribute("Title", "String", "The Whistler"),
            attribute("WeeksOn", "Number", "6"),
            attribute("Author", "String", "John Grisham"),
        ];
        assert_eq!(
            of_attributes(&attributes).unwrap(),
            "d25a6aea97eb8f585bfa92d314504a92"
        );
        assert_eq!(
            of_attributes(&[attribute("Foo", "String", "Bar")]).unwrap(),
            "ae7155c6026991b6d54b11589678bf9c"
        );
        assert_eq!(
            of_attributes(&[attribute("timestamp", "Number", "1493147359900")]).unwrap(),
            "235c5c510d26fb653d073faed50ae77c"
        );
        assert_eq!(
            of_attributes(&[attribute("AWSTraceHeader", "String", "some-trace-id")]).unwrap(),
            "fdce4f2818803f2f73becc09a54792c0"
        );
        assert_eq!(
            of_attributes(&[attribute(
                "UserId",
                "Number.bigint",
                "1234567890123456789012"
            )])
            .unwrap(),
            "797ab158d73dcb5242dedc4412c8e855"
        );
    }

    #[test]
    fn binary_attributes_are_hashed_as_bytes() {
        let attribute = Attribute {
            name: "attr1".into(),
            data_type: "Binary".into(),
            value: Value::Binary(
                b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01".to_vec(),
            ),
        };
        assert_eq!(
            of_attributes(&[attribute]).unwrap(),
            "8cbe4db156db8a94db8b801b7addb984"
        );
    }

    #[test]
    fn nothing_has_no_digest() {
        assert_eq!(of_attributes(&[]), None);
    }
}
