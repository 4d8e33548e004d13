//! Payload format 2.0: what a request lacks is absent, never null.
//!
//! `rawPath` is decoded, as on AWS and despite its name, and contains the stage. The values of repeated headers and
//! parameters are joined with a comma without a space. Cookies are in a list of their own, not among the headers.

use alloc::format;
use alloc::string::String;

use http_event::body;
use http_event::headers;
use http_event::json::write::{self, Object};
use http_event::percent::decode;
use http_event::query::parameters;
use http_event::values;
use plugin_kit::time::common_log;

use super::Context;

/// Writes the event.
pub fn write(context: &Context<'_>) -> String {
    let request = context.request;
    let path = decode(&request.path);
    let route_key = context.route_key();
    write::object(context.capacity(), |event| {
        event.string("version", "2.0");
        event.string("routeKey", &route_key);
        event.string("rawPath", &path);
        event.string("rawQueryString", &request.query);
        write_cookies(context, event);
        write_headers(context, event);
        write_query(context, event);
        event.object("requestContext", |object| {
            write_request_context(context, &route_key, &path, object);
        });
        let is_base64 = body::write(request, body::is_text_of_http_api, event);
        if !context.found.parameters.is_empty() {
            event.object("pathParameters", |object| {
                for (name, value) in &context.found.parameters {
                    object.string(name, value);
                }
            });
        }
        event.raw("isBase64Encoded", if is_base64 { "true" } else { "false" });
        if !context.state.stage_variables.is_empty() {
            event.raw("stageVariables", context.state.stage_variables);
        }
    })
}

fn write_cookies(context: &Context<'_>, event: &mut Object<'_>) {
    let mut cookies = headers::cookies(context.request).peekable();
    if cookies.peek().is_some() {
        event.strings("cookies", cookies);
    }
}

fn write_headers(context: &Context<'_>, event: &mut Object<'_>) {
    let mut headers = headers::of_event(context.request);
    headers.retain(|(name, _)| *name != "cookie");
    values::write_joined(event, "headers", &headers);
}

fn write_query(context: &Context<'_>, event: &mut Object<'_>) {
    let parameters = parameters(&context.request.query);
    if !parameters.is_empty() {
        values::write_joined(event, "queryStringParameters", &parameters);
    }
}

fn write_request_context(
    context: &Context<'_>,
    route_key: &str,
    path: &str,
    object: &mut Object<'_>,
) {
    let (state, request) = (context.state, context.request);
    object.string("accountId", state.account_id);
    object.string("apiId", state.api_id);
    object.string("domainName", context.domain_name());
    object.string("domainPrefix", context.domain_prefix());
    object.object("http", |http| {
        http.string("method", &request.method);
        http.string("path", path);
        http.string("protocol", &request.protocol);
        http.string("sourceIp", &request.peer);
        http.string("userAgent", request.user_agent());
    });
    object.string("requestId", context.request_id);
    object.string("routeKey", route_key);
    object.string("stage", state.stage);
    object.string("time", &common_log(request.at_ms));
    object.raw("timeEpoch", &format!("{}", request.at_ms));
}
