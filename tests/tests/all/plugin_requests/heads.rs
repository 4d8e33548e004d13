//! Header names and targets as the client sent them.

use serde_json::{Value, json};

use super::{Connection, described};
use crate::support::Project;

/// Further names in several spellings, and what the plugin gets of them.
const HEADERS: &str = "X-API-key: 1\r\nx-lower: 2\r\nX-MULTI: a\r\nCONTENT-type: text/plain\r\nx-multi: b\r\nEmpty:\r\n";

fn expected() -> Value {
    json!([
        ["x-api-key", "X-API-key", "1"],
        ["x-lower", "x-lower", "2"],
        ["x-multi", "X-MULTI", "a"],
        ["x-multi", "X-MULTI", "b"],
        ["content-type", "CONTENT-type", "text/plain"],
        ["empty", "Empty", ""],
    ])
}

/// The headers without those of the connection.
fn own_headers(request: &Value) -> Value {
    let headers = request["headers"].as_array().unwrap().iter();
    let is_own = |header: &&Value| {
        let name = header[0].as_str().unwrap();
        !["host", "connection", "content-length"].contains(&name)
    };
    headers.filter(is_own).cloned().collect()
}

#[test]
fn a_header_has_its_name_in_lower_case_and_as_sent_and_its_values_in_order() {
    let server = Project::scripted("").serve();
    for version in ["1.0", "1.1"] {
        let head = format!(
            "GET / HTTP/{version}\r\nHost: localhost\r\n{HEADERS}Connection: close\r\n\r\n"
        );
        let request = described(&server, head.as_bytes());
        assert_eq!(own_headers(&request), expected(), "{version}");
        let host = json!(["host", "Host", "localhost"]);
        assert_eq!(request["headers"][0], host, "{version}");
    }
}

#[test]
fn a_value_that_is_not_utf_8_has_a_character_for_each_byte() {
    let server = Project::scripted("").serve();
    let head = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-A: gr\xfcn\r\nX-B: gr\xc3\xbcn\r\n\r\n";
    let headers = own_headers(&described(&server, head));
    let expected = json!([["x-a", "X-A", "gr\u{fc}n"], ["x-b", "X-B", "gr\u{fc}n"]]);
    assert_eq!(headers, expected);
}

/// Targets, and the path and query that the plugin gets.
const TARGETS: [(&[u8], &str, &str); 15] = [
    (b"/", "/", ""),
    (b"/a%20b//c/?d=%2B+e&f", "/a%20b//c/", "d=%2B+e&f"),
    (b"/a?", "/a", ""),
    (b"/a?b?c", "/a", "b?c"),
    (b"/<a>?\"b\"=<c>", "/<a>", "\"b\"=<c>"),
    (b"/{a}|^`\\?[b]={c}|^`\\", "/{a}|^`\\", "[b]={c}|^`\\"),
    (
        "/gr\u{fc}n?\u{3bb}=\u{1f600}".as_bytes(),
        "/gr\u{fc}n",
        "\u{3bb}=\u{1f600}",
    ),
    (b"/gr\xfcn?a", "/gr\u{fc}n", "a"),
    (b"/a?gr\xfcn=\xc3\xbc", "/a", "gr\u{fc}n=\u{c3}\u{bc}"),
    (b"/%", "/%", ""),
    (b"/a?b#c?d", "/a", "b"),
    (b"http://localhost:1/a?b", "/a", "b"),
    (b"http://localhost/a/<b>?c=\"", "/a/<b>", "c=\""),
    (b"http://localhost", "/", ""),
    (b"http://localhost?a=<", "/", "a=<"),
];

#[test]
fn a_target_reaches_the_plugin_as_sent() {
    let server = Project::scripted("").serve();
    for version in ["1.0", "1.1"] {
        for (target, path, query) in TARGETS {
            let rest = format!(" HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let request = described(&server, &[b"GET ", target, rest.as_bytes()].concat());
            let name = String::from_utf8_lossy(target);
            assert_eq!(
                (&request["path"], &request["query"]),
                (&json!(path), &json!(query)),
                "{name}"
            );
            assert_eq!(request["protocol"], format!("HTTP/{version}"));
        }
    }
    let options = b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(described(&server, options)["path"], "*");
    let propfind = b"PropFind /<a> HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(described(&server, propfind)["method"], "PropFind");
}

#[test]
fn on_a_connection_that_is_kept_open_each_request_has_its_own_head() {
    let server = Project::scripted("").serve();
    let mut connection = Connection::to(&server);
    for (target, path, query) in TARGETS {
        let head =
            format!(" HTTP/1.1\r\nHost: localhost\r\n{HEADERS}Content-Length: 4\r\n\r\nbody");
        connection.send(&[b"POST ", target, head.as_bytes()].concat());
        let request = connection.described();
        assert_eq!(
            (&request["path"], &request["query"]),
            (&json!(path), &json!(query))
        );
        assert_eq!(own_headers(&request), expected());
        connection.send(b"GET /plain HTTP/1.1\r\nhost: localhost\r\nx-api-key: 1\r\n\r\n");
        let request = connection.described();
        assert_eq!(request["path"], "/plain");
        assert_eq!(
            own_headers(&request),
            json!([["x-api-key", "x-api-key", "1"]])
        );
    }
}

/// Requests with bodies of every framing, and without one.
fn one_after_the_other() -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    for (target, ..) in TARGETS {
        for (framing, body) in [
            ("", ""),
            ("Content-Length: 12\r\n", "GET / HTTP\r\n"),
            (
                "Transfer-Encoding: chunked\r\n",
                "4;a=b\r\nGET \r\n2\r\n/ \r\n0\r\nTrailer: x\r\n\r\n",
            ),
        ] {
            bytes.extend([b"POST ", target, b" HTTP/1.1\r\nHost: localhost\r\n"].concat());
            bytes.extend(format!("{HEADERS}{framing}\r\n{body}").as_bytes());
        }
    }
    (bytes, TARGETS.len() * 3)
}

#[track_caller]
fn assert_all_arrive(connection: &mut Connection, count: usize) {
    for number in 0..count {
        let request = connection.described();
        let (_, path, query) = TARGETS[number / 3];
        assert_eq!(
            (&request["path"], &request["query"]),
            (&json!(path), &json!(query)),
            "{number}"
        );
        let mut headers = own_headers(&request);
        headers
            .as_array_mut()
            .unwrap()
            .retain(|header| header[0] != "transfer-encoding");
        assert_eq!(headers, expected(), "{number}");
        let body = [
            json!("empty"),
            json!({ "text": "GET / HTTP\r\n" }),
            json!({ "text": "GET / " }),
        ];
        assert_eq!(request["body"], body[number % 3], "{number}");
    }
}

#[test]
fn requests_that_are_sent_without_waiting_for_responses_have_their_own_heads() {
    let server = Project::scripted("").serve();
    let (bytes, count) = one_after_the_other();
    let mut connection = Connection::to(&server);
    connection.send(&bytes);
    assert_all_arrive(&mut connection, count);
}

#[test]
fn requests_that_arrive_in_pieces_have_their_own_heads() {
    let server = Project::scripted("").serve();
    let (bytes, count) = one_after_the_other();
    let mut connection = Connection::to(&server);
    // Odd sizes, so that heads and bodies are cut everywhere.
    for piece in bytes.chunks(37) {
        connection.send(piece);
    }
    assert_all_arrive(&mut connection, count);
}
