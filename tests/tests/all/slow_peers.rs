//! Peers that are slow, half gone or broken cost nobody else anything.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use serde_json::json;

use crate::support::{Project, RAW_BOOTSTRAP, Server, eventually};

/// Far more than the buffers of all sockets on the way hold.
const LARGE: usize = 64 * 1024 * 1024;

/// `echo` and `other`; each has one environment at most, so that whoever holds one up is noticed.
fn serve() -> (Project, Server) {
    let function = |name| {
        format!("[functions.{name}]\ncode = \"{RAW_BOOTSTRAP}\"\ntimeout = 60\nconcurrency = 1\n")
    };
    let project = Project::new(&[function("echo"), function("other")].concat());
    let server = project.serve();
    (project, server)
}

fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.trim_start_matches("http://")).expect("it listens")
}

fn send(url: &str, text: &str) -> TcpStream {
    let mut connection = connect(url);
    connection.write_all(text.as_bytes()).expect("it reads");
    connection
}

#[track_caller]
fn works(server: &Server, function: &str) {
    let reply = server.invoke(function, r#""still alive""#);
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, r#""still alive""#),
        "{function}: {reply:?}"
    );
}

const INVOKE: &str = "POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nhost: x\r\n";

#[test]
fn callers_that_send_half_a_request_and_stay_hold_nobody_up() {
    let (_project, server) = serve();
    let length = format!("{INVOKE}content-length: 10\r\n\r\n[1, 2");
    let chunk = format!("{INVOKE}transfer-encoding: chunked\r\n\r\nff\r\n[1, 2");
    let halves = ["P", INVOKE, &length, &chunk];
    let _staying: Vec<_> = (0..100)
        .map(|index| send(server.invoke_url(), halves[index % halves.len()]))
        .collect();
    works(&server, "echo");
    works(&server, "other");
}

#[test]
fn callers_that_close_their_half_or_break_a_chunk_hold_nobody_up() {
    let (_project, server) = serve();
    for broken in [
        format!("{INVOKE}transfer-encoding: chunked\r\n\r\nzz\r\nnonsense"),
        format!("{INVOKE}transfer-encoding: chunked\r\n\r\n2\r\n[1, 2"),
        "\0\x01this is no HTTP\r\n\r\n".to_owned(),
    ] {
        // It is answered or not, but in any case it is over.
        let mut connection = send(server.invoke_url(), &broken);
        connection.shutdown(Shutdown::Write).expect("it is open");
        let _reset = connection.read_to_end(&mut Vec::new());
        works(&server, "echo");
    }
    let half_closed: Vec<_> = (0..20)
        .map(|_| {
            let event = format!("{INVOKE}content-length: 2\r\n\r\n{{}}");
            let connection = send(server.invoke_url(), &event);
            connection.shutdown(Shutdown::Write).expect("it is open");
            connection
        })
        .collect();
    works(&server, "echo");
    works(&server, "other");
    drop(half_closed);
}

#[test]
fn a_runtime_that_posts_half_a_response_and_stays_holds_up_its_own_call_only() {
    for silent in [true, false] {
        let (project, server) = serve();
        let go = project.path().join("go");
        let event = json!({"print": "begun", "stream": {
            "pieces": ["\"one", " two\""], "wait_for": go, "silent": silent,
        }});
        thread::scope(|scope| {
            let slow = scope.spawn(|| server.invoke("echo", event.to_string()));
            server.log_with("begun");
            for _ in 0..20 {
                works(&server, "other");
            }
            assert!(!slow.is_finished());
            project.file("go", "");
            let reply = slow.join().expect("an answer");
            assert_eq!((reply.status, reply.text().as_str()), (200, r#""one two""#));
        });
        works(&server, "echo");
    }
}

#[test]
fn a_runtime_that_breaks_a_chunk_costs_its_own_call_only() {
    for failure in ["broken-chunk", "cut"] {
        for silent in [true, false] {
            let (_project, server) = serve();
            let event = json!({"stream": {
                "pieces": ["one"], "failure": failure, "silent": silent,
            }});
            let reply = server.invoke("echo", event.to_string());
            assert_eq!(
                (reply.status, reply.header("x-amz-function-error")),
                (200, Some("Unhandled")),
                "{failure}: {reply:?}"
            );
            assert_eq!(reply.json()["errorType"], "Runtime.TruncatedResponse");
            works(&server, "other");
            works(&server, "echo");
        }
    }
}

#[test]
fn whoever_stays_at_the_runtime_api_holds_nobody_up() {
    let (_project, server) = serve();
    let reply = server.invoke("echo", r#"{"env":"AWS_LAMBDA_RUNTIME_API"}"#);
    let address: String = serde_json::from_slice(&reply.body).expect("an address");
    let post = "POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nhost: x\r\n";
    let halves = [
        "GET /2018-06-01/runtime/invo".to_owned(),
        format!("{post}content-length: 10\r\n\r\n12"),
        format!("{post}transfer-encoding: chunked\r\n\r\nzz\r\n"),
        "POST /2020-01-01/extension/register HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{"
            .to_owned(),
        "PUT /2022-07-01/telemetry HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{".to_owned(),
    ];
    let staying: Vec<_> = (0..50)
        .map(|index| send(&address, &halves[index % halves.len()]))
        .collect();
    works(&server, "echo");
    works(&server, "other");
    for connection in &staying {
        let _already_closed = connection.shutdown(Shutdown::Write);
    }
    works(&server, "echo");
}

#[test]
fn a_caller_that_never_reads_a_stream_holds_up_its_own_call_only() {
    let (_project, server) = serve();
    let event =
        json!({"print": "begun", "stream": {"pieces": ["one"], "filler": LARGE}}).to_string();
    let head = format!(
        "POST /2021-11-15/functions/echo/response-streaming-invocations HTTP/1.1\r\nhost: x\r\n\
         content-length: {}\r\n\r\n{event}",
        event.len()
    );
    let unread = send(server.invoke_url(), &head);
    server.log_with("begun");
    let mut first = [0];
    eventually("the stream's beginning", || {
        unread.peek(&mut first).is_ok_and(|bytes| bytes == 1)
    });
    for _ in 0..20 {
        works(&server, "other");
    }
    // Its environment is free again when the caller has gone.
    drop(unread);
    works(&server, "echo");
}
