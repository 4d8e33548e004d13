//! `InvokeWithResponseStream` through AWS's own SDKs, which decode and check every frame.

use serde_json::{Value, json};

use crate::sdk_clients::{with_node, with_python};
use crate::support::{Project, Server, request};

/// Makes the calls with each installed SDK and asserts that each response contains the expected members.
#[track_caller]
fn check(server: &Server, table: &[(Value, Value)]) {
    let calls: Vec<Value> = table
        .iter()
        .map(|(input, _)| json!({ "operation": "InvokeWithResponseStream", "input": input }))
        .collect();
    for answers in [
        with_python("operations.py", server, &calls),
        with_node("operations.cjs", server, &calls),
    ] {
        let Ok(answers) = answers else { continue };
        for ((input, expected), answer) in table.iter().zip(&answers) {
            for (key, value) in expected.as_object().unwrap() {
                assert_eq!(&answer[key], value, "{key} of {input}: {answer}");
            }
        }
    }
}

#[test]
fn a_response_arrives_as_chunks_and_one_completion_event() {
    let server = Project::echo("timeout = 30").serve();
    let long = format!("\"{}\"", "x".repeat(65_536 + 98));
    check(
        &server,
        &[
            (
                json!({ "FunctionName": "echo", "Payload": "{\"n\":\"Zoë\"}" }),
                json!({
                    "EventStream": { "Payload": "{\"n\":\"Zoë\"}", "Chunks": 1, "InvokeCompletes": [{}] },
                    "ExecutedVersion": "$LATEST",
                    "ResponseStreamContentType": "application/vnd.amazon.eventstream",
                }),
            ),
            (
                json!({ "FunctionName": "echo:$LATEST", "Payload": "{\"size\":65636}" }),
                json!({ "EventStream": { "Payload": long, "Chunks": 2, "InvokeCompletes": [{}] } }),
            ),
        ],
    );
}

#[test]
fn a_failure_is_reported_in_the_completion_event() {
    let server = Project::echo("").serve();
    let details = r#"{"errorMessage":"no luck","errorType":"Fixture.Ordered","stackTrace":[]}"#;
    let end = json!({ "ErrorCode": "Unhandled", "ErrorDetails": details });
    check(
        &server,
        &[(
            json!({ "FunctionName": "echo", "Payload": "{\"error\":\"no luck\"}" }),
            json!({ "EventStream": { "Payload": "", "Chunks": 0, "InvokeCompletes": [end] } }),
        )],
    );
}

#[test]
fn a_log_tail_is_in_the_completion_event() {
    let server = Project::echo("").serve();
    let input = json!({ "FunctionName": "echo", "LogType": "Tail", "Payload": "1" });
    let call = json!({ "operation": "InvokeWithResponseStream", "input": input });
    let Ok(answers) = with_python("operations.py", &server, &[call]) else {
        return;
    };
    let end = &answers[0]["EventStream"]["InvokeCompletes"][0];
    // "START RequestId" in base64.
    let log = end["LogResult"].as_str().unwrap();
    assert!(log.starts_with("U1RBUlQgUmVxdWVzdElk"), "{log}");
}

#[test]
fn an_invalid_request_gets_an_ordinary_error_response() {
    let server = Project::echo("").serve();
    let input = json!({ "FunctionName": "nobody" });
    check(
        &server,
        &[
            (
                input,
                json!({ "code": "ResourceNotFoundException", "status": 404 }),
            ),
            (
                json!({ "FunctionName": "echo", "Payload": "{" }),
                json!({ "code": "InvalidRequestContentException", "status": 400 }),
            ),
            (
                json!({ "FunctionName": "echo", "InvocationType": "Event" }),
                json!({ "code": "ValidationException", "status": 400 }),
            ),
        ],
    );
    let path = "/2021-11-15/functions/echo/response-streaming-invocations";
    let dry_run = [("x-amz-invocation-type", "DryRun")];
    let reply = request(server.invoke_url(), "POST", path, &dry_run, b"");
    assert_eq!((reply.status, reply.body.len()), (204, 0));
}

#[test]
fn a_caller_that_disconnects_leaves_the_function_usable() {
    let server = Project::echo("timeout = 30").serve();
    let path = "/2021-11-15/functions/echo/response-streaming-invocations";
    let event = r#"{"size":6000000}"#;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{event}",
        event.len()
    );
    let address = server.invoke_url().trim_start_matches("http://").to_owned();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    let mut first = [0; 100];
    std::io::Read::read_exact(&mut stream, &mut first).unwrap();
    assert!(first.starts_with(b"HTTP/1.1 200 OK\r\n"));
    drop(stream);
    let reply = server.invoke("echo", r#"{"tell":"served"}"#);
    assert_eq!(reply.json(), json!(2), "by the same process");
}
