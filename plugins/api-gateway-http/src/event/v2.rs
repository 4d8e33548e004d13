//! Payload format 2.0: what a request does not have is absent, never null.
//!
//! `rawPath` is decoded, as on AWS and despite its name, and keeps the stage. Repeated headers and parameters are
//! joined with a comma and no space. Cookies leave the headers for a list of their own.

use alloc::format;
use alloc::string::String;

use plugin_kit::time::common_log;

use super::Call;
use super::headers::delivered;
use super::query::parameters;
use crate::text::json::write::{self, Object};
use crate::text::percent::decode;

/// Writes the event.
pub fn write(call: &Call<'_>) -> String {
    let request = call.request;
    let path = decode(&request.path);
    let route_key = call.route_key();
    write::object(call.capacity(), |event| {
        event.string("version", "2.0");
        event.string("routeKey", &route_key);
        event.string("rawPath", &path);
        event.string("rawQueryString", &request.query);
        write_cookies(call, event);
        write_headers(call, event);
        write_query(call, event);
        event.object("requestContext", |context| {
            write_context(call, &route_key, &path, context)
        });
        let is_base64 = call.write_body(event);
        if !call.found.parameters.is_empty() {
            event.object("pathParameters", |object| {
                for (name, value) in &call.found.parameters {
                    object.string(name, value);
                }
            });
        }
        event.raw("isBase64Encoded", if is_base64 { "true" } else { "false" });
        if !call.state.stage_variables.is_empty() {
            event.raw("stageVariables", call.state.stage_variables);
        }
    })
}

fn write_cookies(call: &Call<'_>, event: &mut Object<'_>) {
    let pairs = call
        .request
        .header("cookie")
        .flat_map(|value| value.split(';'));
    let mut cookies = pairs
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .peekable();
    if cookies.peek().is_some() {
        event.strings("cookies", cookies);
    }
}

fn write_headers(call: &Call<'_>, event: &mut Object<'_>) {
    event.object("headers", |object| {
        for same in delivered(call.request).chunk_by(|left, right| left.0 == right.0) {
            if let Some((name, _)) = same.first().filter(|(name, _)| *name != "cookie") {
                object.joined(name, same.iter().map(|(_, value)| &**value), ",");
            }
        }
    });
}

fn write_query(call: &Call<'_>, event: &mut Object<'_>) {
    let parameters = parameters(&call.request.query);
    if parameters.is_empty() {
        return;
    }
    event.object("queryStringParameters", |object| {
        for same in parameters.chunk_by(|left, right| left.0 == right.0) {
            if let Some((key, _)) = same.first() {
                object.joined(key, same.iter().map(|(_, value)| &**value), ",");
            }
        }
    });
}

fn write_context(call: &Call<'_>, route_key: &str, path: &str, context: &mut Object<'_>) {
    let (state, request) = (call.state, call.request);
    context.string("accountId", state.account_id);
    context.string("apiId", state.api_id);
    context.string("domainName", call.domain_name());
    context.string("domainPrefix", call.domain_prefix());
    context.object("http", |http| {
        http.string("method", &request.method);
        http.string("path", path);
        http.string("protocol", &request.protocol);
        http.string("sourceIp", &request.peer);
        http.string("userAgent", call.user_agent());
    });
    context.string("requestId", call.request_id);
    context.string("routeKey", route_key);
    context.string("stage", state.stage);
    context.string("time", &common_log(request.at_ms));
    context.raw("timeEpoch", &format!("{}", request.at_ms));
}
