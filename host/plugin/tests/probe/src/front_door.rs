//! The parts of AWS's HTTP events that depend on what the contract tells of a request: of REST APIs, load balancers and
//! function URLs.
//!
//! Routes, stages, authorizers and ids of resources are left out: they depend on settings, not on the request.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::bindings::exports::lambkin::http_trigger::http_shaper::{Request, RequestBody};

/// Names and values, in the order of the request.
type Pairs = Vec<(String, String)>;

pub fn event(kind: &str, request: &Request) -> Result<Value, String> {
    match kind {
        "rest" => Ok(rest(request)),
        "alb" => Ok(alb(request, false)),
        "alb-multi-value" => Ok(alb(request, true)),
        "function-url" => Ok(function_url(request)),
        other => Err(format!("{other} is no front end")),
    }
}

/// API Gateway's REST API.
fn rest(request: &Request) -> Value {
    // AWS's proxies write these their own way, whatever the client sent, and do not deliver the others.
    const OWN: [&str; 2] = ["Host", "User-Agent"];
    const DROPPED: [&str; 5] = [
        "connection",
        "content-length",
        "expect",
        "te",
        "transfer-encoding",
    ];
    let sent = request.headers.iter();
    let sent = sent.filter(|header| !DROPPED.contains(&header.name.as_str()));
    let mut headers: Pairs = sent
        .map(|header| {
            let own = OWN
                .iter()
                .find(|own| own.eq_ignore_ascii_case(&header.name));
            let name = own.map_or(header.name_as_sent.as_str(), |own| own);
            (name.to_owned(), header.value.clone())
        })
        .collect();
    for (name, value) in forwarded(request) {
        headers.push((name.to_owned(), value));
    }
    let query = pairs(&request.query, form_decoded);
    let (body, is_base64) = text_or_base64(request, |_| true);
    json!({
        "path": request.path,
        "httpMethod": request.method,
        "headers": null_if_empty(last(&headers)),
        "multiValueHeaders": null_if_empty(all(&headers)),
        "queryStringParameters": null_if_empty(last(&query)),
        "multiValueQueryStringParameters": null_if_empty(all(&query)),
        "requestContext": {
            "domainName": request.authority,
            "httpMethod": request.method,
            "identity": {
                "sourceIp": request.peer,
                "userAgent": header(request, "user-agent"),
            },
            "protocol": request.protocol,
            "requestId": request.id,
            "requestTimeEpoch": request.at_ms,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

/// An Application Load Balancer, with single or with multiple values.
fn alb(request: &Request, multi_value: bool) -> Value {
    let mut headers = in_lower_case(request);
    for (name, value) in forwarded(request) {
        headers.push((name.to_ascii_lowercase(), value));
    }
    let query = pairs(&request.query, str::to_owned);
    let is_text = |kind: &str| header(request, "content-encoding").is_none() && is_text(kind);
    let (body, is_base64) = text_or_base64(request, is_text);
    let mut event = json!({
        "httpMethod": request.method,
        "path": request.path,
        "body": body.unwrap_or_default(),
        "isBase64Encoded": is_base64,
    });
    if multi_value {
        event["multiValueQueryStringParameters"] = all(&query);
        event["multiValueHeaders"] = all(&headers);
    } else {
        event["queryStringParameters"] = last(&query);
        event["headers"] = last(&headers);
    }
    event
}

/// A function URL.
fn function_url(request: &Request) -> Value {
    let mut headers = in_lower_case(request);
    for (name, value) in forwarded(request) {
        headers.push((name.to_ascii_lowercase(), value));
    }
    let cookies: Vec<String> = headers
        .iter()
        .filter(|(name, _)| name == "cookie")
        .flat_map(|(_, value)| value.split("; ").map(str::to_owned))
        .collect();
    let query = pairs(&request.query, form_decoded);
    let (body, is_base64) = text_or_base64(request, is_text);
    let mut event = json!({
        "version": "2.0",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": joined(&headers),
        "requestContext": {
            "domainName": request.authority,
            "http": {
                "method": request.method,
                "path": decoded(&request.path, false),
                "protocol": request.protocol,
                "sourceIp": request.peer,
                "userAgent": header(request, "user-agent"),
            },
            "requestId": request.id,
            "timeEpoch": request.at_ms,
        },
        "isBase64Encoded": is_base64,
    });
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !query.is_empty() {
        event["queryStringParameters"] = joined(&query);
    }
    if let Some(body) = body {
        event["body"] = json!(body);
    }
    event
}

/// The headers that every front end adds.
fn forwarded(request: &Request) -> [(&'static str, String); 4] {
    [
        ("X-Amzn-Trace-Id", request.trace_id.clone()),
        ("X-Forwarded-For", request.peer.clone()),
        ("X-Forwarded-Port", request.port.to_string()),
        ("X-Forwarded-Proto", request.scheme.clone()),
    ]
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut headers = request.headers.iter();
    let found = headers.find(|header| header.name == name)?;
    Some(&found.value)
}

fn in_lower_case(request: &Request) -> Pairs {
    let headers = request.headers.iter();
    headers
        .map(|header| (header.name.clone(), header.value.clone()))
        .collect()
}

/// The text of the body, or its base64 if the content type is not one of text; and which of the two it is.
fn text_or_base64(request: &Request, is_text: impl Fn(&str) -> bool) -> (Option<String>, bool) {
    let kind = header(request, "content-type").unwrap_or_default();
    match &request.body {
        RequestBody::Empty | RequestBody::TooLarge => (None, false),
        RequestBody::Text(text) if is_text(kind) => (Some(text.clone()), false),
        RequestBody::Text(text) => (Some(BASE64_STANDARD.encode(text)), true),
        RequestBody::Binary(bytes) => (Some(BASE64_STANDARD.encode(bytes)), true),
    }
}

fn is_text(kind: &str) -> bool {
    const TEXT: [&str; 3] = [
        "application/json",
        "application/javascript",
        "application/xml",
    ];
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/") || TEXT.contains(&kind)
}

fn pairs(query: &str, decode: impl Fn(&str) -> String) -> Pairs {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn form_decoded(text: &str) -> String {
    decoded(text, true)
}

fn decoded(text: &str, is_form: bool) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = rest.get(1..3).and_then(|two| std::str::from_utf8(two).ok());
        let escaped = hex.and_then(|two| u8::from_str_radix(two, 16).ok());
        rest = after;
        match (byte, escaped) {
            (b'%', Some(escaped)) => {
                bytes.push(escaped);
                rest = &after[2..];
            }
            (b'+', _) if is_form => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The last value of each name.
fn last(pairs: &Pairs) -> Value {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect::<Map<_, _>>()
        .into()
}

/// All values of each name.
fn all(pairs: &Pairs) -> Value {
    let mut all = Map::new();
    for (name, value) in pairs {
        let values = all.entry(name.as_str()).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(json!(value));
        }
    }
    all.into()
}

/// All values of each name, with commas between them.
fn joined(pairs: &Pairs) -> Value {
    let mut all = Map::<String, Value>::new();
    for (name, value) in pairs {
        let before = all.get(name).and_then(Value::as_str);
        let value = before.map_or(value.clone(), |before| format!("{before},{value}"));
        all.insert(name.clone(), json!(value));
    }
    all.into()
}

fn null_if_empty(map: Value) -> Value {
    match map {
        Value::Object(map) if map.is_empty() => Value::Null,
        map => map,
    }
}
