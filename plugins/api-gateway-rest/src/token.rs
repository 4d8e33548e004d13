//! What `shape` passes on to `respond` about a request.
//!
//! On failure: other text reads as `None`.

use alloc::string::String;

/// The token of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// The request's id, a UUID.
    pub request_id: &'a str,
    /// The value of the trace header.
    pub trace_id: &'a str,
    /// Whether a result in Base64 is decoded for this client.
    pub accepts_binary: bool,
    /// Whether the method streams.
    pub streamed: bool,
}

impl<'a> Token<'a> {
    /// The token as text: lines, as no header has a line end.
    pub fn write(&self) -> String {
        let flag = |flag| if flag { "true" } else { "false" };
        [
            self.request_id,
            self.trace_id,
            flag(self.accepts_binary),
            flag(self.streamed),
        ]
        .join("\n")
    }

    /// Reads a text that [`Token::write`] has written.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut lines = text.split('\n');
        Some(Self {
            request_id: lines.next()?,
            trace_id: lines.next()?,
            accepts_binary: lines.next()? == "true",
            streamed: lines.next()? == "true",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_it_was_written() {
        for flag in [true, false] {
            let token = Token {
                request_id: "01234567-89ab-4def-8123-456789abcdef",
                trace_id: "Root=1-0-1;Sampled=0",
                accepts_binary: flag,
                streamed: !flag,
            };
            assert_eq!(Token::read(&token.write()), Some(token));
        }
        assert_eq!(Token::read("a b"), None);
    }
}
