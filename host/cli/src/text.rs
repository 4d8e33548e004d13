//! Text that people write: files in UTF-8, and what editors on Windows and PowerShell make of them.
//!
//! A byte order mark at the start is no part of the text. UTF-16 with a byte order mark is decoded.
//!
//! On failure: which encoding the bytes seem to have, and how to convert them.

/// The byte order mark.
const MARK: char = '\u{feff}';

/// The text of a file's bytes. The error completes a sentence whose subject is the file.
pub fn decode(bytes: Vec<u8>) -> Result<String, String> {
    match bytes.as_slice() {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(advice("is UTF-32", "UTF-32")),
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        _ => utf_8(bytes),
    }
}

/// Whether bytes begin with the byte order mark of UTF-8 or UTF-16.
pub fn begins_with_mark(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xef\xbb\xbf")
        || bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (units, odd) = bytes.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(units.iter().copied().map(unit)).collect();
    match text {
        Ok(text) if odd.is_empty() => Ok(text),
        _ => Err(
            "begins with the byte order mark of UTF-16, but is not UTF-16: save it as UTF-8"
                .to_owned(),
        ),
    }
}

fn utf_8(bytes: Vec<u8>) -> Result<String, String> {
    let zero_at = |first: usize| {
        bytes.len() > 1
            && bytes
                .iter()
                .skip(first)
                .step_by(2)
                .take(64)
                .all(|byte| *byte == 0)
    };
    if bytes.len().is_multiple_of(2) && zero_at(1) {
        return Err(advice("is UTF-16 without a byte order mark", "UTF-16LE"));
    }
    if bytes.len().is_multiple_of(2) && zero_at(0) {
        return Err(advice("is UTF-16 without a byte order mark", "UTF-16BE"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = bytes.get(..valid).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let byte = bytes.get(valid).copied().unwrap_or_default();
        advice(
            &format!("is not UTF-8: the byte 0x{byte:02x} in line {line}, at offset {valid}, belongs to no character"),
            "LATIN1",
        )
    })?;
    Ok(text.strip_prefix(MARK).map(str::to_owned).unwrap_or(text))
}

fn advice(what: &str, encoding: &str) -> String {
    format!(
        "{what}; save it as UTF-8, or convert it, for example with `iconv -f {encoding} -t UTF-8`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn byte_order_marks_are_removed_and_utf_16_is_decoded() {
        for bytes in [
            "{\"é\": 1}".as_bytes().to_vec(),
            "\u{feff}{\"é\": 1}".as_bytes().to_vec(),
            utf_16("\u{feff}{\"é\": 1}", u16::to_le_bytes),
            utf_16("\u{feff}{\"é\": 1}", u16::to_be_bytes),
        ] {
            assert_eq!(decode(bytes).unwrap(), "{\"é\": 1}");
        }
        assert_eq!(decode(Vec::new()).unwrap(), "");
        assert_eq!(decode(vec![0]).unwrap(), "\0");
        assert_eq!(
            decode(utf_16("\u{feff}😀", u16::to_le_bytes)).unwrap(),
            "😀"
        );
    }

    #[test]
    fn other_encodings_are_named_with_the_way_to_convert_them() {
        for (bytes, expected) in [
            (
                utf_16("{}", u16::to_le_bytes),
                "is UTF-16 without a byte order mark; ",
            ),
            (
                utf_16("{}", u16::to_be_bytes),
                "`iconv -f UTF-16BE -t UTF-8`",
            ),
            (b"\xff\xfe\0\0{\0\0\0".to_vec(), "is UTF-32; "),
            (b"\xff\xfe{".to_vec(), "but is not UTF-16"),
            (b"\xff\xfe\0\xd8".to_vec(), "but is not UTF-16"),
            (
                b"{\n\"a\": \"\xe9\"}".to_vec(),
                "is not UTF-8: the byte 0xe9 in line 2, at offset 8, belongs to no character; ",
            ),
        ] {
            let error = decode(bytes).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
