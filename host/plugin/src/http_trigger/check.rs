//! Checks of the values that an HTTP trigger's plugin returned: headers, and functions that it did not declare. See
//! [`crate::check`] for the checks that all roles share.

use lambkin_model::HttpResponse;

use super::types::{Setup, Shaped};
use crate::check::{self, size, within};
use crate::error::ContractError;
use crate::limits;
use crate::text::quote;

/// The headers that the listener sets itself; those of a plugin are ignored.
pub const FRAMING_HEADERS: [&str; 4] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
];

/// Checks status and headers, and drops framing headers.
pub(super) fn response(mut response: HttpResponse) -> Result<HttpResponse, ContractError> {
    if !(100..=999).contains(&response.status) {
        return Err(format!("the status is {}, and may be 100 to 999", response.status).into());
    }
    let (count, bytes) = (response.headers.len(), headers_size(&response.headers));
    if count > limits::HEADER_COUNT || bytes > limits::HEADER_BYTES {
        return Err(format!(
            "the response has {count} headers of {bytes} bytes, and may have {} of {} KiB",
            limits::HEADER_COUNT,
            limits::HEADER_BYTES >> 10,
        )
        .into());
    }
    for (name, value) in &response.headers {
        header(name, value)?;
    }
    response.headers.retain(|(name, _)| {
        !FRAMING_HEADERS
            .iter()
            .any(|framing| name.eq_ignore_ascii_case(framing))
    });
    Ok(response)
}

fn headers_size(headers: &[(String, String)]) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}

/// RFC 9110, section 5: a name is a token; a value has no control characters except for tabs.
fn header(name: &str, value: &str) -> Result<(), ContractError> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("\"{}\" is not a header's name", quote(name)).into());
    }
    if value.bytes().any(|b| b != b'\t' && b.is_ascii_control()) {
        return Err(format!(
            "the value of header {name} has control characters: \"{}\"",
            quote(value)
        )
        .into());
    }
    Ok(())
}

/// Checks that the trigger declared the function, and checks the event and the token.
pub(super) fn shaped(shaped: Shaped, setup: &Setup) -> Result<Shaped, ContractError> {
    if !setup
        .functions
        .iter()
        .any(|declared| is_same_function(declared, &shaped.function))
    {
        return Err(format!(
            "it invokes function \"{}\", which is not among those of its configuration",
            quote(&shaped.function),
        )
        .into());
    }
    check::event(&shaped.event)?;
    size("the token", shaped.token.len(), limits::TOKEN_BYTES)?;
    Ok(shaped)
}

/// Whether two names refer to the same function, ignoring version and alias.
fn is_same_function(declared: &str, named: &str) -> bool {
    fn name(qualified: &str) -> &str {
        qualified.split(':').next().unwrap_or(qualified)
    }
    name(declared) == name(named)
}

/// Checks sizes and names, and makes the summary displayable.
pub(super) fn setup(setup: Setup) -> Result<Setup, ContractError> {
    check::state(&setup.state)?;
    let summary = check::lines("the summary", &setup.summary)?;
    for function in &setup.functions {
        check::function(function)?;
    }
    within(
        "max-body-bytes",
        setup.max_body_bytes as u64,
        0,
        limits::HTTP_BODY_BYTES as u64,
    )?;
    Ok(Setup { summary, ..setup })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_could_split_a_response_are_refused() {
        for (name, value) in [
            ("", "v"),
            ("a b", "v"),
            ("a:", "v"),
            ("é", "v"),
            ("a", "v\r\nb: c"),
            ("a", "\0"),
            ("a", "\x7f"),
        ] {
            assert!(header(name, value).is_err(), "{name:?}: {value:?}");
        }
        for (name, value) in [("X-A_b.1~", "v"), ("a", ""), ("a", "\ttab, blank and é")] {
            assert_eq!(header(name, value), Ok(()), "{name:?}: {value:?}");
        }
    }

    #[test]
    fn a_qualifier_does_not_change_the_function() {
        assert!(is_same_function("orders", "orders:live"));
        assert!(is_same_function("orders:live", "orders"));
        assert!(!is_same_function("orders", "order"));
        assert!(!is_same_function("orders", "orders2:live"));
        assert!(!is_same_function("orders", ""));
    }
}
