//! What the host keeps about a connection for later events: lines that were written when it was opened.
//!
//! On failure: other text reads as `None`.

use alloc::string::String;

/// The data of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data<'a> {
    /// The client's address.
    pub source_ip: &'a str,
    /// The host of the API, as the client requested it or as configured.
    pub domain_name: &'a str,
    /// Empty if the client has sent none.
    pub user_agent: &'a str,
    /// The access key of a caller who has signed the request; empty without an authorizer of the type `iam`.
    pub access_key: &'a str,
    /// `requestContext.authorizer` as JSON; empty without one.
    pub authorizer: &'a str,
}

impl<'a> Data<'a> {
    /// Reads a text that [`Data::write`] has written.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut lines = text.splitn(5, '\n');
        Some(Self {
            source_ip: lines.next()?,
            domain_name: lines.next()?,
            user_agent: lines.next()?,
            access_key: lines.next()?,
            authorizer: lines.next()?,
        })
    }

    /// The data as text. Headers have no line ends.
    pub fn write(&self) -> String {
        [
            self.source_ip,
            self.domain_name,
            self.user_agent,
            self.access_key,
            self.authorizer,
        ]
        .join("\n")
    }
}
