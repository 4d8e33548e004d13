//! The `Location` of a redirect.
//!
//! `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for the parts of the request. As on AWS, the
//! location always has a port, and a query that is empty has no `?`.

use alloc::string::String;

use http_event::contract::Request;
use http_event::headers::addressed_port;

use crate::rule::host;
use crate::state::Redirect;

/// The URL that a request is sent to.
pub fn location(to: &Redirect<'_>, request: &Request) -> String {
    let fill = |template: &str| filled(template, request);
    let mut url = fill(to.protocol).to_ascii_lowercase();
    url.push_str("://");
    url.push_str(&fill(to.host));
    url.push(':');
    url.push_str(&fill(to.port));
    url.push_str(&fill(to.path));
    let query = fill(to.query);
    if !query.is_empty() {
        url.push('?');
        url.push_str(&query);
    }
    url
}

/// A template with its placeholders filled in, once: what is filled in may look like a placeholder.
fn filled(template: &str, request: &Request) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("#{") {
        text.push_str(before);
        let (name, end) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(match name {
            "protocol" => &request.scheme,
            "host" => host(&request.authority),
            "port" => addressed_port(request),
            "path" => request.path.strip_prefix('/').unwrap_or(&request.path),
            "query" => &request.query,
            _ => "",
        });
        rest = end;
    }
    text.push_str(rest);
    text
}
