//! The events that functions receive: one module for each payload format version, and what both have in common.

mod v1;
mod v2;

use alloc::borrow::Cow;
use alloc::string::String;

use authorizer::authorizer::Form;
use authorizer::decision::Caller;
use http_event::contract::Request;
use http_event::event_2_0::Authorizing;

use crate::routing::Match;
use crate::state::{Format, State};

/// What an event is written from.
pub struct Context<'a> {
    /// The API.
    pub state: &'a State<'a>,
    /// The request.
    pub request: &'a Request,
    /// The route of the request.
    pub found: &'a Match<'a>,
    /// The id that the caller receives in `apigw-requestid`.
    pub request_id: &'a str,
    /// Who the caller is, if the route has an authorizer.
    pub caller: Option<&'a Caller>,
}

/// Writes the event in the payload format of the route.
pub fn write(context: &Context<'_>) -> String {
    match context.found.route.format {
        Format::V1 => v1::write(context),
        Format::V2 => v2::write(context, None),
    }
}

/// Writes the event of a Lambda authorizer.
pub fn write_for_authorizer(
    context: &Context<'_>,
    form: Form,
    arn: &str,
    identity: &[String],
) -> String {
    match form {
        Form::V1 => v1::write_for_authorizer(context, arn, identity),
        _ => v2::write(
            context,
            Some(Authorizing {
                route_arn: arn,
                identity,
            }),
        ),
    }
}

impl<'a> Context<'a> {
    /// The key of the route as the configuration has it: `GET /pets/{id}`, `$default`.
    pub fn route_key(&self) -> Cow<'a, str> {
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

    /// The configured domain name, else the host that the client requested, from which functions build links.
    pub fn domain_name(&self) -> &'a str {
        self.state.api.domain_name(&self.request.authority)
    }
}

#[cfg(test)]
mod tests {
    use golden::counters::MemoryCounters;
    use http_event::contract::{Header, RequestBody, Step};

    use super::*;

    fn event(config: &str) -> String {
        let request = Request {
            id: "01234567-89ab-4def-8123-456789abcdef".into(),
            trace_id: "Root=1-0-1;Sampled=0".into(),
            at_ms: 0,
            peer: "::1".into(),
            scheme: "http".into(),
            port: 1,
            protocol: "HTTP/1.1".into(),
            authority: "a.b:1".into(),
            method: "PUT".into(),
            path: "/p/1".into(),
            query: "q=1".into(),
            headers: vec![
                Header::new("Cookie", "c=d"),
                Header::new("content-type", "text/plain"),
            ],
            body: RequestBody::Text("hi".into()),
            extra: Vec::new(),
        };
        let setup = crate::config::alone(config).unwrap();
        match crate::shape(&setup.state, &request, &MemoryCounters::default()).unwrap() {
            Step::Invoke(invocation) => invocation.event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn format_2_0_has_the_keys_in_the_order_of_aws() {
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
    fn format_1_0_has_the_keys_in_the_order_of_aws() {
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
        let members = http_event::json::read::object(&text).unwrap();
        let found: Vec<_> = members.iter().map(|(key, _)| &**key).collect();
        assert_eq!(found, keys);
    }
}
