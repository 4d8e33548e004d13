//! What `shape` passes on to `respond` about a request: the ids that the response has, and the allowed origin.
//!
//! On failure: other text reads as `None`.

use alloc::string::String;

/// The token of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// The request's id, which is Lambda's.
    pub request_id: &'a str,
    /// The value of the trace header.
    pub trace_id: &'a str,
    /// The value of `access-control-allow-origin`; `None` without an `Origin` that is allowed.
    pub allow_origin: Option<&'a str>,
}

impl<'a> Token<'a> {
    /// The token as text: lines, as no header has a line end.
    pub fn write(&self) -> String {
        let origin = self.allow_origin.unwrap_or_default();
        [self.request_id, self.trace_id, origin].join("\n")
    }

    /// Reads a text that [`Token::write`] has written.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut lines = text.split('\n');
        Some(Self {
            request_id: lines.next()?,
            trace_id: lines.next()?,
            allow_origin: Some(lines.next()?).filter(|origin| !origin.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_it_was_written() {
        for allow_origin in [None, Some("*"), Some("https://a.example x\t")] {
            let token = Token {
                request_id: "01234567-89ab-4def-8123-456789abcdef",
                trace_id: "Root=1-0-1;Sampled=0",
                allow_origin,
            };
            assert_eq!(Token::read(&token.write()), Some(token));
        }
        assert_eq!(Token::read("a b"), None);
    }
}
