//! What a step passes on to `resume`.
//!
//! On failure: other text reads as `None`.

use alloc::string::String;

/// The token of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What the function was invoked for.
    pub purpose: Purpose<'a>,
    /// The connection's id.
    pub connection_id: &'a str,
    /// The event's id, in API Gateway's form.
    pub request_id: &'a str,
}

/// What a function was invoked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// A connection, with what the host keeps about it and the subprotocols that the client offers.
    Connect { data: &'a str, protocols: &'a str },
    /// A message; whether the client receives the body of the result.
    Message { has_response: bool },
    /// The end of a connection.
    Disconnect,
}

impl<'a> Token<'a> {
    /// The token as text.
    pub fn write(&self) -> String {
        let (purpose, protocols, data) = match self.purpose {
            Purpose::Connect { data, protocols } => ("connect", protocols, data),
            Purpose::Message { has_response: true } => ("message", "response", ""),
            Purpose::Message { .. } => ("message", "", ""),
            Purpose::Disconnect => ("disconnect", "", ""),
        };
        let (connection, request) = (self.connection_id, self.request_id);
        [purpose, connection, request, protocols, data].join("\n")
    }

    /// Reads a text that [`Token::write`] has written.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut lines = text.splitn(5, '\n');
        let purpose = lines.next()?;
        let (connection_id, request_id) = (lines.next()?, lines.next()?);
        let (protocols, data) = (lines.next()?, lines.next()?);
        let purpose = match purpose {
            "connect" => Purpose::Connect { data, protocols },
            "message" => Purpose::Message {
                has_response: protocols == "response",
            },
            "disconnect" => Purpose::Disconnect,
            _ => return None,
        };
        Some(Self {
            purpose,
            connection_id,
            request_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_it_was_written() {
        for purpose in [
            Purpose::Connect {
                data: "1\n2\n3\n",
                protocols: "a, b",
            },
            Purpose::Message { has_response: true },
            Purpose::Message {
                has_response: false,
            },
            Purpose::Disconnect,
        ] {
            let token = Token {
                purpose,
                connection_id: "c=",
                request_id: "r=",
            };
            assert_eq!(Token::read(&token.write()), Some(token));
        }
        assert_eq!(Token::read("message"), None);
        assert_eq!(Token::read("other\n\n\n\n"), None);
    }
}
