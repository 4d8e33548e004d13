//! The ids that API Gateway gives to requests besides UUIDs.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

/// The id in API Gateway's form, such as `JKJaXmPLvHcESHA=`: eleven bytes in URL-safe Base64, here the first bytes of
/// the UUID.
pub fn request_id(uuid: &str) -> String {
    id_from(uuid, 0)
}

/// Another id of the same form from the same UUID: the eleven bytes from this one on, at most the sixth.
pub fn id_from(uuid: &str, byte: usize) -> String {
    let digits: Vec<_> = uuid.chars().filter_map(|char| char.to_digit(16)).collect();
    let mut bytes = [0; 11];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2).skip(byte)) {
        *byte = pair.iter().fold(0, |byte, digit| {
            byte << 4 | u8::try_from(*digit).unwrap_or_default()
        });
    }
    URL_SAFE.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_have_the_form_of_api_gateway() {
        let id = request_id("01234567-89ab-4def-8123-456789abcdef");
        assert_eq!(id, "ASNFZ4mrTe-BI0U=");
        assert_ne!(id, request_id("11234567-89ab-4def-8123-456789abcdef"));
        assert_eq!(request_id("").len(), 16);
        let other = id_from("01234567-89ab-4def-8123-456789abcdef", 5);
        assert_eq!(other, "q03vgSNFZ4mrze8=");
    }
}
