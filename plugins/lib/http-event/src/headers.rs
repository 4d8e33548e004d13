//! The headers that a function receives: the client's, without those of its connection, and those that AWS adds.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::contract::Request;

/// A name in lower case and one value.
pub type Header<'a> = (&'a str, Cow<'a, str>);

/// Headers about the client's connection, which are not passed on.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that AWS sets, replacing the client's.
const SET_BY_AWS: [&str; 6] = [
    "content-length",
    "host",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
];

/// All headers, sorted by name as in AWS's events; the values of a name keep their order.
pub fn of_event(request: &Request) -> Vec<Header<'_>> {
    let mut headers = Vec::with_capacity(request.headers.len() + SET_BY_AWS.len());
    for header in &request.headers {
        let name = header.name.as_str();
        if !HOP_BY_HOP.contains(&name) && !SET_BY_AWS.contains(&name) {
            headers.push((name, Cow::Borrowed(header.value.as_str())));
        }
    }
    headers.extend(set_by_aws(request));
    headers.sort_by_key(|(name, _)| *name);
    headers
}

/// Like [`of_event`], without the `content-length` that a client without a body has not sent.
pub fn of_event_without_empty_length(request: &Request) -> Vec<Header<'_>> {
    let mut headers = of_event(request);
    if request.body.as_bytes().is_empty() && request.header("content-length").next().is_none() {
        headers.retain(|(name, _)| *name != "content-length");
    }
    headers
}

/// The headers that AWS sets. AWS always sends port 443 and `https`; functions build links from these, and only the
/// listener's own scheme and the port that the client addressed lead back to this listener.
fn set_by_aws(request: &Request) -> [Header<'_>; 6] {
    [
        (
            "content-length",
            request.body.as_bytes().len().to_string().into(),
        ),
        ("host", request.authority.as_str().into()),
        ("x-amzn-trace-id", trace_id(request).into()),
        ("x-forwarded-for", forwarded_for(request)),
        ("x-forwarded-port", addressed_port(request).into()),
        ("x-forwarded-proto", request.scheme.as_str().into()),
    ]
}

/// The client's header if it sent one; otherwise only the root of the trace that the host started.
fn trace_id(request: &Request) -> &str {
    if let Some(value) = request.header("x-amzn-trace-id").last() {
        return value;
    }
    let root = request
        .trace_id
        .split(';')
        .find(|field| field.starts_with("Root="));
    root.unwrap_or(&request.trace_id)
}

/// The addresses that the client's header lists, then its own.
fn forwarded_for(request: &Request) -> Cow<'_, str> {
    let listed: Vec<_> = request.header("x-forwarded-for").collect();
    if listed.is_empty() {
        return request.peer.as_str().into();
    }
    format!("{}, {}", listed.join(", "), request.peer).into()
}

/// The port that the client addressed: that of `host:port`, otherwise the default of the scheme.
pub fn addressed_port(request: &Request) -> &str {
    match request.authority.rsplit_once(':') {
        Some((_, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port
        }
        _ if request.scheme == "https" => "443",
        _ => "80",
    }
}

/// A name with each word in upper case: `X-Amzn-Trace-Id` for `x-amzn-trace-id`.
pub fn canonical_name(name: &str) -> String {
    let mut canonical = String::with_capacity(name.len());
    let mut starts_word = true;
    for char in name.chars() {
        canonical.push(if starts_word {
            char.to_ascii_uppercase()
        } else {
            char
        });
        starts_word = char == '-';
    }
    canonical
}

/// The cookies of a request, one per `name=value` pair of its `Cookie` headers.
pub fn cookies(request: &Request) -> impl Iterator<Item = &str> {
    request
        .header("cookie")
        .flat_map(|value| value.split(';'))
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_names_start_each_word_in_upper_case() {
        for (name, expected) in [
            ("host", "Host"),
            ("x-amzn-trace-id", "X-Amzn-Trace-Id"),
            ("dnt", "Dnt"),
            ("a--b-", "A--B-"),
            ("", ""),
        ] {
            assert_eq!(canonical_name(name), expected);
        }
    }

    #[test]
    fn the_port_is_that_of_the_authority_or_of_the_scheme() {
        for (scheme, authority, expected) in [
            ("http", "127.0.0.1:8000", "8000"),
            ("http", "localhost", "80"),
            ("https", "localhost", "443"),
            ("https", "localhost:8443", "8443"),
            ("http", "localhost:", "80"),
            ("http", "[::1]:81", "81"),
            ("http", "[::1]", "80"),
            ("http", "", "80"),
        ] {
            let request = Request {
                scheme: scheme.to_owned(),
                authority: authority.to_owned(),
                ..Request::get("/")
            };
            assert_eq!(addressed_port(&request), expected, "{scheme} {authority}");
        }
    }
}
