//! Payload format 1.0, which is similar to the event of REST APIs: what a request lacks is null.
//!
//! The single-value maps contain the last value of a repeated name, the multi-value maps all of them. Names of headers
//! have canonical case. `path` is as sent, `requestContext.path` and the parameters are decoded. Cookies stay headers.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use authorizer::decision::Caller;
use authorizer::identity::{Identity, access_key};
use http_event::body;
use http_event::contract::Request;
use http_event::event_2_0::{capacity, domain_prefix};
use http_event::headers::{self, canonical_name};
use http_event::json::write::{self, Object};
use http_event::percent::decode;
use http_event::query::parameters;
use http_event::values;
use plugin_kit::time::common_log;

use super::Context;

/// The keys of `requestContext.identity`, in the order of AWS. Callers who sign fill some of them.
const IDENTITY: [&str; 12] = [
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "sourceIp",
    "user",
    "userAgent",
    "userArn",
];

/// Writes the event.
pub fn write(context: &Context<'_>) -> String {
    let (request, route) = (context.request, context.found.route);
    write::object(capacity(request), |event| {
        event.string("version", "1.0");
        event.string("resource", route.path);
        event.string("path", &request.path);
        event.string("httpMethod", &request.method);
        write_headers(context, event);
        write_query(context, event);
        event.object("requestContext", |object| {
            write_request_context(context, true, object);
        });
        if context.found.parameters.is_empty() {
            event.raw("pathParameters", "null");
        } else {
            event.object("pathParameters", |object| {
                for (name, value) in &context.found.parameters {
                    object.string(name, value);
                }
            });
        }
        event.raw(
            "stageVariables",
            non_empty_or_null(context.state.api.stage_variables),
        );
        let is_base64 = body::write(request, body::is_text_of_http_api, event);
        if request.body.as_bytes().is_empty() {
            event.raw("body", "null");
        }
        event.raw("isBase64Encoded", if is_base64 { "true" } else { "false" });
    })
}

/// Writes the event of a Lambda authorizer: without a body, and what the request lacks is an empty object.
pub fn write_for_authorizer(context: &Context<'_>, arn: &str, identity: &[String]) -> String {
    let (request, route) = (context.request, context.found.route);
    write::object(capacity(request), |event| {
        event.string("version", "1.0");
        event.string("type", "REQUEST");
        event.string("methodArn", arn);
        if !identity.is_empty() {
            let identity = identity.join(",");
            event.string("identitySource", &identity);
            event.string("authorizationToken", &identity);
        }
        event.string("resource", route.path);
        event.string("path", &request.path);
        event.string("httpMethod", &request.method);
        values::write_last(event, "headers", &named_headers(request));
        let query = parameters(&request.query);
        values::write_last(event, "queryStringParameters", &query);
        event.object("pathParameters", |object| {
            for (name, value) in &context.found.parameters {
                object.string(name, value);
            }
        });
        let variables = context.state.api.stage_variables;
        event.raw(
            "stageVariables",
            if variables.is_empty() {
                "{}"
            } else {
                variables
            },
        );
        event.object("requestContext", |object| {
            write_request_context(context, false, object);
        });
    })
}

fn non_empty_or_null(json: &str) -> &str {
    if json.is_empty() { "null" } else { json }
}

fn named_headers(request: &Request) -> Vec<(String, Cow<'_, str>)> {
    headers::of_event(request)
        .into_iter()
        .map(|(name, value)| (canonical_name(name), value))
        .collect()
}

fn write_headers(context: &Context<'_>, event: &mut Object<'_>) {
    let headers = named_headers(context.request);
    values::write_last(event, "headers", &headers);
    values::write_all(event, "multiValueHeaders", &headers);
}

fn write_query(context: &Context<'_>, event: &mut Object<'_>) {
    let parameters = parameters(&context.request.query);
    if parameters.is_empty() {
        event.raw("queryStringParameters", "null");
        event.raw("multiValueQueryStringParameters", "null");
        return;
    }
    values::write_last(event, "queryStringParameters", &parameters);
    values::write_all(event, "multiValueQueryStringParameters", &parameters);
}

fn write_request_context(context: &Context<'_>, is_authorized: bool, object: &mut Object<'_>) {
    let (state, request) = (context.state, context.request);
    object.string("accountId", state.api.account);
    object.string("apiId", state.api.id);
    if is_authorized {
        let authorizer = context.caller.and_then(Caller::v1);
        let none = r#"{"claims":null,"scopes":null}"#;
        object.raw("authorizer", authorizer.as_deref().unwrap_or(none));
    }
    object.string("domainName", context.domain_name());
    object.string("domainPrefix", domain_prefix(context.domain_name()));
    object.string("extendedRequestId", context.request_id);
    object.string("httpMethod", &request.method);
    object.object("identity", |identity| {
        let client = Identity {
            source_ip: &request.peer,
            user_agent: Some(request.user_agent()),
            access_key: access_key(context.caller),
            account: state.api.account,
            region: state.api.region,
        };
        client.write(&IDENTITY, identity);
    });
    object.string("path", &decode(&request.path));
    object.string("protocol", &request.protocol);
    object.string("requestId", context.request_id);
    object.string("requestTime", &common_log(request.at_ms));
    object.raw("requestTimeEpoch", &format!("{}", request.at_ms));
    object.string("resourceId", &context.route_key());
    object.string("resourcePath", context.found.route.path);
    object.string("stage", state.api.stage);
}
