//! Conditions in the policies of authorizers, as far as a request here has what they compare.
//!
//! Keys: `aws:SourceIp`, `aws:UserAgent`, `aws:Referer`, `aws:SecureTransport`, `aws:CurrentTime`, `aws:EpochTime`.
//! Operators: those for strings, booleans, addresses, dates and numbers, with `IfExists`. A key that the request lacks
//! makes a condition false, except for negated operators and for `IfExists`.
//!
//! On failure: a text that says what is not valid or not supported. A policy must not allow something because of a
//! condition that was not understood.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::net::IpAddr;

use plugin_kit::nearest::nearest;

use crate::json::{object, one_or_more};
use crate::subject::Subject;
use crate::wildcard::matches;

const KEYS: [&str; 6] = [
    "aws:SourceIp",
    "aws:UserAgent",
    "aws:Referer",
    "aws:SecureTransport",
    "aws:CurrentTime",
    "aws:EpochTime",
];

const OPERATORS: [&str; 21] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "Bool",
    "IpAddress",
    "NotIpAddress",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];

/// Whether all conditions of a statement hold. `at` is the statement's place in the result.
///
/// # Errors
///
/// A condition is not valid, or not supported.
pub fn holds(condition: &str, at: &str, subject: &Subject<'_>) -> Result<bool, String> {
    let at = format!("{at}.Condition");
    let mut all = true;
    for (operator, keys) in object(condition, &at)? {
        let (name, if_exists) = match operator.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (&*operator, false),
        };
        if !OPERATORS.contains(&name) {
            return Err(unsupported(&at, "operator", &operator, &OPERATORS));
        }
        for (key, values) in object(keys, &format!("{at}.{operator}"))? {
            let at = format!("{at}.{operator}.{key}");
            let values = scalars(values)
                .ok_or_else(|| format!("`{at}` has to be a string or a list of strings"))?;
            let found =
                value_of(&key, subject).ok_or_else(|| unsupported(&at, "key", &key, &KEYS))?;
            all &= match found {
                Some(value) => {
                    compare(name, &value, &values).map_err(|what| format!("`{at}`: {what}"))?
                }
                None => if_exists || name.contains("Not"),
            };
        }
    }
    Ok(all)
}

fn unsupported(at: &str, what: &str, given: &str, known: &[&str]) -> String {
    let hint = match nearest(given, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", known.join(", ")),
    };
    format!("`{at}`: Lambkin does not evaluate the {what} `{given}`; {hint}")
}

/// A scalar or a list of scalars, as texts.
fn scalars(values: &str) -> Option<Vec<String>> {
    if let Some(texts) = one_or_more(values) {
        return Some(texts.into_iter().map(|text| text.into_owned()).collect());
    }
    let is_scalar = values == "true" || values == "false" || values.parse::<f64>().is_ok();
    is_scalar.then(|| [values.to_string()].into())
}

/// The value of a key; `Some(None)` if the request lacks it, `None` if the key is not known. Keys have any case.
fn value_of(key: &str, subject: &Subject<'_>) -> Option<Option<String>> {
    let request = subject.request;
    let known = KEYS.iter().find(|known| known.eq_ignore_ascii_case(key))?;
    Some(match *known {
        "aws:SourceIp" => Some(request.peer.clone()),
        "aws:UserAgent" => subject.header("user-agent").map(String::from),
        "aws:Referer" => subject.header("referer").map(String::from),
        // Events say `https` only if the listener has TLS; AWS's endpoints always have it.
        "aws:SecureTransport" => Some(String::from("true")),
        _ => Some((request.at_ms / 1000).to_string()),
    })
}

/// Whether a value compares as the operator says with one of the values; for negated operators, with all of them.
fn compare(operator: &str, value: &str, expected: &[String]) -> Result<bool, String> {
    let (is_negated, operator) = match operator.split_once("Not") {
        Some((before, after)) => (true, [before, after].concat()),
        None => (false, String::from(operator)),
    };
    let mut any = false;
    for expected in expected {
        any |= compare_one(&operator, value, expected)?;
    }
    Ok(any != is_negated)
}

fn compare_one(operator: &str, value: &str, expected: &str) -> Result<bool, String> {
    Ok(match operator {
        "StringEquals" => value == expected,
        "StringEqualsIgnoreCase" => value.eq_ignore_ascii_case(expected),
        "StringLike" => matches(expected, value),
        "Bool" => value.eq_ignore_ascii_case(expected),
        "IpAddress" => is_in_network(value, expected).ok_or_else(|| {
            format!("{expected:?} is not an address or a range such as 10.0.0.0/8")
        })?,
        _ => {
            let (left, right) = (seconds(value)?, seconds(expected)?);
            let comparison = operator
                .trim_start_matches("Date")
                .trim_start_matches("Numeric");
            match comparison {
                "Equals" => left == right,
                "LessThan" => left < right,
                "LessThanEquals" => left <= right,
                "GreaterThan" => left > right,
                _ => left >= right,
            }
        }
    })
}

/// A date as seconds, or a number.
fn seconds(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .or_else(|| plugin_kit::time::parse(text))
        .ok_or_else(|| {
            format!("{text:?} is not a date such as 2026-10-02T08:30:00Z, nor a whole number")
        })
}

/// Whether an address is in a network; `None` if the network is not valid.
fn is_in_network(address: &str, network: &str) -> Option<bool> {
    let (network, bits) = match network.split_once('/') {
        Some((network, bits)) => (network, Some(bits.parse::<u32>().ok()?)),
        None => (network, None),
    };
    let (address, network) = (address.parse().ok(), network.parse().ok()?);
    let (address, network, width) = match (address, network) {
        (Some(IpAddr::V4(address)), IpAddr::V4(network)) => (
            u128::from(u32::from(address)),
            u128::from(u32::from(network)),
            32,
        ),
        (Some(IpAddr::V6(address)), IpAddr::V6(network)) => {
            (u128::from(address), u128::from(network), 128)
        }
        _ => return Some(false),
    };
    let ignored = width - bits.unwrap_or(width).min(width);
    let shift = |value: u128| value.checked_shr(ignored).unwrap_or(0);
    Some(shift(address) == shift(network))
}

#[cfg(test)]
mod tests {
    use http_event::contract::{Header, Request};

    use super::*;

    fn judged(condition: &str) -> Result<bool, String> {
        let request = Request {
            peer: "10.1.2.3".into(),
            at_ms: 1_790_000_000_500,
            headers: vec![Header::new("User-Agent", "curl/8")],
            ..Request::get("/")
        };
        let subject = Subject {
            request: &request,
            method_arn: "",
            stage_variables: "",
            context: &|_| None,
            event: &|_, _| String::new(),
        };
        holds(condition, "Statement[0]", &subject)
    }

    #[test]
    fn conditions_compare_what_a_request_has() {
        for (condition, expected) in [
            (r#"{}"#, true),
            (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, true),
            (
                r#"{"IpAddress":{"aws:SourceIp":["192.168.0.0/16","10.1.2.3"]}}"#,
                true,
            ),
            (r#"{"IpAddress":{"aws:SourceIp":"10.1.2.4"}}"#, false),
            (r#"{"IpAddress":{"aws:SourceIp":"::/0"}}"#, false),
            (r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#, true),
            (
                r#"{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","1.1.1.1"]}}"#,
                false,
            ),
            (r#"{"StringLike":{"aws:useragent":"curl/*"}}"#, true),
            (
                r#"{"StringNotEquals":{"aws:UserAgent":["curl/7","curl/9"]}}"#,
                true,
            ),
            (r#"{"StringEquals":{"aws:Referer":"a"}}"#, false),
            (r#"{"StringEqualsIfExists":{"aws:Referer":"a"}}"#, true),
            (r#"{"StringNotEquals":{"aws:Referer":"a"}}"#, true),
            (r#"{"Bool":{"aws:SecureTransport":true}}"#, true),
            (r#"{"Bool":{"aws:SecureTransport":"false"}}"#, false),
            (
                r#"{"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}}"#,
                true,
            ),
            (
                r#"{"DateGreaterThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}}"#,
                false,
            ),
            (
                r#"{"NumericGreaterThanEquals":{"aws:EpochTime":1790000000}}"#,
                true,
            ),
            (
                r#"{"Bool":{"aws:SecureTransport":true},"IpAddress":{"aws:SourceIp":"1.1.1.1"}}"#,
                false,
            ),
        ] {
            assert_eq!(judged(condition), Ok(expected), "{condition}");
        }
    }

    #[test]
    fn what_is_not_evaluated_is_refused() {
        for (condition, message) in [
            (r#"{"StringEqual":{}}"#, "did you mean `StringEquals`?"),
            (
                r#"{"ForAllValues:StringEquals":{}}"#,
                "does not evaluate the operator",
            ),
            (
                r#"{"StringEquals":{"aws:PrincipalTag/a":"b"}}"#,
                "does not evaluate the key",
            ),
            (
                r#"{"StringEquals":{"aws:SourceIP2":"b"}}"#,
                "did you mean `aws:SourceIp`?",
            ),
            (
                r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/x"}}"#,
                "is not an address",
            ),
            (
                r#"{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}"#,
                "is not a date",
            ),
            (
                r#"{"Bool":{"aws:SecureTransport":{}}}"#,
                "has to be a string or a list",
            ),
            (r#"{"Bool":3}"#, "`Statement[0].Condition.Bool` is a number"),
            ("[]", "`Statement[0].Condition` is a list"),
        ] {
            let error = judged(condition).unwrap_err();
            assert!(error.contains(message), "{condition}: {error}");
        }
    }
}
