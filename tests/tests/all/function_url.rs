//! Lambda function URLs: the event, responses as AWS infers them, and responses that are streamed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Project, RAW_BOOTSTRAP, Reply, Server};

/// A function behind a URL with these settings. The body of a request has its orders; without any, it returns the
/// event.
fn url(settings: &str) -> Project {
    url_with("RAW_BOOTSTRAP_ORDERS", settings)
}

/// A function that uses the body of a request as this variable of the raw bootstrap says.
fn url_with(variable: &str, settings: &str) -> Project {
    Project::new(&format!(
        "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\ntimeout = 30\n\
         environment = {{ {variable} = \"body\" }}\n\
         [triggers.web]\nplugin = \"function-url\"\nlisten = \"127.0.0.1:0\"\nfunction = \"echo\"\n{settings}"
    ))
}

const STREAMED: &str = "invoke-mode = \"RESPONSE_STREAM\"\n";

const INTEGRATION_RESPONSE: &str = "application/vnd.awslambda.http-integration-response";

#[track_caller]
fn order(server: &Server, orders: &Value) -> Reply {
    let headers = [("content-type", "application/json")];
    server.web("POST", "/", &headers, orders.to_string().as_bytes())
}

#[test]
fn every_request_invokes_the_function_with_the_event_of_a_url() {
    let server = url("").serve();
    let headers = [("Cookie", "a=1; b=2"), ("X-Thing", "one")];
    let reply = server.web("PUT", "/any/p%20th?x=a+b&x=2", &headers, b"");
    assert_eq!(reply.status, 200);
    let event = reply.json();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "$default");
    assert_eq!(event["rawPath"], "/any/p%20th");
    assert_eq!(event["requestContext"]["http"]["path"], "/any/p th");
    assert_eq!(event["queryStringParameters"], json!({ "x": "a b,2" }));
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["headers"]["cookie"], "a=1; b=2");
    assert_eq!(event["headers"].get("content-length"), None);
    let context = &event["requestContext"];
    assert_eq!(context["accountId"], "anonymous");
    assert_eq!(context["apiId"], "web00000000000000000000000000000");
    let request_id = reply.header("x-amzn-requestid");
    assert_eq!(context["requestId"].as_str(), request_id);
    let as_written = |(name, _): &(String, String)| name == "x-amzn-RequestId";
    assert!(reply.headers.iter().any(as_written), "{reply:?}");
    server.log_with(&format!("START RequestId: {}", request_id.unwrap()));
}

#[test]
fn a_result_becomes_the_response_as_on_aws() {
    let server = url_with("RAW_BOOTSTRAP_RETURN", "").serve();
    let answer = |result: &str| {
        let headers = [("content-type", "application/json")];
        server.web("POST", "/", &headers, result.as_bytes())
    };
    for (result, status, text) in [
        (r#"{"hello": "world"}"#, 200, r#"{"hello":"world"}"#),
        (r#""hello""#, 200, "hello"),
        (
            r#"{"statusCode":"404","body":"{\"a\": 1}"}"#,
            404,
            r#"{"a": 1}"#,
        ),
        (r#"{"statusCode":"none"}"#, 502, "Internal Server Error"),
    ] {
        let reply = answer(result);
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (status, text),
            "{result}"
        );
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{result}"
        );
    }
    server.log_with("`statusCode` is a string, and has to be an integer from 200 to 599");
    let reply = answer(
        r#"{"statusCode":200,"headers":{"Date":"never","X-A":"b"},"cookies":["a=1","b=2"]}"#,
    );
    assert_eq!(reply.headers_named("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(reply.header("x-amzn-remapped-date"), Some("never"));
    assert_eq!(reply.header("x-a"), Some("b"));
}

#[test]
fn failures_and_limits_have_the_answers_of_a_url() {
    let server = url("").serve();
    let failed = order(&server, &json!({ "error": "secret" }));
    assert_eq!(
        (failed.status, failed.text().as_str()),
        (502, "Internal Server Error")
    );
    let large = vec![b'x'; 6 * 1024 * 1024 + 1];
    let headers = [("content-type", "text/plain")];
    let too_large = server.web("POST", "/", &headers, &large);
    assert_eq!(too_large.status, 413);
    assert_eq!(
        too_large.header("x-amzn-errortype"),
        Some("RequestTooLargeException")
    );
    // Base64 makes a third more of it.
    let grown = server.web("POST", "/", &[], &large[..5 * 1024 * 1024]);
    assert_eq!(grown.status, 413);
    server.log_with("of which Lambda allows 6291456: the function was not invoked");
    assert_eq!(order(&server, &json!({ "size": 2 })).status, 200);
}

#[test]
fn a_throttled_call_is_a_429() {
    let server = Project::new(&format!(
        "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\nreserved-concurrency = 0\n\
         [triggers.web]\nplugin = \"function-url\"\nlisten = \"127.0.0.1:0\"\nfunction = \"echo\"\n"
    ))
    .serve();
    let reply = server.web("GET", "/", &[], b"");
    assert_eq!(reply.status, 429);
    assert_eq!(
        reply.header("x-amzn-errortype"),
        Some("TooManyRequestsException")
    );
}

#[test]
fn a_url_with_iam_refuses_requests_that_are_not_signed() {
    let server = url("auth-type = \"AWS_IAM\"\n").serve();
    let refused = server.web("GET", "/", &[], b"");
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.header("x-amzn-errortype"),
        Some("AccessDeniedException")
    );
    assert!(
        refused.json()["Message"]
            .as_str()
            .unwrap()
            .starts_with("Forbidden. ")
    );
    let signature = "AWS4-HMAC-SHA256 Credential=AKID/20261128/us-east-1/lambda/aws4_request, \
        SignedHeaders=host;x-amz-date, Signature=ab12";
    let event = server
        .web("GET", "/", &[("authorization", signature)], b"")
        .json();
    let context = &event["requestContext"];
    assert_eq!(context["accountId"], "123456789012");
    assert_eq!(context["authorizer"]["iam"]["accessKey"], "AKID");
}

#[test]
fn the_host_of_another_url_invokes_nothing() {
    let own = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws";
    let server = url(&format!("host-names = ['{own}']\n")).serve();
    let get = |host: &str| server.web("GET", "/", &[("host", host)], b"");
    assert_eq!(get(own).status, 200);
    // AWS: 403 with {"Message":null}, which says nothing of the host.
    let other = get(&own.replace("abc", "xyz"));
    assert_eq!(other.status, 404, "{other:?}");
    assert!(other.text().contains(own), "{other:?}");
}

#[test]
fn a_url_with_cors_answers_preflight_requests_itself() {
    let server =
        url("cors = { allow-origins = [\"https://a.example\"], allow-methods = [\"*\"] }\n")
            .serve();
    let headers = [
        ("origin", "https://a.example"),
        ("access-control-request-method", "PUT"),
    ];
    let preflight = server.web("OPTIONS", "/", &headers, b"");
    assert_eq!((preflight.status, preflight.text().as_str()), (200, ""));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("*"));
    let reply = server.web("GET", "/", &headers[..1], b"");
    let allowed = reply.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://a.example"));
    assert!(!server.log().contains("OPTIONS"));
}

#[test]
fn a_prelude_gives_status_headers_and_cookies() {
    let server = url(STREAMED).serve();
    // The zeros are in two pieces.
    let reply = order(
        &server,
        &json!({ "stream": { "content_type": INTEGRATION_RESPONSE, "pieces": [
            "{\"statusCode\":201,\"headers\":{\"X-A\":\"b\"},\"cookies\":[\"a=1\",\"b=2\"]}\0\0\0",
            "\0\0\0\0\0one\0\0\0\0\0\0\0\0", "two",
        ] } }),
    );
    assert_eq!(reply.status, 201);
    assert_eq!(reply.header("x-a"), Some("b"));
    assert_eq!(reply.headers_named("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(
        reply.header("content-type"),
        Some("application/octet-stream")
    );
    let text = reply.text();
    assert!(
        text.contains("one\0\0\0\0\0\0\0\0") && text.contains("two"),
        "{text:?}"
    );
    assert!(!text.contains("statusCode"), "{text:?}");
}

#[test]
fn a_function_that_streams_to_a_buffered_url_is_collected_with_its_prelude() {
    let server = url("").serve();
    let prelude = "{\"statusCode\":201}\0\0\0\0\0\0\0\0";
    let reply = order(
        &server,
        &json!({ "stream": { "content_type": INTEGRATION_RESPONSE, "pieces": [prelude, "one", " two"] } }),
    );
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text(), format!("{prelude}one two"));
    server.log_with(
        "function echo: the function streams its response, and `invoke-mode` is `BUFFERED`",
    );
}

#[test]
fn a_stream_without_a_prelude_has_the_type_of_the_runtime() {
    let server = url(STREAMED).serve();
    for (content_type, expected) in [
        (json!("text/event-stream"), "text/event-stream"),
        (Value::Null, "application/octet-stream"),
    ] {
        let reply = order(
            &server,
            &json!({ "stream": { "content_type": content_type, "pieces": ["data: 1\n\n"] } }),
        );
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), Some(expected));
        assert!(reply.text().contains("data: 1\n\n"), "{reply:?}");
    }
}

#[test]
fn a_stream_fails_with_502_before_its_first_byte_and_with_a_cut_connection_after_it() {
    let server = url(STREAMED).serve();
    for orders in [
        json!({ "error": "secret" }),
        json!({ "stream": { "content_type": INTEGRATION_RESPONSE, "pieces": ["<html>\0\0\0\0\0\0\0\0"] } }),
        json!({ "stream": { "content_type": INTEGRATION_RESPONSE, "pieces": ["{\"statusCode\":1}\0\0\0\0\0\0\0\0rest"] } }),
        json!({ "stream": { "content_type": INTEGRATION_RESPONSE, "pieces": ["{"] } }),
    ] {
        let reply = order(&server, &orders);
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (502, "Internal Server Error"),
            "{orders}"
        );
    }
    let failure = json!({ "trailers": ["Function.Bad", ""] });
    let cut = order(
        &server,
        &json!({ "stream": { "pieces": ["one"], "failure": failure } }),
    );
    assert_eq!(cut.status, 200);
    assert!(
        cut.text().contains("one") && !cut.text().contains("\r\n0\r\n"),
        "{cut:?}"
    );
    assert_eq!(order(&server, &json!({ "size": 2 })).status, 200);
}

#[test]
fn streamed_bytes_reach_the_client_as_the_function_writes_them() {
    let project = url(STREAMED);
    let server = project.serve();
    let gate = project.path().join("gate");
    let orders = json!({ "stream": { "pieces": ["first", "last"], "wait_for": gate } }).to_string();
    let address = server.trigger_url("web").trim_start_matches("http://");
    let mut client = TcpStream::connect(address).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let head =
        "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{orders}", orders.len());
    client.write_all(request.as_bytes()).unwrap();
    // The function writes the last piece only after the client has read the first one.
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("first") {
        let mut some = [0; 4096];
        let count = client.read(&mut some).unwrap();
        assert!(count > 0, "{:?}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&some[..count]);
    }
    project.file("gate", "");
    client.read_to_end(&mut read).unwrap();
    let text = String::from_utf8_lossy(&read);
    assert!(
        text.contains("last") && text.ends_with("0\r\n\r\n"),
        "{text:?}"
    );
}

#[test]
fn a_streaming_url_passes_on_a_whole_result_as_it_is() {
    let server = url(STREAMED).serve();
    let reply = order(&server, &json!({ "size": 4 }));
    assert_eq!((reply.status, reply.text().as_str()), (200, "\"xx\""));
}

#[test]
fn mistakes_in_the_settings_are_reported_at_their_place() {
    let text = url("invoke-mode = \"STREAM\"\ntimeout = 3\n").refusal();
    for expected in [
        "triggers.web.invoke-mode: this must be \"BUFFERED\" or \"RESPONSE_STREAM\", not \"STREAM\"",
        "triggers.web.timeout: a function URL has no timeout: the function's own timeout applies",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}
