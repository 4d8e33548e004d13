//! Ids in the forms of AWS. They depend on a seed only, so the same change has the same ids.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An endless sequence of bytes that depends on `seed` only: its FNV-1a hash, expanded by SplitMix64.
fn bytes(seed: &str) -> impl Iterator<Item = u8> {
    let hash = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (1_u64..).flat_map(move |count| {
        let mut word = hash.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).to_be_bytes()
    })
}

/// The id of a request: 16 capital letters and digits.
pub fn request(seed: &str) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    bytes(seed)
        .filter_map(|byte| DIGITS.get(usize::from(byte % 32)))
        .take(16)
        .map(|digit| char::from(*digit))
        .collect()
}

/// The extended id of a request (`x-amz-id-2`): 56 bytes in Base64.
pub fn host(seed: &str) -> String {
    STANDARD.encode(bytes(seed).skip(16).take(56).collect::<Vec<_>>())
}

/// A UUID.
pub fn uuid(seed: &str) -> String {
    let mut uuid = String::with_capacity(36);
    for (index, byte) in bytes(seed).take(16).enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            uuid.push('-');
        }
        let byte = match index {
            6 => byte & 0x0f | 0x40,
            8 => byte & 0x3f | 0x80,
            _ => byte,
        };
        uuid.push_str(&format!("{byte:02x}"));
    }
    uuid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_forms_of_aws_and_are_stable() {
        assert_eq!(request("a"), request("a"));
        assert_ne!(request("a"), request("b"));
        assert_eq!(request("a").len(), 16);
        assert_eq!(host("a").len(), 76);
        assert_ne!(host("a"), host("b"));
        let id = uuid("a");
        assert_eq!(id.len(), 36);
        assert_eq!((id.get(14..15), id.get(8..9)), (Some("4"), Some("-")));
    }
}
