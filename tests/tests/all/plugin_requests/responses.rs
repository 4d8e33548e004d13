//! Status, reason phrase, header names and framing of responses.

use std::io::Read;

use serde_json::{Value, json};

use super::Connection;
use crate::support::{Project, Reply, S3_AUTHORIZATION, SERVICES, Server, invoke, request, with};

/// The response to a request with this script, as it comes over the wire.
#[track_caller]
fn on_the_wire(server: &Server, version: &str, script: &Value) -> String {
    let mut connection = Connection::to(server);
    let head = format!(
        "GET / HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\nscript: {script}\r\n\r\n"
    );
    connection.send(head.as_bytes());
    let mut text = String::new();
    connection
        .stream
        .read_to_string(&mut text)
        .expect("a response");
    text
}

#[test]
fn a_response_has_the_plugins_status_reason_names_and_order() {
    let server = Project::scripted("").serve();
    let script = json!([{ "reply": {
        "status": 299,
        "reason": "As the plugin says",
        "headers": [["X-API-key", "1"], ["x-lower", "2"], ["ETag", "\"3\""], ["X-API-key", "4"], ["WWW-Authenticate", "Basic"]],
        "body": "hello",
    }}]);
    for version in ["1.0", "1.1"] {
        let text = on_the_wire(&server, version, &script);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap();
        assert_eq!(status, format!("HTTP/{version} 299 As the plugin says"));
        let own: Vec<&str> = lines
            .filter(|line| {
                !line.starts_with("content-length")
                    && !line.starts_with("date")
                    && !line.starts_with("connection")
            })
            .collect();
        let expected = [
            "X-API-key: 1",
            "X-API-key: 4",
            "x-lower: 2",
            "ETag: \"3\"",
            "WWW-Authenticate: Basic",
        ];
        assert_eq!(own, expected, "{version}");
        assert!(head.contains("content-length: 5"), "{head}");
        assert_eq!(body, "hello");
    }
}

#[test]
fn two_spellings_of_a_name_are_each_written_as_the_plugin_has_them() {
    let server = Project::scripted("").serve();
    let script = json!([{ "reply": { "headers": [["Set-Cookie", "a=1"], ["set-cookie", "b=2"], ["SET-COOKIE", "c=3"]] } }]);
    let text = on_the_wire(&server, "1.1", &script);
    let cookies: Vec<&str> = text
        .lines()
        .filter(|line| line.to_ascii_lowercase().starts_with("set-cookie"))
        .collect();
    assert_eq!(
        cookies,
        ["Set-Cookie: a=1", "set-cookie: b=2", "SET-COOKIE: c=3"]
    );
}

#[test]
fn every_status_from_200_to_999_is_sent_and_no_other() {
    let server = Project::scripted("").serve();
    let mut connection = Connection::to(&server);
    for status in 200..=999 {
        let script = json!([{ "reply": { "status": status, "body": "" } }]);
        connection.send(
            format!("GET / HTTP/1.1\r\nHost: localhost\r\nscript: {script}\r\n\r\n").as_bytes(),
        );
        let response = connection.receive();
        assert_eq!(response.status, status);
        assert_eq!(response.body, b"");
    }
    for status in [0, 100, 101, 199, 1000, 65_535] {
        let reply = server.follow(&json!([{ "reply": { "status": status } }]));
        assert_eq!(reply.status, 502, "{status}");
        assert!(
            reply.text().contains("and may be 200 to 999"),
            "{}",
            reply.text()
        );
    }
}

#[test]
fn a_status_without_a_body_has_none_whatever_the_plugin_returns() {
    let server = Project::scripted("").serve();
    let mut connection = Connection::to(&server);
    for status in [204, 304] {
        let script = json!([{ "reply": { "status": status, "body": "not sent" } }]);
        connection.send(
            format!("GET / HTTP/1.1\r\nHost: localhost\r\nscript: {script}\r\n\r\n").as_bytes(),
        );
        assert_eq!(connection.receive().status, status);
    }
    let head = "HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nscript: [{\"reply\":{\"body\":\"four\"}}]\r\n\r\n";
    connection.send(head.as_bytes());
    let mut text = String::new();
    connection.stream.read_to_string(&mut text).unwrap();
    assert!(
        text.contains("content-length: 4\r\n") && text.ends_with("\r\n\r\n"),
        "{text}"
    );
}

#[test]
fn framing_and_date_are_the_hosts() {
    let server = Project::scripted("").serve();
    let headers = json!([
        ["Date", "yesterday"],
        ["Content-Length", "9"],
        ["Transfer-Encoding", "gzip"],
        ["Connection", "upgrade"],
        ["Keep-Alive", "timeout=5"],
        ["X-Kept", "yes"],
    ]);
    let reply = |body: &str| json!({ "reply": { "headers": headers, "body": body } });
    let stream = with(
        invoke("echo", &json!({ "stream": { "pieces": ["hello"] } })),
        &json!({ "mode": "streamed" }),
    );
    for script in [json!([reply("hello")]), json!([stream, reply("")])] {
        let received = server.follow(&script);
        assert_eq!(received.status, 200, "{script}");
        let [date] = received.headers_named("date")[..] else {
            panic!("one date: {received:?}");
        };
        assert!(date.ends_with(" GMT"), "{date}");
        assert_eq!(received.header("x-kept"), Some("yes"));
        assert_eq!(received.header("keep-alive"), None);
        assert_eq!(received.headers_named("connection"), ["close"]);
        assert!(received.text().contains("hello"));
    }
}

#[test]
fn a_reason_phrase_that_http_does_not_allow_is_a_defect_of_the_plugin() {
    let server = Project::scripted("").serve();
    for (reason, sent) in [
        ("", "HTTP/1.1 200 "),
        ("Gr\u{fc}n", "HTTP/1.1 200 Gr\u{fc}n"),
        ("a\tb", "HTTP/1.1 502 Bad Gateway"),
        ("a\r\nb: c", "HTTP/1.1 502 Bad Gateway"),
    ] {
        let script = json!([{ "reply": { "reason": reason } }]);
        let text = on_the_wire(&server, "1.1", &script);
        assert_eq!(text.split("\r\n").next(), Some(sent), "{reason:?}");
    }
}

#[test]
fn the_plugin_learns_the_content_type_of_a_stream_and_its_prelude_if_it_has_one() {
    let server = Project::scripted("").serve();
    let integration = "application/vnd.awslambda.http-integration-response";
    for (stream, prelude, kind) in [
        (
            json!({ "pieces": ["a", "b"], "content_type": "text/csv" }),
            Value::Null,
            json!("text/csv"),
        ),
        (json!({ "pieces": ["a", "b"] }), Value::Null, Value::Null),
        (
            json!({ "pieces": ["{\"statusCode\":201}\0\0\0\0\0\0\0\0", "a", "b"], "content_type": integration }),
            json!("{\"statusCode\":201}"),
            json!(integration),
        ),
    ] {
        let step = with(
            invoke("echo", &json!({ "stream": stream })),
            &json!({ "mode": "streamed" }),
        );
        let reply = json!({ "reply": { "status": 203, "reason": "Streamed", "headers": [["Content-Type", "X/Y"]], "body": "", "known-in": "X-Known" } });
        for (version, body) in [("1.1", "1\r\na\r\n1\r\nb\r\n0\r\n\r\n"), ("1.0", "ab")] {
            let text = on_the_wire(&server, version, &json!([step, reply]));
            let (head, sent) = text.split_once("\r\n\r\n").unwrap();
            assert!(
                head.starts_with(&format!("HTTP/{version} 203 Streamed\r\n")),
                "{head}"
            );
            assert!(head.contains("\r\nContent-Type: X/Y\r\n"), "{head}");
            assert_eq!(sent, body, "{version}");
            let known = head
                .lines()
                .find_map(|line| line.strip_prefix("X-Known: "))
                .unwrap();
            let known: Value = serde_json::from_str(known).unwrap();
            let outcome = &known["outcomes"][0];
            assert_eq!(outcome["ending"], "stream-opened");
            assert_eq!(
                outcome["value"],
                json!({ "prelude": prelude, "content-type": kind })
            );
        }
    }
    // A function that does not stream ends as usual.
    let step = with(
        invoke("echo", &json!("whole")),
        &json!({ "mode": "streamed" }),
    );
    let outcomes = server.outcomes(&json!([step]));
    assert_eq!(
        (&outcomes[0]["ending"], &outcomes[0]["value"]),
        (&json!("completed"), &json!("whole"))
    );
}

#[test]
fn a_plugin_may_answer_itself_instead_of_passing_a_stream_on() {
    let server = Project::scripted("").serve();
    let stream = json!({ "stream": { "pieces": ["one", "two"] } });
    let step = with(invoke("echo", &stream), &json!({ "mode": "streamed" }));
    let reply = json!({ "reply": { "status": 502, "body": "no" } });
    for _ in 0..3 {
        let reply = server.follow(&json!([step, reply]));
        assert_eq!((reply.status, reply.text().as_str()), (502, "no"));
        assert_eq!(reply.header("content-length"), Some("2"));
    }
}

#[test]
fn pipelined_responses_come_in_order_with_their_own_names() {
    let server = Project::scripted("").serve();
    let mut connection = Connection::to(&server);
    let mut requests = String::new();
    for number in 0..20 {
        let name = if number % 2 == 0 { "X-Name" } else { "x-NAME" };
        let script =
            json!([{ "reply": { "status": 300 + number, "headers": [[name, "v"]], "body": "b" } }]);
        requests += &format!("GET / HTTP/1.1\r\nHost: localhost\r\nscript: {script}\r\n\r\n");
    }
    connection.send(requests.replace("304", "404").as_bytes());
    for number in 0..20 {
        let response = connection.receive();
        assert_eq!(
            response.status,
            if number == 4 { 404 } else { 300 + number }
        );
        let names: Vec<&str> = response.headers().map(|(name, _)| name).collect();
        let name = if number % 2 == 0 { "X-Name" } else { "x-NAME" };
        assert!(names.contains(&name), "{names:?}");
    }
}

#[test]
fn services_write_header_names_as_aws_does() {
    let server = Project::new(SERVICES).serve();
    let s3 = server.service_url("s3");
    let signed = ("authorization", S3_AUTHORIZATION);
    let cors = "<CORSConfiguration><CORSRule><AllowedOrigin>https://app.example.com</AllowedOrigin>\
                <AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>\
                <MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>";
    assert_eq!(request(s3, "PUT", "/photos", &[signed], b"").status, 200);
    assert_eq!(
        request(s3, "PUT", "/photos?cors", &[signed], cors.as_bytes()).status,
        200
    );
    assert_eq!(
        request(s3, "PUT", "/photos/a", &[signed], b"hello").status,
        200
    );
    let names = |reply: &Reply| -> Vec<String> {
        reply.headers.iter().map(|(name, _)| name.clone()).collect()
    };
    let page = [
        ("Origin", "https://app.example.com"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "x-a"),
    ];
    let preflight = request(s3, "OPTIONS", "/photos/a", &page, b"");
    assert_eq!(preflight.status, 200);
    let read = request(s3, "GET", "/photos/a", &[signed, page[0]], b"");
    assert_eq!(read.text(), "hello");
    for reply in [&preflight, &read] {
        let names = names(reply);
        for name in [
            "Access-Control-Allow-Origin",
            "Access-Control-Allow-Methods",
            "Access-Control-Expose-Headers",
            "Access-Control-Max-Age",
            "Access-Control-Allow-Credentials",
            "Vary",
            "Server",
            "x-amz-request-id",
            "x-amz-id-2",
        ] {
            assert!(
                names.contains(&name.to_owned()),
                "{name} is not among {names:?}"
            );
        }
        assert_eq!(reply.header("x-lambkin-header-names"), None);
    }
    assert!(names(&preflight).contains(&"Access-Control-Allow-Headers".to_owned()));
    for name in ["ETag", "Last-Modified", "Accept-Ranges", "Content-Type"] {
        assert!(names(&read).contains(&name.to_owned()), "{name}: {read:?}");
    }
    let queues = server.sqs("ListQueues", &json!({}));
    for name in ["x-amzn-RequestId", "Content-Type"] {
        assert!(
            names(&queues).contains(&name.to_owned()),
            "{name}: {queues:?}"
        );
    }
}
