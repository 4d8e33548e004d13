//! Events of front ends that Lambkin does not have built in, made by a plugin from real requests and compared with what
//! AWS made of the same requests.
//!
//! The recordings are from July 2026 (REST API, load balancer and function URL in front of the same function) and from
//! LocalStack's tests against AWS. Compared is what depends on the contract; routes, stages and ids of resources depend
//! on settings. The probe of `host/plugin/tests/probe` plays each front end.

use serde_json::{Value, json};

use crate::support::{Project, Server, raw};

/// A request over HTTP/1.1 with the names as curl has them over HTTP/2.
const CURL: &str = "POST /capture/space%20value?repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&\
    literalPlus=a+b&encodedPlus=a%2Bb&empty= HTTP/1.1\r\n\
    Host: api.test\r\n\
    user-agent: curl/8.7.1\r\n\
    accept: */*\r\n\
    content-type: application/json\r\n\
    cookie: session=abc123; theme=dark\r\n\
    x-voker-probe: first\r\n\
    x-voker-probe: second\r\n\
    x-amzn-trace-id: Root=1-6a5145a8-536f3e792f6be9b44c1f46fa\r\n\
    Connection: close\r\n\
    Content-Length: 66\r\n\r\n\
    {\"message\":\"hello from the public internet\",\"unicode\":\"lambda-\u{3bb}\"}";

fn server() -> Server {
    Project::scripted("").serve()
}

/// The event that the front end makes of a request, which is given without the header that selects the front end.
#[track_caller]
fn event(server: &Server, front_door: &str, request: &[u8]) -> Value {
    let script = json!([{ "invoke": { "function": "echo", "front-door": front_door } }]);
    let line = request
        .windows(2)
        .position(|two| two == b"\r\n")
        .expect("a line")
        + 2;
    let (first, rest) = request.split_at(line);
    let script = format!("script: {script}\r\n");
    let reply = raw(
        server.trigger_url("web"),
        &[first, script.as_bytes(), rest].concat(),
    );
    assert_eq!(reply.status, 200, "{}", reply.text());
    let mut event = reply.json()["outcomes"][0]["value"].clone();
    for headers in ["headers", "multiValueHeaders"] {
        if let Some(headers) = event.get_mut(headers).and_then(Value::as_object_mut) {
            headers.remove("script");
        }
    }
    event
}

/// Compares the fields of a recorded event with those of the event that was made.
#[track_caller]
fn assert_made(made: &Value, recorded: &Value) {
    for (name, value) in recorded.as_object().unwrap() {
        let is_nested = name == "requestContext" || name == "http" || name == "identity";
        if is_nested {
            assert_made(&made[name], value);
        } else {
            assert_eq!(&made[name], value, "{name}");
        }
    }
}

fn port(server: &Server) -> String {
    let url = server.trigger_url("web");
    url.rsplit(':').next().unwrap().to_owned()
}

#[test]
fn a_rest_api() {
    let server = server();
    let trace = "Root=1-6a5145a8-536f3e792f6be9b44c1f46fa";
    let body = CURL.split_once("\r\n\r\n").unwrap().1;
    // Host, User-Agent and the names that AWS adds are in its own spelling, the others in the client's.
    let made = event(
        &server,
        "rest",
        CURL.replace("x-amzn-trace-id", "X-Amzn-Trace-Id")
            .as_bytes(),
    );
    assert_made(
        &made,
        &json!({
            "path": "/capture/space%20value",
            "httpMethod": "POST",
            "headers": {
                "Host": "api.test",
                "User-Agent": "curl/8.7.1",
                "X-Amzn-Trace-Id": trace,
                "X-Forwarded-For": "127.0.0.1",
                "X-Forwarded-Port": port(&server),
                "X-Forwarded-Proto": "http",
                "accept": "*/*",
                "content-type": "application/json",
                "cookie": "session=abc123; theme=dark",
                "x-voker-probe": "second",
            },
            "queryStringParameters": {
                "empty": "",
                "encodedPlus": "a+b",
                "literalPlus": "a b",
                "redirect": "https://example.com/a/b",
                "repeat": "two",
            },
            "multiValueQueryStringParameters": {
                "empty": [""],
                "encodedPlus": ["a+b"],
                "literalPlus": ["a b"],
                "redirect": ["https://example.com/a/b"],
                "repeat": ["one", "two"],
            },
            "requestContext": {
                "domainName": "api.test",
                "httpMethod": "POST",
                "identity": { "sourceIp": "127.0.0.1", "userAgent": "curl/8.7.1" },
                "protocol": "HTTP/1.1",
            },
            "body": body,
            "isBase64Encoded": false,
        }),
    );
    assert_eq!(
        made["multiValueHeaders"]["x-voker-probe"],
        json!(["first", "second"])
    );
    assert_eq!(
        made["multiValueHeaders"]["cookie"],
        json!(["session=abc123; theme=dark"])
    );
}

#[test]
fn a_rest_api_keeps_the_spelling_of_custom_names_and_repeated_headers() {
    let server = server();
    let request = b"GET /test%2Balias@gmail.com/plus/test+alias@gmail.com HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\
        tEsT-HEADeR: aValue\r\nAuthorization: random-value\r\nMulti-Value: one\r\nmulti-VALUE: two\r\nAccept-Encoding: gzip, deflate\r\n\r\n";
    let made = event(&server, "rest", request);
    assert_eq!(
        made["path"],
        "/test%2Balias@gmail.com/plus/test+alias@gmail.com"
    );
    let headers = &made["headers"];
    assert_eq!(headers["tEsT-HEADeR"], "aValue");
    assert_eq!(headers["Authorization"], "random-value");
    assert_eq!(headers["Accept-Encoding"], "gzip, deflate");
    assert_eq!(
        made["multiValueHeaders"]["Multi-Value"],
        json!(["one", "two"])
    );
    assert_eq!(headers["Multi-Value"], "two");
    assert_made(
        &made,
        &json!({
            "queryStringParameters": null,
            "multiValueQueryStringParameters": null,
            "body": null,
            "isBase64Encoded": false,
        }),
    );
}

#[test]
fn a_rest_api_keeps_slashes_and_a_path_that_no_url_library_takes() {
    let server = server();
    for path in [
        "/proxy//value/",
        "/a/Summer%20Sale",
        "/pa2%Fth/1",
        "/<a>/\"b\"",
        "/gr\u{fc}n",
    ] {
        let request = format!(
            "GET {path}?redirect=%3C HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n"
        );
        let made = event(&server, "rest", request.as_bytes());
        assert_eq!(made["path"], path);
        assert_eq!(made["queryStringParameters"], json!({ "redirect": "<" }));
    }
}

#[test]
fn a_rest_api_with_a_binary_body() {
    let server = server();
    let request = b"POST / HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\nContent-Type: image/png\r\nContent-Length: 6\r\n\r\n\x89PNG\r\n";
    let made = event(&server, "rest", request);
    assert_made(
        &made,
        &json!({ "body": "iVBORw0K", "isBase64Encoded": true }),
    );
    assert_eq!(made["headers"]["Content-Type"], "image/png");
}

#[test]
fn a_load_balancer_with_multiple_values() {
    let server = server();
    let made = event(&server, "alb-multi-value", CURL.as_bytes());
    assert_made(
        &made,
        &json!({
            "httpMethod": "POST",
            "path": "/capture/space%20value",
            "multiValueQueryStringParameters": {
                "empty": [""],
                "encodedPlus": ["a%2Bb"],
                "literalPlus": ["a+b"],
                "redirect": ["https%3A%2F%2Fexample.com%2Fa%2Fb"],
                "repeat": ["one", "two"],
            },
            "body": CURL.split_once("\r\n\r\n").unwrap().1,
            "isBase64Encoded": false,
        }),
    );
    let headers = &made["multiValueHeaders"];
    for (name, values) in [
        ("accept", json!(["*/*"])),
        ("content-length", json!(["66"])),
        ("cookie", json!(["session=abc123; theme=dark"])),
        ("host", json!(["api.test"])),
        ("x-forwarded-for", json!(["127.0.0.1"])),
        ("x-forwarded-port", json!([port(&server)])),
        ("x-forwarded-proto", json!(["http"])),
        ("x-voker-probe", json!(["first", "second"])),
    ] {
        assert_eq!(headers[name], values, "{name}");
    }
    assert!(made.get("headers").is_none() && made.get("queryStringParameters").is_none());
}

#[test]
fn a_load_balancer_with_single_values() {
    let server = server();
    let request = CURL.replace("x-voker-probe", "X-Voker-Probe").replace(
        "content-type: application/json",
        "Content-Type: application/x-www-form-urlencoded",
    );
    let made = event(&server, "alb", request.as_bytes());
    assert_eq!(made["queryStringParameters"]["repeat"], "two");
    assert_eq!(made["headers"]["x-voker-probe"], "second");
    assert_eq!(
        made["isBase64Encoded"], true,
        "AWS sends forms to functions as base64"
    );
    let empty = event(&server, "alb", b"GET /health HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n");
    assert_made(
        &empty,
        &json!({ "path": "/health", "queryStringParameters": {}, "body": "", "isBase64Encoded": false }),
    );
    assert_eq!(empty["headers"]["user-agent"], "ELB-HealthChecker/2.0");
}

#[test]
fn a_function_url() {
    let server = server();
    let made = event(&server, "function-url", CURL.as_bytes());
    assert_made(
        &made,
        &json!({
            "version": "2.0",
            "rawPath": "/capture/space%20value",
            "rawQueryString": "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty=",
            "cookies": ["session=abc123", "theme=dark"],
            "queryStringParameters": {
                "empty": "",
                "encodedPlus": "a+b",
                "literalPlus": "a b",
                "redirect": "https://example.com/a/b",
                "repeat": "one,two",
            },
            "requestContext": {
                "domainName": "api.test",
                "http": {
                    "method": "POST",
                    "path": "/capture/space value",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "curl/8.7.1",
                },
            },
            "body": CURL.split_once("\r\n\r\n").unwrap().1,
            "isBase64Encoded": false,
        }),
    );
    assert_eq!(made["headers"]["x-voker-probe"], "first,second");
    assert_eq!(made["headers"]["cookie"], "session=abc123; theme=dark");
    assert_eq!(made["headers"]["x-forwarded-proto"], "http");
}

#[test]
fn a_function_url_with_a_path_that_is_no_valid_encoding_and_a_binary_body() {
    let server = server();
    let request = b"POST /pa2%Fth/1 HTTP/1.1\r\nHost: url.test\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 3\r\n\r\nabc";
    let made = event(&server, "function-url", request);
    assert_made(
        &made,
        &json!({
            "rawPath": "/pa2%Fth/1",
            "rawQueryString": "",
            "requestContext": { "http": { "path": "/pa2%Fth/1", "method": "POST" } },
            "body": "YWJj",
            "isBase64Encoded": true,
        }),
    );
    assert!(made.get("queryStringParameters").is_none() && made.get("cookies").is_none());
    let empty = event(
        &server,
        "function-url",
        b"GET / HTTP/1.1\r\nHost: url.test\r\nConnection: close\r\n\r\n",
    );
    assert!(empty.get("body").is_none());
}
