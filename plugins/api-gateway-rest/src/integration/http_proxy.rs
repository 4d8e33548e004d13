//! The integration `HTTP_PROXY`: the request goes to a URL, and its response to the client.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::apigw_id::request_id;
use http_event::contract::{Ending, Fetch, Response, ResponseBody, Step, WARNING};
use http_event::percent::encode;
use http_event::response::with_headers;
use serde_json::Value;

use super::content;
use super::mapping::Source;
use super::scope;
use crate::event::Context;
use crate::gateway_response::{About, GatewayResponse};
use crate::respond::HEADERS;
use crate::state::State;
use crate::token::{Kind, Token};

/// Headers of a request that are those of one connection, or that the host sets.
const OF_CONNECTION: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The largest body that the host sends, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// The longest URL that the host sends, in bytes.
const MAX_URL: usize = 8 * 1024;

/// The step for a request. `detail` has the settings of the integration.
pub fn begin(context: &Context<'_>, detail: &Value, timeout_ms: u32) -> Step {
    let request = context.request;
    let about = context.about();
    let refuse = |failure: GatewayResponse, what: &str| {
        let mut response = failure.answer(context);
        // In place of the note.
        response.extra = Vec::from([(WARNING.to_owned(), what.to_owned())]);
        Step::Reply(response)
    };
    let Ok(body) = content::of_request(context.state, request, detail) else {
        let what = "the body is not Base64, which the integration's `content-handling` decodes";
        return refuse(GatewayResponse::ApiConfigurationError, what);
    };
    if body.len() > MAX_BODY {
        let what = "Lambkin sends bodies of up to 1 MiB to the server of an HTTP_PROXY integration";
        return refuse(GatewayResponse::RequestTooLarge, what);
    }
    let text = |key: &str| detail.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut url = text("uri").to_owned();
    let values = scope::context(context);
    let variables = scope::stage_variables(context);
    if let vtl::Value::Map(map) = &variables {
        for (name, value) in map.borrow().entries() {
            url = url.replace(&format!("${{stageVariables.{name}}}"), &value.to_string());
        }
    }
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .filter(|header| !OF_CONNECTION.contains(&header.name.as_str()))
        .map(|header| (header.name_as_sent.clone(), header.value.clone()))
        .collect();
    let mut query = request.query.clone();
    let parameters = detail.get("parameters").and_then(Value::as_object);
    for (target, source) in parameters.into_iter().flatten() {
        let target = target.strip_prefix("integration.request.");
        let source = source.as_str().and_then(Source::of_request);
        let (Some((place, name)), Some(source)) =
            (target.and_then(|target| target.split_once('.')), source)
        else {
            continue;
        };
        let value = match source {
            // The encoding of a path stays as it is, as its slashes would become others.
            Source::Parameter("path", own) if place == "path" => {
                let mut all = context.found.parameters.iter();
                let found = all.find(|(key, _)| *key == own);
                found.map(|(_, value)| (*value).to_owned())
            }
            source => source.value(context, &values, &variables),
        };
        match (place, value) {
            ("path", value) => {
                let value = value.unwrap_or_default();
                url = url.replace(&format!("{{{name}}}"), &value);
            }
            (_, None) => {}
            ("header", Some(value)) => {
                headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                headers.push((name.to_owned(), value));
            }
            (_, Some(value)) => {
                if !query.is_empty() {
                    query.push('&');
                }
                query.push_str(&format!("{name}={}", encode(&value)));
            }
        }
    }
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-amzn-trace-id"));
    headers.push(("X-Amzn-Trace-Id".to_owned(), request.trace_id.clone()));
    headers.push((
        "x-amzn-apigateway-api-id".to_owned(),
        context.state.api.id.to_owned(),
    ));
    if !query.is_empty() {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&query);
    }
    let url = legal(&url);
    if url.len() > MAX_URL {
        let what = "Lambkin sends URLs of up to 8 KiB to the server of an HTTP_PROXY integration";
        return refuse(GatewayResponse::UriTooLong, what);
    }
    let method = match text("method") {
        "ANY" => context.method,
        method => method,
    };
    let token = Token {
        kind: Kind::Http,
        context: &about,
        ..Token::new(context.state, request)
    };
    Step::Fetch(Fetch {
        url,
        method: method.to_owned(),
        headers,
        body: body.into_owned(),
        max_wait_ms: timeout_ms,
        cache: None,
        token: token.write(),
        with_request: context.state.needs_request(),
        extra: Vec::new(),
    })
}

/// A URL without characters that it must not have, which clients do send: they are percent-encoded.
fn legal(url: &str) -> String {
    let mut text = String::with_capacity(url.len());
    for char in url.chars() {
        match char {
            '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => {
                text.push_str(&encode(char.encode_utf8(&mut [0; 4])))
            }
            '!'..='~' => text.push(char),
            char => text.push_str(&encode(char.encode_utf8(&mut [0; 4]))),
        }
    }
    text
}

/// The response for the ending of the fetch.
pub fn finish(state: &State<'_>, token: &Token<'_>, ending: Ending, about: About<'_>) -> Response {
    let fail = |failure: GatewayResponse| failure.response(state, about);
    let fetched = match ending {
        Ending::Fetched(fetched) => fetched,
        Ending::Expired => return fail(GatewayResponse::IntegrationTimeout),
        Ending::Unavailable(reason) => {
            let mut response = fail(GatewayResponse::IntegrationFailure);
            let text = format!(
                "{reason}; a REST API of API Gateway returns {}",
                response.status
            );
            response.extra.push((WARNING.to_owned(), text));
            return response;
        }
        _ => return fail(GatewayResponse::IntegrationFailure),
    };
    let body = match fetched.body.is_empty() {
        true => ResponseBody::Empty,
        false => ResponseBody::Binary(fetched.body),
    };
    let response = Response::new(fetched.status, body);
    let mut response = match with_headers(response, fetched.headers, HEADERS) {
        Ok(response) => response,
        Err(_) => return fail(GatewayResponse::IntegrationFailure),
    };
    response.push_header("x-amzn-RequestId", token.request_id);
    response.push_header("x-amz-apigw-id", &request_id(token.request_id));
    response.push_header("X-Amzn-Trace-Id", token.trace_id);
    response
}
