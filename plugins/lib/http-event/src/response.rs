//! The HTTP response made of a response object that a function returned.
//!
//! On failure: a [`Misfit`] for a field of the wrong type, and for a header with an illegal name or value.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::vec::Vec;

use crate::contract::Response;
use crate::payload::{Fields, Header, Misfit};

/// Headers of the connection, and those that the host sets. A function's are dropped unless they are remapped.
const DROPPED: [&str; 9] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What front ends do differently with a function's headers.
#[derive(Debug, Clone, Copy)]
pub struct HeaderRules {
    /// Headers that the front end sets, in lower case. A function's are dropped.
    pub reserved: &'static [&'static str],
    /// Headers, in lower case, that reach the client with [`prefix`](Self::prefix) before their name.
    pub remapped: &'static [&'static str],
    /// `x-amzn-remapped-`, in the case of the front end.
    pub prefix: &'static str,
    /// Whether names keep the function's case. Otherwise they are in lower case.
    pub keeps_case: bool,
    /// The `content-type` of a response without one.
    pub default_type: &'static str,
}

/// The response with status and body of the fields, and with these headers, without those of the connection.
///
/// # Errors
///
/// A field has the wrong type, or a header is not legal.
pub fn of_fields(
    fields: &Fields<'_>,
    headers: Vec<Header>,
    rules: HeaderRules,
) -> Result<Response, Misfit> {
    let response = Response::new(fields.status()?, fields.body()?);
    with_headers(response, headers, rules)
}

/// The response with these headers added, as in [`of_fields`].
///
/// # Errors
///
/// A header is not legal.
pub fn with_headers(
    mut response: Response,
    headers: Vec<Header>,
    rules: HeaderRules,
) -> Result<Response, Misfit> {
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if !is_name(&lower) {
            return Err(Misfit(format!("`{lower}` cannot be the name of a header")));
        }
        if !is_value(&value) {
            return Err(Misfit(format!(
                "the value of the header `{lower}` has control characters, such as a line end"
            )));
        }
        let sent = if rules.keeps_case { &name } else { &lower };
        let lower = lower.as_str();
        if rules.remapped.contains(&lower) {
            response.push_header(&[rules.prefix, sent].concat(), &value);
        } else if !rules.reserved.contains(&lower) && !DROPPED.contains(&lower) {
            response.push_header(sent, &value);
        }
    }
    let has_type = response
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if !has_type {
        let name = if rules.keeps_case {
            "Content-Type"
        } else {
            "content-type"
        };
        response.push_header(name, rules.default_type);
    }
    Ok(response)
}

/// The headers of payload format 2.0. The cookies come first: they are sent before a `set-cookie` among the headers,
/// and both are kept.
///
/// # Errors
///
/// A field has the wrong type.
pub fn headers_with_cookies(fields: &Fields<'_>) -> Result<Vec<Header>, Misfit> {
    let cookies = fields
        .cookies()?
        .into_iter()
        .map(|cookie| ("set-cookie".to_owned(), cookie));
    Ok(cookies.chain(fields.headers()?).collect())
}

/// Whether a text is a token of RFC 9110, as the name of a header has to be.
fn is_name(name: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_legal)
}

/// Whether a text has no control characters apart from tabs, as the value of a header has to.
fn is_value(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_of_headers_follow_the_rules_of_http() {
        assert!(is_name("x-a_b.c~1") && is_name("!#$%&'*+^`|"));
        for name in ["", "a b", "a:", "a\n", "é", "(a)"] {
            assert!(!is_name(name), "{name:?}");
        }
        assert!(is_value("") && is_value("a\tb é"));
        for value in ["\n", "a\rb", "\0", "\u{7f}"] {
            assert!(!is_value(value), "{value:?}");
        }
    }
}
