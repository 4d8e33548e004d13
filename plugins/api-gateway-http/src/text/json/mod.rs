//! JSON without trees: written straight into one string, and read as spans of the text that holds it.

pub mod read;
pub mod write;

/// How many bytes at the start of a text a JSON string holds as they are: up to the first quote, backslash or control
/// character below U+0020.
///
/// Eight bytes are looked at at a time, since this is where the bytes of large bodies go by.
fn plain_prefix(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    words.len() * 8 + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// The high bit of each byte that is special. Above the lowest such byte, borrowed bits may mark others too.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;

    let below = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word & HIGH;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_plain_or_special_at_every_place() {
        for byte in 0..=255 {
            let special = byte < 0x20 || byte == b'"' || byte == b'\\';
            for at in 0..20 {
                for fill in [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
                    let mut text = [fill; 20];
                    text[at] = byte;
                    let expected = if special { at } else { 20 };
                    assert_eq!(plain_prefix(&text), expected, "{byte} at {at} in {fill}");
                }
            }
        }
    }
}
