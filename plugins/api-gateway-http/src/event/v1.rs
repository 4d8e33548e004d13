//! Payload format 1.0: close to a REST API's event, where what a request does not have is null.
//!
//! Single maps hold the last value of a repeated name, multi-value maps all of them. Header names are in canonical
//! casing. `path` is as sent while `requestContext.path` and the parameters are decoded. Cookies stay headers.

use alloc::format;
use alloc::string::String;

use plugin_kit::time::common_log;

use super::Call;
use super::headers::delivered;
use super::query::parameters;
use crate::text::json::write::{self, Object};
use crate::text::percent::decode;

/// Keys of `requestContext.identity` that only an authorizer or a client certificate would fill, and the two that are
/// always known, in AWS's order.
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
pub fn write(call: &Call<'_>) -> String {
    let (request, route) = (call.request, call.found.route);
    write::object(call.capacity(), |event| {
        event.string("version", "1.0");
        event.string("resource", route.path);
        event.string("path", &request.path);
        event.string("httpMethod", &request.method);
        write_headers(call, event);
        write_query(call, event);
        event.object("requestContext", |context| write_context(call, context));
        if call.found.parameters.is_empty() {
            event.raw("pathParameters", "null");
        } else {
            event.object("pathParameters", |object| {
                for (name, value) in &call.found.parameters {
                    object.string(name, value);
                }
            });
        }
        event.raw(
            "stageVariables",
            non_empty_or_null(call.state.stage_variables),
        );
        let is_base64 = call.write_body(event);
        if request.body.as_bytes().is_empty() {
            event.raw("body", "null");
        }
        event.raw("isBase64Encoded", if is_base64 { "true" } else { "false" });
    })
}

fn non_empty_or_null(json: &str) -> &str {
    if json.is_empty() { "null" } else { json }
}

fn write_headers(call: &Call<'_>, event: &mut Object<'_>) {
    let headers = delivered(call.request);
    let by_name = || headers.chunk_by(|left, right| left.0 == right.0);
    event.object("headers", |object| {
        for (name, value) in by_name().filter_map(|same| same.last()) {
            object.string(&canonical(name), value);
        }
    });
    event.object("multiValueHeaders", |object| {
        for same in by_name() {
            if let Some((name, _)) = same.first() {
                object.strings(&canonical(name), same.iter().map(|(_, value)| &**value));
            }
        }
    });
}

/// `x-amzn-trace-id` as `X-Amzn-Trace-Id`.
fn canonical(name: &str) -> String {
    let mut canonical = String::with_capacity(name.len());
    let mut starts = true;
    for char in name.chars() {
        canonical.push(if starts {
            char.to_ascii_uppercase()
        } else {
            char
        });
        starts = char == '-';
    }
    canonical
}

fn write_query(call: &Call<'_>, event: &mut Object<'_>) {
    let parameters = parameters(&call.request.query);
    if parameters.is_empty() {
        event.raw("queryStringParameters", "null");
        event.raw("multiValueQueryStringParameters", "null");
        return;
    }
    let by_key = || parameters.chunk_by(|left, right| left.0 == right.0);
    event.object("queryStringParameters", |object| {
        for (key, value) in by_key().filter_map(|same| same.last()) {
            object.string(key, value);
        }
    });
    event.object("multiValueQueryStringParameters", |object| {
        for same in by_key() {
            if let Some((key, _)) = same.first() {
                object.strings(key, same.iter().map(|(_, value)| &**value));
            }
        }
    });
}

fn write_context(call: &Call<'_>, context: &mut Object<'_>) {
    let (state, request) = (call.state, call.request);
    context.string("accountId", state.account_id);
    context.string("apiId", state.api_id);
    context.raw("authorizer", r#"{"claims":null,"scopes":null}"#);
    context.string("domainName", call.domain_name());
    context.string("domainPrefix", call.domain_prefix());
    context.string("extendedRequestId", call.request_id);
    context.string("httpMethod", &request.method);
    context.object("identity", |identity| {
        for key in IDENTITY {
            match key {
                "sourceIp" => identity.string(key, &request.peer),
                "userAgent" => identity.string(key, call.user_agent()),
                _ => identity.raw(key, "null"),
            }
        }
    });
    context.string("path", &decode(&request.path));
    context.string("protocol", &request.protocol);
    context.string("requestId", call.request_id);
    context.string("requestTime", &common_log(request.at_ms));
    context.raw("requestTimeEpoch", &format!("{}", request.at_ms));
    context.string("resourceId", &call.route_key());
    context.string("resourcePath", call.found.route.path);
    context.string("stage", state.stage);
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn header_names_start_each_word_in_upper_case() {
        for (name, expected) in [
            ("host", "Host"),
            ("x-amzn-trace-id", "X-Amzn-Trace-Id"),
            ("dnt", "Dnt"),
            ("a--b-", "A--B-"),
            ("", ""),
        ] {
            assert_eq!(canonical(name), expected);
        }
    }
}
