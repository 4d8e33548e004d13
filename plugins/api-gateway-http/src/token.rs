//! What `shape` passes on to `respond` about a request: the payload format, the request's id, the allowed origin.
//!
//! On failure: other text reads as `None`.

use alloc::string::String;

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
}
