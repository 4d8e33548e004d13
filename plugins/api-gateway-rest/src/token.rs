//! What `shape` passes on to `respond` about a request.
//!
//! On failure: other text reads as `None`.

use alloc::string::String;

use http_event::contract::Request;

use crate::media::accepts_binary;
use crate::state::State;

/// The longest request context in a token, in bytes: the host passes on 64 KiB.
const MAX_CONTEXT: usize = 48 * 1024;

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
    /// What the response is made of.
    pub kind: Kind,
    /// The request context, if what comes later needs it; see [`Context::about`](crate::event::Context::about).
    pub context: &'a str,
}

/// What a response is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The response object that a function returned.
    Proxy,
    /// A function's result, which templates map.
    Mapped,
    /// The response of another server.
    Http,
}

impl<'a> Token<'a> {
    /// The token of a Lambda proxy integration that does not stream.
    pub fn new(state: &State<'_>, request: &'a Request) -> Self {
        Self {
            request_id: &request.id,
            trace_id: &request.trace_id,
            accepts_binary: accepts_binary(state, request),
            streamed: false,
            kind: Kind::Proxy,
            context: "",
        }
    }

    /// The token as text: lines, as no header and no context has a line end.
    pub fn write(&self) -> String {
        let flag = |flag| if flag { "true" } else { "false" };
        [
            self.request_id,
            self.trace_id,
            flag(self.accepts_binary),
            flag(self.streamed),
            match self.kind {
                Kind::Proxy => "proxy",
                Kind::Mapped => "mapped",
                Kind::Http => "http",
            },
            // AWS limits what it consists of; what is larger would not be passed on.
            Some(self.context)
                .filter(|context| context.len() <= MAX_CONTEXT)
                .unwrap_or_default(),
        ]
        .join("\n")
    }

    /// Reads a text that [`Token::write`] has written.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut lines = text.splitn(6, '\n');
        Some(Self {
            request_id: lines.next()?,
            trace_id: lines.next()?,
            accepts_binary: lines.next()? == "true",
            streamed: lines.next()? == "true",
            kind: match lines.next()? {
                "mapped" => Kind::Mapped,
                "http" => Kind::Http,
                _ => Kind::Proxy,
            },
            context: lines.next()?,
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
                kind: if flag { Kind::Mapped } else { Kind::Http },
                context: if flag { r#"{"stage":"prod"}"# } else { "" },
            };
            assert_eq!(Token::read(&token.write()), Some(token));
        }
        assert_eq!(Token::read("a b"), None);
    }
}
