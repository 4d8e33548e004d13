//! An API of API Gateway, as the plugins for its kinds of APIs keep it: the first line of their states.
//!
//! ```text
//! stage ⇥ account id ⇥ API id ⇥ domain name ⇥ region ⇥ stage variables as JSON ⇥ authorizers
//! ```
//!
//! `configure` refuses control characters in values, so nothing is escaped. The last field may have tabs; see the crate
//! `authorizer`.
//!
//! On failure: other text reads as `None`.

use alloc::string::String;

/// The settings that HTTP, REST and WebSocket APIs have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api<'a> {
    /// The name of the stage.
    pub stage: &'a str,
    /// The account: twelve digits.
    pub account: &'a str,
    /// The id of the API: lower-case letters and digits.
    pub id: &'a str,
    /// Empty: the host that the client requested.
    pub domain_name: &'a str,
    /// The region in ARNs.
    pub region: &'a str,
    /// A JSON object; empty if the stage has no variables.
    pub stage_variables: &'a str,
    /// The authorizers, as the crate `authorizer` writes them; empty without any.
    pub authorizers: &'a str,
}

impl<'a> Api<'a> {
    /// An API without a domain name, stage variables and authorizers.
    pub fn new(stage: &'a str, account: &'a str, id: &'a str) -> Self {
        Self {
            stage,
            account,
            id,
            domain_name: "",
            region: "",
            stage_variables: "",
            authorizers: "",
        }
    }

    /// Reads a line that [`Api::write`] has written.
    pub fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.splitn(7, '\t');
        Some(Self {
            stage: fields.next()?,
            account: fields.next()?,
            id: fields.next()?,
            domain_name: fields.next()?,
            region: fields.next()?,
            stage_variables: fields.next()?,
            authorizers: fields.next()?,
        })
    }

    /// The API as a line, with its end.
    pub fn write(&self) -> String {
        let fields = [
            self.stage,
            self.account,
            self.id,
            self.domain_name,
            self.region,
            self.stage_variables,
            self.authorizers,
        ];
        fields.join("\t") + "\n"
    }

    /// The domain name in events, for a request to this host.
    pub fn domain_name<'r>(&self, authority: &'r str) -> &'r str
    where
        'a: 'r,
    {
        match self.domain_name {
            "" => authority,
            configured => configured,
        }
    }
}

/// A flag as a field of a state.
pub fn flag(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

/// Reads a field that [`flag`] has written.
pub fn read_flag(field: &str) -> bool {
    field == "true"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_reads_back_as_it_was_written_and_other_text_does_not() {
        let api = Api {
            domain_name: "api.example.com",
            region: "us-east-1",
            stage_variables: r#"{"a":"b"}"#,
            authorizers: "a\tb",
            ..Api::new("prod", "123456789012", "abc")
        };
        for api in [api, Api::new("$default", "", "")] {
            let text = api.write();
            assert_eq!(Api::read(text.trim_end_matches('\n')), Some(api));
        }
        for text in ["", "{}", "a\tb\tc\td\te\tf"] {
            assert_eq!(Api::read(text), None, "{text:?}");
        }
        for value in [true, false] {
            assert_eq!(read_flag(flag(value)), value);
        }
    }
}
