//! The events functions receive: one module per payload format version, and what both have in common.

mod headers;
mod query;
mod v1;
mod v2;

use alloc::borrow::Cow;
use alloc::string::String;

use crate::contract::{Body, Request};
use crate::routing::Match;
use crate::state::{Format, State};
use crate::text::json::write::Object;

/// What an event is written from.
pub struct Call<'a> {
    /// The API.
    pub state: &'a State<'a>,
    /// The request.
    pub request: &'a Request,
    /// Its route.
    pub found: &'a Match<'a>,
    /// The id the caller sees in `apigw-requestid`.
    pub request_id: &'a str,
}

/// The event in the format of the route's integration.
pub fn write(call: &Call<'_>) -> String {
    match call.found.route.format {
        Format::V1 => v1::write(call),
        Format::V2 => v2::write(call),
    }
}

impl<'a> Call<'a> {
    /// The route's key, as in the configuration: `GET /pets/{id}`, `$default`.
    fn route_key(&self) -> Cow<'a, str> {
        let route = self.found.route;
        if route.path.starts_with('/') {
            let mut key = String::with_capacity(route.method.len() + 1 + route.path.len());
            key.push_str(route.method);
            key.push(' ');
            key.push_str(route.path);
            Cow::Owned(key)
        } else {
            Cow::Borrowed(route.path)
        }
    }

    /// The host the client used, as the functions build links from it, or the configured one.
    fn domain_name(&self) -> &'a str {
        match self.state.domain_name {
            "" => &self.request.authority,
            configured => configured,
        }
    }

    /// The first label of the domain name.
    fn domain_prefix(&self) -> &'a str {
        let name = self.domain_name();
        if name.starts_with('[') {
            return name.split_inclusive(']').next().unwrap_or_default();
        }
        name.split(['.', ':']).next().unwrap_or_default()
    }

    /// Empty if the client did not say, as on AWS.
    fn user_agent(&self) -> &'a str {
        self.request.header("user-agent").last().unwrap_or_default()
    }

    /// A guess of the event's length in bytes that is seldom too small.
    fn capacity(&self) -> usize {
        let request = self.request;
        let headers: usize = request
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + 8)
            .sum();
        let body = request.body.as_bytes().len();
        // Both formats name most of the query twice; 1.0 has each header twice. Base64 makes four bytes of three.
        2048 + 2 * headers + 3 * (request.path.len() + request.query.len()) + body / 2 * 3
    }

    /// Whether the body is sent as text. The media type decides, by a list that no configuration changes; a body that is
    /// compressed or not UTF-8 is never text.
    fn body_is_text(&self) -> bool {
        let encoded = self
            .request
            .header("content-encoding")
            .any(|value| !value.eq_ignore_ascii_case("identity"));
        matches!(self.request.body, Body::Text(_))
            && !encoded
            && self
                .request
                .header("content-type")
                .last()
                .is_some_and(is_text)
    }

    /// Writes `body`; nothing if there is none. True if it is in base64.
    fn write_body(&self, event: &mut Object<'_>) -> bool {
        match &self.request.body {
            Body::Empty => false,
            Body::Text(text) if self.body_is_text() => {
                event.string("body", text);
                false
            }
            body => {
                event.base64("body", body.as_bytes());
                true
            }
        }
    }
}

/// The media types HTTP APIs pass on as text. Form posts and `application/problem+json` are not among them.
fn is_text(content_type: &str) -> bool {
    const TEXT: [&str; 3] = [
        "application/json",
        "application/javascript",
        "application/xml",
    ];

    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_any_text = media_type
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("text/"));
    is_any_text
        || TEXT
            .iter()
            .any(|text| text.eq_ignore_ascii_case(media_type))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Decision;

    #[test]
    fn text_is_a_short_list_of_media_types() {
        for text in [
            "text/plain",
            "TEXT/css; charset=x",
            "application/json",
            "Application/JSON ; charset=utf-8",
        ] {
            assert!(is_text(text), "{text}");
        }
        assert!(is_text("application/xml") && is_text("application/javascript"));
        for binary in [
            "",
            "text",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=text/plain",
            "application/vnd.api+json",
            "application/json-seq",
            "image/svg+xml",
        ] {
            assert!(!is_text(binary), "{binary}");
        }
    }

    fn event(config: &str) -> String {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = Request {
            id: "01234567-89ab-4def-8123-456789abcdef".into(),
            trace_id: "Root=1-0-1;Sampled=0".into(),
            at_ms: 0,
            peer: "::1".into(),
            protocol: "HTTP/1.1".into(),
            authority: "a.b:1".into(),
            method: "PUT".into(),
            path: "/p/1".into(),
            query: "q=1".into(),
            headers: vec![pair("cookie", "c=d"), pair("content-type", "text/plain")],
            body: Body::Text("hi".into()),
        };
        let setup = crate::configure(config).unwrap();
        match crate::shape(&setup.state, &request).unwrap() {
            Decision::Invoke(invocation) => invocation.event,
            Decision::Reply(response) => panic!("{response:?}"),
        }
    }

    #[test]
    fn format_2_0_has_the_keys_in_awss_order() {
        let config = r#"{"routes":{"PUT /p/{id}":"f"},"stage-variables":{"s":"v"}}"#;
        let expected = concat!(
            r#"{"version":"2.0","routeKey":"PUT /p/{id}","rawPath":"/p/1","rawQueryString":"q=1","cookies":["c=d"],"#,
            r#""headers":{"content-length":"2","content-type":"text/plain","host":"a.b:1","x-amzn-trace-id":"Root=1-0-1","#,
            r#""x-forwarded-for":"::1","x-forwarded-port":"1","x-forwarded-proto":"http"},"#,
            r#""queryStringParameters":{"q":"1"},"requestContext":{"accountId":"123456789012","apiId":"lambkin000","#,
            r#""domainName":"a.b:1","domainPrefix":"a","http":{"method":"PUT","path":"/p/1","protocol":"HTTP/1.1","#,
            r#""sourceIp":"::1","userAgent":""},"requestId":"ASNFZ4mrTe-BI0U=","routeKey":"PUT /p/{id}","#,
            r#""stage":"$default","time":"01/Jan/1970:00:00:00 +0000","timeEpoch":0},"body":"hi","#,
            r#""pathParameters":{"id":"1"},"isBase64Encoded":false,"stageVariables":{"s":"v"}}"#,
        );
        assert_eq!(event(config), expected);
    }

    #[test]
    fn format_1_0_has_the_keys_in_awss_order() {
        let text = event(r#"{"function":"f","payload-format-version":"1.0"}"#);
        let keys = [
            "version",
            "resource",
            "path",
            "httpMethod",
            "headers",
            "multiValueHeaders",
            "queryStringParameters",
            "multiValueQueryStringParameters",
            "requestContext",
            "pathParameters",
            "stageVariables",
            "body",
            "isBase64Encoded",
        ];
        let members = crate::text::json::read::object(&text).unwrap();
        let found: Vec<_> = members.iter().map(|(key, _)| &**key).collect();
        assert_eq!(found, keys);
    }
}
