//! Hexadecimal digits.

use alloc::string::String;
use alloc::vec::Vec;

/// Two lower-case digits for each byte.
pub fn encode(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// The bytes that pairs of digits stand for, in upper or lower case. `None` for an odd number of characters and for
/// characters that are not digits.
pub fn decode(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(value(*high)? << 4 | value(*low)?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_becomes_two_digits() {
        assert_eq!(encode(&[0, 10, 171, 255]), "000aabff");
        assert_eq!(encode(&[]), "");
    }

    #[test]
    fn digits_of_both_cases_are_read_in_pairs() {
        assert_eq!(decode("00ABff").unwrap(), [0, 171, 255]);
        assert_eq!(decode(""), Some(Vec::new()));
        for text in ["0", "0g", "é"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
