//! API Gateway HTTP APIs: a request is shaped by the plugin and served by a real function process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Project, RAW_BOOTSTRAP, raw};

/// The raw bootstrap returns its event, and API Gateway's response inference makes the event the response body.
const TO_ECHO: &str = "routes = { \"GET /hello/{name}\" = \"echo\", \"$default\" = \"echo\" }";

#[test]
fn a_request_becomes_a_payload_2_0_event_and_its_result_the_response() {
    let server = Project::gateway(TO_ECHO).serve();
    let reply = server.web(
        "GET",
        "/hello/ada%20l?x=1&x=2&y=a%26b",
        &[
            ("X-Thing", "one"),
            ("x-thing", "two"),
            ("cookie", "a=1; b=2"),
        ],
        b"",
    );
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("application/json"))
    );
    let event = reply.json();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "GET /hello/{name}");
    assert_eq!(event["rawPath"], "/hello/ada l");
    assert_eq!(event["rawQueryString"], "x=1&x=2&y=a%26b");
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["headers"]["x-thing"], "one,two");
    assert_eq!(event["headers"].get("cookie"), None);
    assert_eq!(
        event["queryStringParameters"],
        json!({ "x": "1,2", "y": "a&b" })
    );
    assert_eq!(event["pathParameters"], json!({ "name": "ada l" }));
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event.get("body"), None);
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "GET");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(
        context["requestId"].as_str(),
        reply.header("apigw-requestid")
    );
}

/// A function that returns the body of the request as its result.
fn returning() -> Project {
    Project::gateway(
        "function = \"echo\"\n[functions.echo.environment]\nRAW_BOOTSTRAP_RETURN = \"body\"\n",
    )
}

#[test]
fn the_functions_result_becomes_the_response() {
    let project = returning();
    let server = project.serve();
    let answer = |result: &str| {
        server.web(
            "POST",
            "/",
            &[("content-type", "application/json")],
            result.as_bytes(),
        )
    };

    let reply =
        answer(r#"{"statusCode":201,"headers":{"X-A":"1"},"cookies":["s=1","t=2"],"body":"made"}"#);
    assert_eq!((reply.status, reply.text().as_str()), (201, "made"));
    assert_eq!(reply.header("x-a"), Some("1"));
    assert_eq!(reply.headers_named("set-cookie"), ["s=1", "t=2"]);
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );

    let reply = answer(
        r#"{"statusCode":200,"headers":{"content-type":"image/png"},"body":"AAH/","isBase64Encoded":true}"#,
    );
    assert_eq!(reply.body, [0, 1, 0xff]);

    assert_eq!(answer(r#""text""#).text(), "text");
    assert_eq!(answer(r#"{"any":"json"}"#).text(), r#"{"any":"json"}"#);
    let malformed = answer(r#"{"statusCode":"many"}"#);
    assert_eq!(
        (malformed.status, malformed.text().as_str()),
        (500, r#"{"message":"Internal Server Error"}"#)
    );
}

#[test]
fn many_routes_lead_to_many_functions() {
    let function = |name: &str| {
        format!(
            "[functions.{name}]\ncode = \"{RAW_BOOTSTRAP}\"\nenvironment = {{ NAME = \"{name}\" }}\n"
        )
    };
    let project = Project::new(&format!(
        "{}{}{}[triggers.web]\nplugin = \"api-gateway-http\"\nlisten = \"127.0.0.1:0\"\n[triggers.web.routes]\n\
         \"GET /orders/{{id}}\" = \"one\"\n\"ANY /orders/{{proxy+}}\" = \"two\"\n\"$default\" = \"three\"\n",
        function("one"),
        function("two"),
        function("three"),
    ));
    let server = project.serve();
    for (method, path, route) in [
        ("GET", "/orders/7", "GET /orders/{id}"),
        ("PUT", "/orders/7", "ANY /orders/{proxy+}"),
        ("GET", "/orders/7/lines", "ANY /orders/{proxy+}"),
        ("GET", "/", "$default"),
    ] {
        assert_eq!(
            server.web(method, path, &[], b"").json()["routeKey"],
            route,
            "{method} {path}"
        );
    }
    let log = server.log_with("three | END");
    assert_eq!(log.matches("two | START").count(), 2, "{log}");
}

#[test]
fn a_request_without_a_route_gets_a_404_and_invokes_nothing() {
    let server = Project::gateway("routes = { \"GET /a\" = \"echo\" }").serve();
    let reply = server.web("POST", "/a", &[], b"");
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (404, r#"{"message":"Not Found"}"#)
    );
    assert!(!server.log().contains("START"));
}

#[test]
fn a_failed_function_is_a_500_and_a_timeout_is_a_503() {
    let failing = |init: &str| {
        Project::gateway(&format!(
            "function = \"echo\"\ntimeout = 0.3\n[functions.echo.environment]\nRAW_BOOTSTRAP_INIT = '{init}'\n"
        ))
    };
    let reply = failing(r#"{"exit":1}"#).serve().web("GET", "/", &[], b"");
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (500, r#"{"message":"Internal Server Error"}"#)
    );
    let reply = failing(r#"{"sleep_ms":5000}"#)
        .serve()
        .web("GET", "/", &[], b"");
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (503, r#"{"message":"Service Unavailable"}"#)
    );
}

#[test]
fn binary_bodies_are_passed_as_base64() {
    let server = Project::gateway(TO_ECHO).serve();
    let event = server
        .web(
            "POST",
            "/up",
            &[("content-type", "application/octet-stream")],
            &[0, 1, 0xff],
        )
        .json();
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!("AAH/"), &Value::Bool(true))
    );
}

#[test]
fn unusual_bytes_in_path_query_and_headers_break_neither_the_event_nor_the_server() {
    let server = Project::gateway(TO_ECHO).serve();
    let url = server.trigger_url("web");
    let send = |request: &[u8]| {
        raw(
            url,
            &[request, b"connection: close\r\nhost: h\r\n\r\n"].concat(),
        )
    };

    let event = send(b"GET /%ff%zz%2Fx?q=%ff&%zz=1&=&& HTTP/1.1\r\n").json();
    assert_eq!(event["rawQueryString"], "q=%ff&%zz=1&=&&");
    let event = send(b"GET /hello/%E2%98%95 HTTP/1.1\r\nx-latin: caf\xe9\r\n").json();
    assert_eq!(event["pathParameters"]["name"], "\u{2615}");
    assert_eq!(event["headers"]["x-latin"], "caf\u{e9}");
    assert_eq!(send(b"GET /a\x01b HTTP/1.1\r\n").status, 400);
    assert_eq!(send(b"GET / HTTP/1.1\r\nbad header\r\n").status, 400);
    let long = format!("GET / HTTP/1.1\r\nx-long: {}\r\n", "y".repeat(11_000));
    assert_eq!(send(long.as_bytes()).status, 431);
    assert_eq!(server.web("GET", "/fine", &[], b"").status, 200);
}

#[test]
fn a_body_over_ten_mib_is_refused() {
    let server = Project::gateway(TO_ECHO).serve();
    let reply = server.web("POST", "/", &[("content-length", "10485761")], b"");
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (413, r#"{"message":"Request Entity Too Large"}"#)
    );
}

#[test]
fn the_clients_trace_header_reaches_the_event() {
    let server = Project::gateway(TO_ECHO).serve();
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let event = server
        .web("GET", "/", &[("x-amzn-trace-id", trace)], b"")
        .json();
    assert_eq!(event["headers"]["x-amzn-trace-id"], trace);
    let event = server.web("GET", "/", &[], b"").json();
    assert!(
        event["headers"]["x-amzn-trace-id"]
            .as_str()
            .unwrap()
            .starts_with("Root=1-")
    );
}

#[test]
fn a_result_that_the_gateway_refuses_is_explained_in_the_log() {
    let server = returning().serve();
    for (number, (result, expected)) in [
        (
            json!({ "statusCode": 200, "headers": { "x-list": ["a"] } }),
            "`headers.x-list` is a list, and has to be a string",
        ),
        (
            json!({ "statusCode": 200, "body": { "a": 1 } }),
            "`body` is an object, and has to be a string",
        ),
        (
            json!({ "statusCode": 200, "body": "?", "isBase64Encoded": true }),
            "`body` is not valid Base64",
        ),
        (
            json!({ "statusCode": null }),
            "`statusCode` is null, and has to be an integer from 200 to 599",
        ),
        (
            json!({ "statusCode": "ok" }),
            "`statusCode` is a string, and has to be an integer",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/refused/{number}");
        let json = [("content-type", "application/json")];
        let reply = server.web("POST", &path, &json, result.to_string().as_bytes());
        assert_eq!(reply.status, 500, "{result}");
        assert_eq!(reply.text(), r#"{"message":"Internal Server Error"}"#);
        let log = server.log_with(&format!("POST {path}: function echo: {expected}"));
        assert_eq!(log.matches(&path).count(), 1, "{log}");
        assert!(log.contains("$context.integrationErrorMessage"), "{log}");
    }
}

#[test]
fn an_event_that_is_too_large_for_lambda_is_explained_in_the_log() {
    let server = returning().serve();
    let body = vec![b'x'; 7 * 1024 * 1024];
    assert_eq!(server.web("POST", "/large", &[], &body).status, 413);
    let log = server.log_with("POST /large: function echo: the event has ");
    assert!(
        log.contains("bytes, of which Lambda allows 6291456: the function was not invoked"),
        "{log}"
    );
}

#[test]
fn large_requests_succeed_while_all_processors_are_busy() {
    let project = returning();
    let server = project.serve();
    let body = format!(
        "{{\"statusCode\":200,\"body\":\"{}\"}}",
        "é".repeat(125 << 10)
    );
    let done = AtomicBool::new(false);
    let processors = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..3 * processors {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop()
                }
            });
        }
        let json = [("content-type", "application/json")];
        let statuses = (0..60).map(|_| server.web("POST", "/", &json, body.as_bytes()).status);
        let failed: Vec<_> = statuses.filter(|status| *status != 200).collect();
        done.store(true, Ordering::Relaxed);
        assert!(failed.is_empty(), "{failed:?}");
    });
}
