//! Payload format 2.0, the event of HTTP APIs and function URLs: what a request lacks is absent, never null.
//!
//! The values of repeated headers and parameters are joined with a comma without a space. Cookies are in a list of their
//! own; function URLs have them among the headers as well.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use plugin_kit::time::common_log;

use crate::body;
use crate::contract::Request;
use crate::headers::{self, Header};
use crate::json::write::{self, Object};
use crate::query::parameters;
use crate::values;

/// What an event is written from.
#[derive(Debug)]
pub struct Event<'a> {
    /// The request.
    pub request: &'a Request,
    /// `GET /pets/{id}`, `$default`.
    pub route_key: &'a str,
    /// The path: HTTP APIs decode it, function URLs do not.
    pub raw_path: &'a str,
    /// `requestContext.http.path`.
    pub path: &'a str,
    /// All headers, sorted by name, as from [`headers::of_event`].
    pub headers: Vec<Header<'a>>,
    /// The account of the API, or of the caller.
    pub account_id: &'a str,
    /// The id of the API or URL.
    pub api_id: &'a str,
    /// `requestContext.authorizer` as JSON; empty without one.
    pub authorizer: &'a str,
    /// Set for the event of a Lambda authorizer, which has no body.
    pub authorizing: Option<Authorizing<'a>>,
    /// The host of the API or URL.
    pub domain_name: &'a str,
    /// The id that the caller receives too.
    pub request_id: &'a str,
    /// The name of the stage, or `$default`.
    pub stage: &'a str,
    /// The parameters of the route.
    pub path_parameters: &'a [(&'a str, Cow<'a, str>)],
    /// A JSON object; empty if the stage has no variables.
    pub stage_variables: &'a str,
}

/// What only the event of a Lambda authorizer has.
#[derive(Debug)]
pub struct Authorizing<'a> {
    /// The ARN of what the caller wants to do.
    pub route_arn: &'a str,
    /// The values of the identity sources.
    pub identity: &'a [String],
}

impl Event<'_> {
    /// Writes the event.
    pub fn write(&self) -> String {
        let request = self.request;
        write::object(capacity(request), |event| {
            event.string("version", "2.0");
            if let Some(authorizing) = &self.authorizing {
                event.string("type", "REQUEST");
                event.string("routeArn", authorizing.route_arn);
                if !authorizing.identity.is_empty() {
                    let identity = authorizing.identity.iter();
                    event.strings("identitySource", identity.map(String::as_str));
                }
            }
            event.string("routeKey", self.route_key);
            event.string("rawPath", self.raw_path);
            event.string("rawQueryString", &request.query);
            let mut cookies = headers::cookies(request).peekable();
            if cookies.peek().is_some() {
                event.strings("cookies", cookies);
            }
            values::write_joined(event, "headers", &self.headers);
            let query = parameters(&request.query);
            if !query.is_empty() {
                values::write_joined(event, "queryStringParameters", &query);
            }
            event.object("requestContext", |object| {
                self.write_request_context(object);
            });
            let is_base64 = self.authorizing.is_none()
                && body::write(request, body::is_text_of_http_api, event);
            if !self.path_parameters.is_empty() {
                event.object("pathParameters", |object| {
                    for (name, value) in self.path_parameters {
                        object.string(name, value);
                    }
                });
            }
            if self.authorizing.is_none() {
                event.raw("isBase64Encoded", if is_base64 { "true" } else { "false" });
            }
            if !self.stage_variables.is_empty() {
                event.raw("stageVariables", self.stage_variables);
            }
        })
    }

    fn write_request_context(&self, object: &mut Object<'_>) {
        let request = self.request;
        object.string("accountId", self.account_id);
        object.string("apiId", self.api_id);
        if !self.authorizer.is_empty() {
            object.raw("authorizer", self.authorizer);
        }
        object.string("domainName", self.domain_name);
        object.string("domainPrefix", domain_prefix(self.domain_name));
        object.object("http", |http| {
            http.string("method", &request.method);
            http.string("path", self.path);
            http.string("protocol", &request.protocol);
            http.string("sourceIp", &request.peer);
            http.string("userAgent", request.user_agent());
        });
        object.string("requestId", self.request_id);
        object.string("routeKey", self.route_key);
        object.string("stage", self.stage);
        object.string("time", &common_log(request.at_ms));
        object.raw("timeEpoch", &format!("{}", request.at_ms));
    }
}

/// The first label of a domain name, which may have a port or be an address.
pub fn domain_prefix(name: &str) -> &str {
    if name.starts_with('[') {
        return name.split_inclusive(']').next().unwrap_or_default();
    }
    name.split(['.', ':']).next().unwrap_or_default()
}

/// An estimate of an event's length in bytes that is rarely too small.
pub fn capacity(request: &Request) -> usize {
    let headers: usize = request
        .headers
        .iter()
        .map(|header| header.name.len() + header.value.len() + 8)
        .sum();
    let body = request.body.as_bytes().len();
    // Events contain most of the query twice, and some of them each header twice. Base64 makes four bytes of three.
    2048 + 2 * headers + 3 * (request.path.len() + request.query.len()) + body / 2 * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_of_a_domain_is_its_first_label() {
        for (name, expected) in [
            ("abc.execute-api.eu-west-1.amazonaws.com", "abc"),
            ("localhost:8000", "localhost"),
            ("[::1]:8000", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(domain_prefix(name), expected);
        }
    }
}
