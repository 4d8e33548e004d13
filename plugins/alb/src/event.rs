//! The event of a load balancer: path and query as sent, and either single values or lists of them.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::body;
use http_event::contract::{Request, RequestBody};
use http_event::event_2_0::capacity;
use http_event::headers::{self, Header};
use http_event::json::write;
use http_event::values;
use plugin_kit::arn::partition;

use crate::rule::raw_parameters;
use crate::state::{HealthCheck, State};

/// A request that cannot become an event: AWS answers 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotText;

/// Writes the event.
///
/// # Errors
///
/// The body is not UTF-8 although its type is one of text.
pub fn write(state: &State<'_>, request: &Request, function: &str) -> Result<String, NotText> {
    let is_encoded = request.header("content-encoding").next().is_some();
    let is_text = |media_type: &str| !is_encoded && body::is_text_of_http_api(media_type);
    let media_type = request.header("content-type").last();
    if matches!(request.body, RequestBody::Binary(_)) && media_type.is_some_and(is_text) {
        return Err(NotText);
    }
    let mut headers = headers::of_event_without_empty_length(request);
    // Unlike the other front ends, a load balancer passes on this one.
    let connection = request.header("connection");
    headers.extend(connection.map(|value| ("connection", Cow::Borrowed(value))));
    headers.sort_by_key(|(name, _)| *name);
    trace(request, &mut headers);
    Ok(write::object(capacity(request), |event| {
        let target = (request.path.as_str(), request.query.as_str());
        head(event, state, function, &request.method, target, &headers);
        let is_base64 = body::write(request, is_text, event);
        if request.body.as_bytes().is_empty() {
            event.string("body", "");
        }
        event.raw("isBase64Encoded", if is_base64 { "true" } else { "false" });
    }))
}

/// Writes the event of a health check: a request whose only header is the health checker's name.
pub fn of_health_check(state: &State<'_>, check: &HealthCheck<'_>) -> String {
    let target = check.path.split_once('?').unwrap_or((check.path, ""));
    let headers = [("user-agent", Cow::Borrowed("ELB-HealthChecker/2.0"))];
    write::object(512, |event| {
        head(event, state, check.function, "GET", target, &headers);
        event.string("body", "");
        event.raw("isBase64Encoded", "false");
    })
}

/// Writes all but the body. `target` is the path and the query.
fn head(
    event: &mut write::Object<'_>,
    state: &State<'_>,
    function: &str,
    method: &str,
    (path, query): (&str, &str),
    headers: &[Header<'_>],
) {
    event.object("requestContext", |context| {
        context.object("elb", |elb| {
            elb.string("targetGroupArn", &target_group(state, function));
        });
    });
    event.string("httpMethod", method);
    event.string("path", path);
    let query: Vec<_> = sorted(raw_parameters(query));
    if state.multi_value_headers {
        values::write_all(event, "multiValueQueryStringParameters", &query);
        values::write_all(event, "multiValueHeaders", headers);
    } else {
        values::write_last(event, "queryStringParameters", &query);
        values::write_last(event, "headers", headers);
    }
}

/// The values of a key one after the other, keys in order.
fn sorted<'a>(
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<(&'a str, Cow<'a, str>)> {
    let parameters = parameters.map(|(key, value)| (key, Cow::Borrowed(value)));
    let mut parameters: Vec<_> = parameters.collect();
    parameters.sort_by_key(|(key, _)| *key);
    parameters
}

/// A trace that the client began gets the member `Self` of this load balancer.
fn trace(request: &Request, headers: &mut [Header<'_>]) {
    if request.header("x-amzn-trace-id").next().is_none() {
        return;
    }
    let id = request.id.chars().filter(|char| *char != '-').take(24);
    let id: String = id.collect();
    for (name, value) in headers {
        if *name == "x-amzn-trace-id" {
            let others = value.split(';').filter(|field| !field.starts_with("Self="));
            let mut trace = format!("Self=1-{:08x}-{id}", request.at_ms / 1000);
            for field in others {
                trace.push(';');
                trace.push_str(field);
            }
            *value = trace.into();
        }
    }
}

/// The ARN of the target group of a function, which has one each.
fn target_group(state: &State<'_>, function: &str) -> String {
    let State {
        region, account, ..
    } = state;
    format!(
        "arn:{}:elasticloadbalancing:{region}:{account}:targetgroup/{}/{:016x}",
        partition(region),
        function.replace(':', "-"),
        hash(function)
    )
}

/// FNV-1a with 64 bits, for an id that stays the same from start to start.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
