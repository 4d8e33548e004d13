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
    let path = request.path.strip_prefix('/').unwrap_or(&request.path);
    let fill = |text: &str| {
        text.replace("#{protocol}", &request.scheme)
            .replace("#{host}", host(&request.authority))
            .replace("#{port}", addressed_port(request))
            .replace("#{path}", path)
            .replace("#{query}", &request.query)
    };
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
