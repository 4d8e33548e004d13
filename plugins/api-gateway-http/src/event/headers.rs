//! The headers a function receives: the client's without those of its connection, and the gateway's own.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use crate::contract::Request;

/// A lower-case name and one value.
pub type Header<'a> = (&'a str, Cow<'a, str>);

/// Headers that speak of the client's connection; they end at the gateway.
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

/// Headers the gateway writes itself, whatever the client sent.
const OWN: [&str; 6] = [
    "content-length",
    "host",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
];

/// All headers, sorted by name as AWS has them; the values of one name keep their order.
pub fn delivered(request: &Request) -> Vec<Header<'_>> {
    let mut headers = Vec::with_capacity(request.headers.len() + OWN.len());
    for (name, value) in &request.headers {
        let name = name.as_str();
        if !HOP_BY_HOP.contains(&name) && !OWN.contains(&name) {
            headers.push((name, Cow::Borrowed(value.as_str())));
        }
    }
    headers.extend(own(request));
    headers.sort_by_key(|(name, _)| *name);
    headers
}

/// AWS says port 443 and `https` of every request. Functions build links from these, and here only the listener's own
/// port and plain HTTP lead back to it.
fn own(request: &Request) -> [Header<'_>; 6] {
    [
        (
            "content-length",
            request.body.as_bytes().len().to_string().into(),
        ),
        ("host", request.authority.as_str().into()),
        ("x-amzn-trace-id", trace_id(request).into()),
        ("x-forwarded-for", forwarded_for(request)),
        ("x-forwarded-port", port(&request.authority).into()),
        ("x-forwarded-proto", "http".into()),
    ]
}

/// The client's own header as sent; without one the gateway starts a trace and names only its root.
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

/// The addresses the client vouches for, then its own.
fn forwarded_for(request: &Request) -> Cow<'_, str> {
    let claimed: Vec<_> = request.header("x-forwarded-for").collect();
    if claimed.is_empty() {
        return request.peer.as_str().into();
    }
    format!("{}, {}", claimed.join(", "), request.peer).into()
}

/// The port of `host:port`; HTTP's own if there is none.
fn port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((_, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port
        }
        _ => "80",
    }
}

#[cfg(test)]
mod tests {
    use super::port;

    #[test]
    fn the_port_is_that_of_the_authority() {
        for (authority, expected) in [
            ("127.0.0.1:8000", "8000"),
            ("localhost", "80"),
            ("localhost:", "80"),
            ("[::1]:81", "81"),
            ("[::1]", "80"),
            ("", "80"),
        ] {
            assert_eq!(port(authority), expected, "{authority}");
        }
    }
}
