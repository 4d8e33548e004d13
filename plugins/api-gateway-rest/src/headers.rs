//! The headers of an event: the client's with its spelling, except for well-known ones, and those that AWS adds.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::contract::Request;
use http_event::headers;

/// Headers that a function does not see.
const REMOVED: [&str; 12] = [
    "connection",
    "content-length",
    "content-md5",
    "expect",
    "max-forwards",
    "proxy-authenticate",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// Headers whose spelling is AWS's, whatever the client's is.
const WELL_KNOWN: [&str; 12] = [
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Content-Type",
    "Cookie",
    "Host",
    "Origin",
    "User-Agent",
    "X-Amzn-Trace-Id",
    "X-Forwarded-For",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
];

/// Well-known headers that keep the client's spelling in HTTP/2, which is in lower case.
const AS_SENT_IN_HTTP2: [&str; 4] = ["accept", "content-type", "cookie", "origin"];

/// All headers, those of a test as they are, others sorted by their names without regard to case; the values of a name
/// keep their order.
pub fn of_event(request: &Request) -> Vec<(String, Cow<'_, str>)> {
    if request.is_test() {
        let headers = request.headers.iter();
        return headers
            .map(|it| (it.name_as_sent.clone(), Cow::Borrowed(it.value.as_str())))
            .collect();
    }
    let mut all = headers::of_event(request);
    all.retain(|(name, value)| {
        let is_signature = *name == "authorization" && value.starts_with("AWS4-HMAC-SHA256 ");
        !REMOVED.contains(name) && !is_signature
    });
    all.into_iter()
        .map(|(name, value)| (spelled(name, request), value))
        .collect()
}

fn spelled(name: &str, request: &Request) -> String {
    let mut known = WELL_KNOWN.iter();
    let is_as_sent = request.is_http2() && AS_SENT_IN_HTTP2.contains(&name);
    if let Some(spelling) = known.find(|known| known.eq_ignore_ascii_case(name))
        && !is_as_sent
    {
        return (*spelling).to_string();
    }
    let sent = request.headers.iter().find(|header| header.name == name);
    sent.map_or(name, |header| &header.name_as_sent).to_string()
}
