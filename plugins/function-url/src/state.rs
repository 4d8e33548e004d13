//! The configuration as `shape` and `respond` read it: two lines of tab-separated fields.
//!
//! `configure` refuses control characters, so nothing is escaped.
//!
//! ```text
//! function ⇥ URL id ⇥ account id ⇥ partition ⇥ domain name ⇥ invoke mode ⇥ auth type
//! origins ⇥ methods ⇥ headers ⇥ exposed headers ⇥ max age ⇥ credentials      (empty without CORS)
//! ```
//!
//! On failure: other text reads as `None`.

use alloc::string::String;

use http_event::cors::Cors;

/// The configuration of a function URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State<'a> {
    /// The function's name.
    pub function: &'a str,
    /// Lower-case letters and digits, 32 on AWS.
    pub url_id: &'a str,
    /// The account of callers who sign their requests.
    pub account_id: &'a str,
    /// The partition of its ARNs, such as `aws`.
    pub partition: &'a str,
    /// Empty: the host that the client requested.
    pub domain_name: &'a str,
    /// Whether responses are streamed.
    pub invoke_mode: InvokeMode,
    /// Who may call.
    pub auth_type: AuthType,
    /// `None`: the function handles CORS itself.
    pub cors: Option<Cors<'a>>,
}

/// AWS's `InvokeMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvokeMode {
    /// The response is sent when it is complete.
    Buffered,
    /// The response is sent as the function writes it.
    ResponseStream,
}

/// AWS's `AuthType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthType {
    /// Anyone may call.
    None,
    /// Requests have to be signed.
    AwsIam,
}

impl InvokeMode {
    /// The values as AWS spells them.
    pub const NAMES: [&str; 2] = ["BUFFERED", "RESPONSE_STREAM"];

    /// One of [`NAMES`](Self::NAMES).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "BUFFERED" => Some(Self::Buffered),
            "RESPONSE_STREAM" => Some(Self::ResponseStream),
            _ => None,
        }
    }

    /// The inverse of [`from_name`](Self::from_name).
    pub fn name(self) -> &'static str {
        match self {
            Self::Buffered => "BUFFERED",
            Self::ResponseStream => "RESPONSE_STREAM",
        }
    }
}

impl AuthType {
    /// The values as AWS spells them.
    pub const NAMES: [&str; 2] = ["NONE", "AWS_IAM"];

    /// One of [`NAMES`](Self::NAMES).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "NONE" => Some(Self::None),
            "AWS_IAM" => Some(Self::AwsIam),
            _ => None,
        }
    }

    /// The inverse of [`from_name`](Self::from_name).
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::AwsIam => "AWS_IAM",
        }
    }
}

impl<'a> State<'a> {
    /// Reads a text that [`State::write`] has written.
    pub fn read(text: &'a str) -> Option<Self> {
        let (url, cors) = text.split_once('\n')?;
        let mut url = url.split('\t');
        Some(Self {
            function: url.next()?,
            url_id: url.next()?,
            account_id: url.next()?,
            partition: url.next()?,
            domain_name: url.next()?,
            invoke_mode: InvokeMode::from_name(url.next()?)?,
            auth_type: AuthType::from_name(url.next()?)?,
            cors: if cors.is_empty() {
                None
            } else {
                Some(Cors::read(cors)?)
            },
        })
    }

    /// The state as text.
    pub fn write(&self) -> String {
        let mut text = [
            self.function,
            self.url_id,
            self.account_id,
            self.partition,
            self.domain_name,
            self.invoke_mode.name(),
            self.auth_type.name(),
        ]
        .join("\t");
        text.push('\n');
        if let Some(cors) = &self.cors {
            cors.write(&mut text);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_as_it_was_written_and_other_text_does_not() {
        let cors = Cors {
            origins: "*",
            methods: "GET",
            headers: "",
            exposed: "x-a",
            max_age: "300",
            credentials: false,
        };
        for cors in [None, Some(cors)] {
            let state = State {
                function: "f:live",
                url_id: "abc",
                account_id: "123456789012",
                partition: "aws",
                domain_name: "",
                invoke_mode: InvokeMode::ResponseStream,
                auth_type: AuthType::AwsIam,
                cors,
            };
            assert_eq!(State::read(&state.write()), Some(state));
        }
        for text in ["", "{}", "f\n", "f\ta\tb\taws\tc\tBUFFERED\tSOME\n"] {
            assert_eq!(State::read(text), None, "{text:?}");
        }
    }
}
