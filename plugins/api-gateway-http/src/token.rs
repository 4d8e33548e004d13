//! What `shape` passes on to `respond` about a request: the payload format, the request's id, the allowed origin.
//!
//! On failure: other text reads as `None`.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use crate::state::Format;

/// The token of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// The payload format of the route.
    pub format: Format,
    /// The request's id in API Gateway's form.
    pub request_id: &'a str,
    /// The value of `access-control-allow-origin`; `None` without an `Origin` that is allowed.
    pub allow_origin: Option<&'a str>,
}

impl<'a> Token<'a> {
    /// The token as text. The origin comes last because it is the only part that a client chooses.
    pub fn write(&self) -> String {
        [
            self.format.name(),
            self.request_id,
            self.allow_origin.unwrap_or_default(),
        ]
        .join(" ")
    }

    /// Reads a text that [`Token::write`] has written.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(3, ' ');
        Some(Self {
            format: Format::from_name(fields.next()?)?,
            request_id: fields.next()?,
            allow_origin: Some(fields.next()?).filter(|origin| !origin.is_empty()),
        })
    }
}

/// The id in API Gateway's form, such as `JKJaXmPLvHcESHA=`: eleven bytes in URL-safe Base64, here the first bytes of
/// the UUID.
pub fn request_id(uuid: &str) -> String {
    let digits: Vec<_> = uuid.chars().filter_map(|char| char.to_digit(16)).collect();
    let mut bytes = [0; 11];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
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
    fn a_token_reads_back_as_it_was_written() {
        for allow_origin in [None, Some("*"), Some("https://a.example x")] {
            let token = Token {
                format: Format::V1,
                request_id: "JKJaXmPLvHcESHA=",
                allow_origin,
            };
            assert_eq!(Token::read(&token.write()), Some(token));
        }
        assert_eq!(Token::read(""), None);
        assert_eq!(Token::read("3.0 a b"), None);
        assert_eq!(Token::read("2.0 a"), None);
    }

    #[test]
    fn request_ids_have_the_form_of_api_gateway() {
        let id = request_id("01234567-89ab-4def-8123-456789abcdef");
        assert_eq!(id, "ASNFZ4mrTe-BI0U=");
        assert_ne!(id, request_id("11234567-89ab-4def-8123-456789abcdef"));
        assert_eq!(request_id("").len(), 16);
    }
}
