//! Application Load Balancers: events with single values and with lists, listener rules, and error pages.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::support::{Missing, Project, RAW_BOOTSTRAP, Reply, Server, eventually};

/// A function behind a load balancer with these settings, which returns the body of a request as its result.
fn alb(settings: &str) -> Project {
    Project::new(&format!(
        "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\nenvironment = {{ RAW_BOOTSTRAP_RETURN = \"body\" }}\n\
         [triggers.web]\nplugin = \"alb\"\nlisten = \"127.0.0.1:0\"\nfunction = \"echo\"\n{settings}"
    ))
}

/// The response to a result of the function.
#[track_caller]
fn respond(server: &Server, result: &str) -> Reply {
    let headers = [("content-type", "application/json")];
    server.web("POST", "/", &headers, result.as_bytes())
}

/// A function that returns its event as the body of the response.
fn returning_the_event(settings: &str) -> Result<Project, Missing> {
    let trigger =
        "[triggers.web]\nplugin = \"alb\"\nlisten = \"127.0.0.1:0\"\nfunction = \"echo\"\n";
    let script = r#"while next; do
  respond "{\"statusCode\":200,\"isBase64Encoded\":true,\"body\":\"$(base64 -w0 event)\"}"
done
"#;
    Project::bash(&format!("{trigger}{settings}"), script)
}

#[test]
fn an_event_has_path_and_query_as_they_were_sent_and_the_last_value_of_each_name() {
    let Ok(project) = returning_the_event("") else {
        return;
    };
    let server = project.serve();
    let headers = [("X-Twice", "first"), ("X-Twice", "second")];
    let event = server
        .web("GET", "/a%20b?x=1&x=a%2Bb", &headers, b"")
        .json();
    let target_group = event["requestContext"]["elb"]["targetGroupArn"].as_str();
    let prefix = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/echo/";
    assert!(target_group.unwrap().starts_with(prefix), "{event}");
    assert_eq!(event["httpMethod"], "GET");
    assert_eq!(event["path"], "/a%20b");
    assert_eq!(event["queryStringParameters"], json!({ "x": "a%2Bb" }));
    assert_eq!(event["headers"]["x-twice"], "second");
    assert_eq!(event["headers"]["connection"], "close");
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!(""), &json!(false))
    );
    assert_eq!(event.get("multiValueHeaders"), None);
}

#[test]
fn an_event_with_lists_has_all_values_and_no_single_ones() {
    let Ok(project) = returning_the_event("multi-value-headers = true\n") else {
        return;
    };
    let server = project.serve();
    let headers = [("X-Twice", "first"), ("X-Twice", "second")];
    let event = server.web("GET", "/?x=1&x=2", &headers, b"").json();
    assert_eq!(
        event["multiValueHeaders"]["x-twice"],
        json!(["first", "second"])
    );
    assert_eq!(
        event["multiValueQueryStringParameters"],
        json!({ "x": ["1", "2"] })
    );
    assert_eq!(event.get("headers"), None);
    assert_eq!(event.get("queryStringParameters"), None);
}

#[test]
fn a_response_has_exactly_the_types_that_aws_wants() {
    let server = alb("").serve();
    let reply = respond(
        &server,
        r#"{"statusCode":201,"statusDescription":"201 All Right","headers":{"X-A":"b"},"body":"made"}"#,
    );
    assert_eq!((reply.status, reply.text().as_str()), (201, "made"));
    assert_eq!(reply.header("x-a"), Some("b"));
    assert_eq!(
        reply.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(reply.header("server"), Some("awselb/2.0"));
    for (result, reason) in [
        (
            r#"{"statusCode":"200"}"#,
            "`statusCode` is a string, and has to be a number",
        ),
        (
            r#"{"statusCode":200,"headers":{"x":1}}"#,
            "`headers.x` is a number, and has to be a string",
        ),
        (
            r#"{"statusCode":200,"body":null}"#,
            "`body` is null; leave it out instead",
        ),
        (r#""hello""#, "the function's result is not a JSON object"),
    ] {
        let reply = respond(&server, result);
        assert_eq!(reply.status, 502, "{result}");
        assert_eq!(reply.body.len(), 122, "{result}");
        server.log_with(reason);
    }
}

#[test]
fn the_reason_phrase_is_that_of_the_status_description() {
    let server = alb("").serve();
    let url = server.trigger_url("web");
    let result = r#"{"statusCode":200,"statusDescription":"200 Splendid"}"#;
    let head =
        "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{result}", result.len());
    let mut client = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 Splendid\r\n"), "{answer}");
}

#[test]
fn limits_have_the_pages_of_aws() {
    let server = alb("").serve();
    let large = vec![b'x'; 1024 * 1024 + 1];
    let too_large = server.web("POST", "/", &[("content-type", "text/plain")], &large);
    assert_eq!((too_large.status, too_large.body.len()), (413, 148));
    assert_eq!(too_large.header("content-type"), Some("text/html"));
    let headers = [("upgrade", "websocket"), ("connection", "upgrade")];
    let websocket = server.web("GET", "/", &headers, b"");
    assert_eq!((websocket.status, websocket.body.len()), (400, 122));
    let result = format!(
        r#"{{"statusCode":200,"body":"{}"}}"#,
        "x".repeat(1024 * 1024)
    );
    let body = &result.as_bytes()[..1024 * 1024 - 10];
    assert_eq!(
        server
            .web("POST", "/", &[("content-type", "application/json")], body)
            .status,
        502
    );
}

#[test]
fn the_rule_with_the_lowest_priority_decides() {
    let rules = r##"
[[triggers.web.rules]]
priority = 20
path-pattern = ["/old/*"]
redirect = { status-code = 301, path = "/new", query = "" }

[[triggers.web.rules]]
priority = 10
path-pattern = ["/old/health"]
http-request-method = ["GET"]
fixed-response = { status-code = 200, message-body = "fine" }
"##;
    let server = alb(rules).serve();
    let health = server.web("GET", "/old/health", &[], b"");
    assert_eq!((health.status, health.text().as_str()), (200, "fine"));
    let headers = [("host", "localhost:8080")];
    let moved = server.web("POST", "/old/health?x=1", &headers, b"");
    assert_eq!(moved.status, 301);
    assert_eq!(moved.header("location"), Some("http://localhost:8080/new"));
    let elsewhere = respond(&server, r#"{"statusCode":202}"#);
    assert_eq!(elsewhere.status, 202);
}

#[test]
fn mistakes_in_rules_are_reported_at_their_place() {
    let rule = |condition: &str| {
        let rule =
            format!("[[triggers.web.rules]]\npriority = 1\n{condition}\nfunction = \"ecko\"\n");
        alb(&rule).refusal()
    };
    let text = rule("source-ip = [\"10.0.0.1\"]");
    let expected = "a network is an address and the length of its prefix, such as \"192.0.2.0/24\"";
    assert!(
        text.contains(expected) && text.contains("| source-ip = "),
        "{text}"
    );
    let text = rule("path-pattern = [\"/a\"]");
    assert!(
        text.contains("| function = \"ecko\"") && text.contains("echo"),
        "{text}"
    );
}

#[test]
fn health_checks_invoke_the_function_and_a_change_of_its_health_is_logged() {
    let trigger = "[triggers.web]\nplugin = \"alb\"\nlisten = \"127.0.0.1:0\"\nfunction = \"echo\"\n\
                   [triggers.web.health-checks.echo]\npath = \"/health?deep=1\"\ninterval = 0.2\ntimeout = 0.1\n\
                   healthy-threshold = 2\n";
    // It answers a health check with the status in a file, which the test sets, and keeps the last event.
    let script = r#"while next; do
  grep -q ELB-HealthChecker event && cp event "$STATUS.event"
  respond "{\"statusCode\":$(cat "$STATUS")}"
done
"#;
    let folder = tempfile::tempdir().unwrap();
    let status = folder.path().join("status");
    let settings = format!(
        "environment = {{ STATUS = {:?} }}\n{trigger}",
        status.to_str().unwrap()
    );
    let Ok(project) = Project::bash(&settings, script) else {
        return;
    };
    let set = |code: &str| {
        // Written as a whole, as the function may read it at any time.
        let new = folder.path().join("new");
        std::fs::write(&new, code).unwrap();
        std::fs::rename(&new, &status).unwrap();
    };
    set("200");
    let server = project.serve();
    server.log_with("health check of echo: the target is healthy");
    set("500");
    server.log_with("status 500 is not one of 200; as it is the only one of its group");
    assert_eq!(
        server.web("GET", "/", &[], b"").status,
        500,
        "not 503: it fails open"
    );
    set("200");
    eventually("the target is healthy again", || {
        server
            .log()
            .matches("health check of echo: the target is healthy")
            .count()
            == 2
    });
    let event = std::fs::read_to_string(folder.path().join("status.event")).unwrap();
    let event: serde_json::Value = serde_json::from_str(&event).unwrap();
    assert_eq!(event["path"], "/health");
    assert_eq!(event["queryStringParameters"], json!({ "deep": "1" }));
    assert_eq!(
        event["headers"],
        json!({ "user-agent": "ELB-HealthChecker/2.0" })
    );
    assert_eq!(
        (&event["httpMethod"], &event["body"]),
        (&json!("GET"), &json!(""))
    );
}

#[test]
fn health_checks_fail_if_the_result_is_no_response_and_if_it_comes_too_late() {
    let check = "[triggers.web.health-checks.echo]\ninterval = 0.2\ntimeout = 0.1\n";
    // The function returns the body of a request as its result, and that of a health check is empty.
    let server = alb(check).serve();
    server.log_with("which is status 502; as it is the only one of its group");
    assert_eq!(respond(&server, r#"{"statusCode":201}"#).status, 201);

    let trigger =
        "[triggers.web]\nplugin = \"alb\"\nlisten = \"127.0.0.1:0\"\nfunction = \"echo\"\n";
    let script = "while next; do\n  grep -q ELB-HealthChecker event && sleep 60\n  respond '{\"statusCode\":200}'\ndone\n";
    let Ok(project) = Project::bash(&format!("{trigger}{check}"), script) else {
        return;
    };
    let server = project.serve();
    server.log_with("health check of echo: failed: no response within 0.1 s");
    assert_eq!(server.web("GET", "/", &[], b"").status, 200);
}
