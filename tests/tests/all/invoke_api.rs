//! The Invoke API over plain HTTP.

use serde_json::json;

use crate::support::{Project, Server, request};

fn echo() -> (Project, Server) {
    let project = Project::echo("");
    let server = project.serve();
    (project, server)
}

#[test]
fn a_response_has_awss_headers() {
    let (_project, server) = echo();
    let reply = server.invoke("echo", r#"{"n":1}"#);
    assert_eq!((reply.status, reply.text().as_str()), (200, r#"{"n":1}"#));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("x-amz-executed-version"), Some("$LATEST"));
    assert_eq!(reply.header("x-amzn-remapped-content-length"), Some("0"));
    assert_eq!(reply.header("x-amzn-requestid").map(str::len), Some(36));
    assert!(
        reply
            .header("x-amzn-trace-id")
            .is_some_and(|trace| trace.starts_with("Root=1-"))
    );
    assert_eq!(reply.header("x-amz-function-error"), None);
}

#[test]
fn every_form_of_the_function_name_and_ries_path_reach_the_function() {
    let (_project, server) = echo();
    for name in [
        "echo",
        "echo:$LATEST",
        "echo%3A%24LATEST",
        "function:echo",
        "123456789012:function:echo",
        "arn:aws:lambda:us-east-1:123456789012:function:echo",
        "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Aecho",
        "echo?Qualifier=$LATEST",
        "function",
    ] {
        let (name, query) = name
            .split_once('?')
            .map_or((name, String::new()), |(name, query)| {
                (name, format!("?{query}"))
            });
        let path = format!("/2015-03-31/functions/{name}/invocations{query}");
        let reply = request(server.invoke_url(), "POST", &path, &[], b"1");
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, "1"),
            "{name}{query}"
        );
    }
}

#[test]
fn an_unknown_function_or_qualifier_is_reported_as_not_found_with_its_arn() {
    let (_project, server) = echo();
    for (name, arn) in [("nobody", "nobody:$LATEST"), ("echo:live", "echo:live")] {
        let reply = server.invoke(name, "1");
        assert_eq!(reply.status, 404);
        assert_eq!(
            reply.header("x-amzn-errortype"),
            Some("ResourceNotFoundException")
        );
        assert_eq!(
            reply.text(),
            format!(
                r#"{{"Message":"Function not found: arn:aws:lambda:us-east-1:123456789012:function:{arn}","Type":"User"}}"#
            )
        );
    }
}

#[test]
fn an_arn_of_another_region_or_account_is_not_found() {
    let (_project, server) = echo();
    let long = "x".repeat(65);
    for (name, arn) in [
        (
            long.as_str(),
            format!("us-east-1:123456789012:function:{long}:$LATEST"),
        ),
        (
            "111111111111:function:echo:live",
            "us-east-1:111111111111:function:echo:live".to_owned(),
        ),
        (
            "arn:aws:lambda:us-east-1",
            "us-east-1:123456789012:function:us-east-1:$LATEST".to_owned(),
        ),
        // The name is missing. Without an ARN, the name `function` leads to the only function.
        (
            "arn:aws:lambda:us-east-1:123456789012:function",
            "us-east-1:123456789012:function:function:$LATEST".to_owned(),
        ),
        (
            "123456789012:function",
            "us-east-1:123456789012:function:function:$LATEST".to_owned(),
        ),
    ] {
        let reply = server.invoke(name, "1");
        let message = format!("Function not found: arn:aws:lambda:{arn}");
        assert_eq!(reply.status, 404, "{name}");
        assert_eq!(reply.json()["Message"], message);
    }
    assert_eq!(server.invoke("function", "1").status, 200);
    let reply = server.invoke("echo:$LATEST.PUBLISHED", "1");
    assert_eq!(
        (reply.status, reply.header("x-amzn-errortype")),
        (400, Some("NoPublishedVersionException"))
    );
}

#[test]
fn every_operation_says_that_another_region_is_not_reachable() {
    let (_project, server) = echo();
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:echo";
    for (method, path) in [
        ("POST", format!("/2015-03-31/functions/{arn}/invocations")),
        (
            "POST",
            format!("/2015-03-31/functions/{arn}:live/invocations"),
        ),
        (
            "POST",
            format!("/2021-11-15/functions/{arn}/response-streaming-invocations"),
        ),
        ("POST", format!("/2014-11-13/functions/{arn}/invoke-async/")),
        ("GET", format!("/2015-03-31/functions/{arn}")),
        ("GET", format!("/2015-03-31/functions/{arn}/configuration")),
        ("GET", format!("/2015-03-31/functions/{arn}/versions")),
        ("GET", format!("/2015-03-31/functions/{arn}/aliases")),
        ("GET", format!("/2015-03-31/functions/{arn}/aliases/live")),
        ("GET", format!("/2015-03-31/functions/{arn}/policy")),
        ("GET", format!("/2019-09-30/functions/{arn}/concurrency")),
        (
            "GET",
            format!("/2024-08-31/functions/{arn}/recursion-config"),
        ),
        ("GET", format!("/2017-03-31/tags/{arn}")),
        (
            "GET",
            "/2015-03-31/functions/eu-central-1:function:echo".to_owned(),
        ),
    ] {
        let body: &[u8] = if method == "POST" { b"1" } else { b"" };
        let reply = request(server.invoke_url(), method, &path, &[], body);
        assert_eq!(reply.status, 404, "{method} {path}");
        assert_eq!(
            reply.text(),
            r#"{"Message":"Functions from 'eu-central-1' are not reachable in this region ('us-east-1')","Type":"User"}"#,
            "{method} {path}"
        );
    }
}

#[test]
fn all_length_and_pattern_errors_are_reported_at_once() {
    let (_project, server) = echo();
    let name = "x".repeat(257);
    let headers = [
        ("x-amz-tenant-id", "a*b"),
        ("x-amz-durable-execution-name", "a b"),
        ("x-amz-log-type", "tail"),
    ];
    let path = format!("/2015-03-31/functions/{name}/invocations?Qualifier=a.b");
    let reply = request(server.invoke_url(), "POST", &path, &headers, b"1");
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert_eq!(
        reply.header("x-amzn-errortype"),
        Some("ValidationException")
    );
    assert!(
        message.starts_with("5 validation errors detected: "),
        "{message}"
    );
    for part in [
        "at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 256",
        r"'a.b' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \$(LATEST",
        r"'a*b' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\._:\/=+\-@ ]+",
        "'a b' at 'durableExecutionName' failed",
        "'tail' at 'logType' failed",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn any_content_type_is_treated_as_json() {
    let (_project, server) = echo();
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let reply = server.invoke_with("echo", "[1]", &[("content-type", content_type)]);
        assert_eq!((reply.status, reply.text().as_str()), (200, "[1]"));
    }
}

#[test]
fn the_deprecated_operation_accepts_events() {
    let (_project, server) = echo();
    let post = |path: &str, body: &[u8]| request(server.invoke_url(), "POST", path, &[], body);
    for path in [
        "/2014-11-13/functions/echo/invoke-async",
        "/2014-11-13/functions/echo/invoke-async/",
    ] {
        let event = json!({ "print": format!("came by {path}.") }).to_string();
        let reply = post(path, event.as_bytes());
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (202, r#"{"Status":202}"#)
        );
        server.log_with(&format!("came by {path}."));
    }
    let path = "/2014-11-13/functions/echo/invoke-async/";
    let string_of = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    assert_eq!(post(path, string_of(256 * 1024).as_bytes()).status, 202);
    assert_eq!(post(path, string_of(256 * 1024 + 1).as_bytes()).status, 413);
    let reply = post(path, b"{");
    assert_eq!(
        (reply.status, reply.header("x-amzn-errortype")),
        (400, Some("InvalidRequestContentException"))
    );
    let reply = post("/2014-11-13/functions/nobody/invoke-async/", b"{}");
    assert_eq!(reply.status, 404);
}

#[test]
fn a_malformed_name_or_header_is_a_validation_error() {
    let (_project, server) = echo();
    let reply = server.invoke("ec%20ho", "1");
    assert_eq!(
        (reply.status, reply.header("x-amzn-errortype")),
        (400, Some("ValidationException"))
    );
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("1 validation error detected: Value 'ec ho' at 'functionName' failed to satisfy constraint: \
                             Member must satisfy regular expression pattern: (arn:"),
        "{message}"
    );

    let reply = server.invoke_with(
        "echo",
        "1",
        &[
            ("x-amz-invocation-type", "Later"),
            ("x-amz-log-type", "All"),
        ],
    );
    assert_eq!(
        reply.json()["message"],
        "2 validation errors detected: \
         Value 'Later' at 'invocationType' failed to satisfy constraint: \
         Member must satisfy enum value set: [Event, RequestResponse, DryRun]; \
         Value 'All' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [None, Tail]"
    );

    let path = "/2015-03-31/functions/echo:a/invocations?Qualifier=b";
    let reply = request(server.invoke_url(), "POST", path, &[], b"1");
    assert_eq!(
        (reply.status, reply.header("x-amzn-errortype")),
        (400, Some("InvalidParameterValueException"))
    );
}

#[test]
fn a_payload_that_is_not_json_is_refused_and_never_reaches_the_function() {
    let (_project, server) = echo();
    for payload in [&b"not json"[..], b"{\"a\":", b"\"\xff\"", b"1 2"] {
        let reply = server.invoke("echo", payload);
        assert_eq!(
            (reply.status, reply.header("x-amzn-errortype")),
            (400, Some("InvalidRequestContentException"))
        );
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        assert!(
            message.starts_with(
                "Could not parse request body into json: Could not parse payload into json: "
            ),
            "{message}"
        );
    }
    let served = server.invoke("echo", r#"{"tell":"served"}"#);
    assert_eq!(served.text(), "1", "only the good event arrived");
}

#[test]
fn an_empty_payload_is_an_empty_event() {
    let (_project, server) = echo();
    assert_eq!(server.invoke("echo", "").text(), "{}");
}

#[test]
fn a_payload_of_exactly_six_mib_is_accepted_and_one_byte_more_is_a_413() {
    let (_project, server) = echo();
    let json_of = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    let limit = 6 * 1024 * 1024;
    let reply = server.invoke("echo", json_of(limit));
    assert_eq!((reply.status, reply.body.len()), (200, limit));
    let reply = server.invoke("echo", json_of(limit + 1));
    assert_eq!(
        (reply.status, reply.header("x-amzn-errortype")),
        (413, Some("RequestEntityTooLargeException"))
    );
    assert_eq!(
        reply.json()["Message"],
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    );
}

#[test]
fn event_invocations_are_accepted_at_once_and_run_in_the_background() {
    let (_project, server) = echo();
    let reply = server.invoke_with(
        "echo",
        r#"{"print":"ran later"}"#,
        &[("x-amz-invocation-type", "Event")],
    );
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    assert_eq!(reply.header("x-amz-executed-version"), None);
    let log = server.log_with("ran later");
    assert!(
        log.contains(&format!(
            "START RequestId: {}",
            reply.header("x-amzn-requestid").unwrap()
        )),
        "{log}"
    );

    let too_large = format!("\"{}\"", "x".repeat(1024 * 1024 - 1));
    let reply = server.invoke_with("echo", &too_large, &[("x-amz-invocation-type", "Event")]);
    assert_eq!(reply.status, 413);
    assert_eq!(
        reply.json()["Message"],
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
    );
}

#[test]
fn a_dry_run_only_checks_that_the_function_exists() {
    let (_project, server) = echo();
    let dry_run = [("x-amz-invocation-type", "DryRun")];
    let reply = server.invoke_with("echo", "", &dry_run);
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(server.invoke_with("nobody", "", &dry_run).status, 404);
    assert!(!server.log().contains("START"));
}

#[test]
fn a_tail_log_contains_the_invocations_lines_from_start_to_report() {
    let (_project, server) = echo();
    let event = r#"{"print":"to stdout","eprint":"to stderr"}"#;
    let reply = server.invoke_with("echo", event, &[("x-amz-log-type", "Tail")]);
    let log = String::from_utf8(decode(reply.header("x-amz-log-result").unwrap())).unwrap();
    let id = reply.header("x-amzn-requestid").unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(
        lines.first(),
        Some(&format!("START RequestId: {id} Version: $LATEST").as_str())
    );
    assert!(
        lines.contains(&"to stdout") && lines.contains(&"to stderr"),
        "{log}"
    );
    assert_eq!(lines[lines.len() - 2], format!("END RequestId: {id}"));
    assert!(
        lines[lines.len() - 1].starts_with(&format!("REPORT RequestId: {id}\tDuration: ")),
        "{log}"
    );

    let long = json!({ "print": "x".repeat(10_000) }).to_string();
    let reply = server.invoke_with("echo", long, &[("x-amz-log-type", "Tail")]);
    let log = decode(reply.header("x-amz-log-result").unwrap());
    assert_eq!(log.len(), 4096, "the last 4 KiB");
    assert!(
        String::from_utf8(log)
            .unwrap()
            .contains("\nREPORT RequestId: ")
    );
}

#[test]
fn a_client_context_reaches_the_runtime_decoded() {
    let (_project, server) = echo();
    let context = encode(br#"{"custom": {"k": "v"}}"#);
    let reply = server.invoke_with(
        "echo",
        r#"{"tell":"headers"}"#,
        &[("x-amz-client-context", &context)],
    );
    assert_eq!(
        reply.json()["lambda-runtime-client-context"],
        r#"{"custom":{"k":"v"}}"#
    );

    for broken in ["%%%", &encode(b"{not json"), &encode(&[b'1'; 4000])] {
        let reply = server.invoke_with("echo", "1", &[("x-amz-client-context", broken)]);
        assert_eq!(
            (reply.status, reply.header("x-amzn-errortype")),
            (400, Some("InvalidRequestContentException"))
        );
    }
}

#[test]
fn the_callers_trace_is_passed_on_and_returned() {
    let (_project, server) = echo();
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let reply = server.invoke_with(
        "echo",
        r#"{"tell":"headers"}"#,
        &[("x-amzn-trace-id", trace)],
    );
    // Lambkin adds the call to the lineage; see `invoke_rules`.
    let noted = reply.header("x-amzn-trace-id").unwrap();
    assert!(noted.starts_with(&format!("{trace};Lineage=1:")), "{noted}");
    assert_eq!(reply.json()["lambda-runtime-trace-id"], noted);

    let headers = [("x-amzn-trace-id", "nonsense")];
    let reply = server.invoke_with("echo", "1", &headers);
    assert!(
        reply
            .header("x-amzn-trace-id")
            .unwrap()
            .starts_with("Root=1-")
    );
}

#[test]
fn an_unknown_path_or_method_is_answered_with_the_supported_ones() {
    let (_project, server) = echo();
    let reply = request(server.invoke_url(), "GET", "/", &[], b"");
    assert_eq!(
        (reply.status, reply.header("x-amzn-errortype")),
        (404, Some("UnknownOperationException"))
    );
    assert!(
        reply
            .text()
            .contains("POST /2015-03-31/functions/NAME/invocations")
    );
    let reply = request(
        server.invoke_url(),
        "GET",
        "/2015-03-31/functions/echo/invocations",
        &[],
        b"",
    );
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
}

#[test]
fn broken_framing_and_huge_headers_affect_only_their_own_connection() {
    let (_project, server) = echo();
    let url = server.invoke_url();
    for bytes in [
        &b"garbage\r\n\r\n"[..],
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        assert_eq!(crate::support::raw(url, bytes).status, 400, "{bytes:?}");
    }
    let huge = "x".repeat(1024 * 1024);
    let path = "/2015-03-31/functions/echo/invocations";
    assert_eq!(
        request(url, "POST", path, &[("x-huge", &huge)], b"1").status,
        431
    );
    let truncated = b"POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"n\":";
    let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    std::io::Write::write_all(&mut stream, truncated).unwrap();
    drop(stream);
    assert_eq!(server.invoke("echo", "1").text(), "1");
}

/// Decodes Base64 without a library, so that the tests do not depend on the code that the host uses.
pub fn decode(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bits = text.trim_end_matches('=').bytes().map(value);
    let mut bytes = Vec::new();
    let (mut pending, mut count) = (0_u32, 0);
    for six in bits {
        pending = pending << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((pending >> count) as u8);
        }
    }
    bytes
}

fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let six = (bits >> (18 - 6 * index)) as usize & 63;
            text.push(if index <= chunk.len() {
                char::from(ALPHABET[six])
            } else {
                '='
            });
        }
    }
    text
}
