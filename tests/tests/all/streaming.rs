//! Responses streamed by AWS's own runtime clients, read from a plain socket.
//!
//! The functions in `fixtures/runtimes` send `first`, wait at a [`Barrier`] until the test has read it, and send
//! `last`; or they fail, exit or hang after the barrier. A [`Streamer`] describes how the runtime clients differ.

mod event_stream;
mod sdk;

use std::net::TcpStream;

use serde_json::{Value, json};

use self::event_stream::EventStream;
use crate::runtimes::{bash_project, example_with, installed_as_code};
use crate::support::{Barrier, Missing, Project, Server};

/// A runtime client that can stream.
struct Streamer {
    /// Creates a project with the function's code in `hello`.
    project: fn() -> Result<Project, Missing>,
    setting: &'static str,
    /// The value of `x-made-by` in the prelude.
    name: &'static str,
    /// The type of the error with which the function fails midway.
    error_type: &'static str,
}

const GO: Streamer = Streamer {
    project: || installed_as_code("runtimes/go"),
    setting: "",
    name: "go",
    error_type: "errorString",
};

const NODE: Streamer = Streamer {
    project: || example_with("node", "hello/node_modules", &["streams.mjs"]),
    setting: "handler = 'streams.handler'",
    name: "node",
    error_type: "RangeError",
};

const RUST: Streamer = Streamer {
    project: || installed_as_code("examples/rust/target/release/faults"),
    setting: "",
    name: "rust",
    // The client uses this type for all errors. Its trailers are lines at the end of the body, and their error is not
    // JSON.
    error_type: "Runtime.StreamError",
};

const FUNCTION: &str =
    "[functions.good]\ncode = 'hello'\ntimeout = 60\n[invoke]\nlisten = '127.0.0.1:0'\n";

impl Streamer {
    /// A server with two functions: `good`, and `hasty`, which times out soon.
    #[track_caller]
    fn serve(&self) -> Result<(Project, Server), Missing> {
        let project = (self.project)()?;
        let function = |name: &str, timeout: u32| {
            format!(
                "[functions.{name}]\ncode = 'hello'\ntimeout = {timeout}\n{}\n",
                self.setting
            )
        };
        let functions = function("good", 60) + &function("hasty", 3);
        project.file(
            "lambkin.toml",
            functions + "[invoke]\nlisten = '127.0.0.1:0'\n",
        );
        let server = project.serve();
        Ok((project, server))
    }

    /// Asserts that a body begins with the prelude and its end, eight zeros, and returns what follows.
    #[track_caller]
    fn after_prelude<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        let end = body.windows(8).position(|eight| eight == [0; 8]);
        let (prelude, rest) = body.split_at(end.expect("the prelude's end"));
        let prelude: Value = serde_json::from_slice(prelude).unwrap();
        assert_eq!(
            prelude,
            json!({
                "statusCode": 201,
                "headers": { "content-type": "text/plain", "x-made-by": self.name },
                "cookies": ["piece=1"],
            })
        );
        &rest[8..]
    }
}

#[test]
fn go() {
    check(&GO);
}

#[test]
fn node() {
    check(&NODE);
}

#[test]
fn rust() {
    check(&RUST);
}

#[track_caller]
fn check(streamer: &Streamer) {
    let Ok((_project, server)) = streamer.serve() else {
        return;
    };
    pieces_arrive_as_they_are_produced(&server, streamer);
    a_failure_midway_is_reported_at_the_end(&server, streamer);
    an_exit_midway_is_reported_at_the_end(&server, streamer);
    a_hang_midway_times_out(&server, streamer);
    a_caller_that_disconnects_affects_only_its_own_call(&server, streamer);
    a_stream_can_exceed_the_limit_of_a_buffered_response(&server, streamer);
}

/// Starts a stream and waits until it has reached the barrier. Returns the stream, its first piece, and the connection
/// whose drop opens the barrier.
#[track_caller]
fn started(server: &Server, function: &str, order: &str) -> (EventStream, Vec<u8>, TcpStream) {
    let barrier = Barrier::new();
    let event = json!({ "do": order, "barrier": barrier.address() });
    let mut stream = EventStream::open(server, function, &event);
    let first = stream.until("first\n");
    (stream, first, barrier.arrival())
}

#[track_caller]
fn pieces_arrive_as_they_are_produced(server: &Server, streamer: &Streamer) {
    let (stream, first, waiting) = started(server, "good", "stream");
    assert_eq!(streamer.after_prelude(&first), b"first\n");
    drop(waiting);
    let (rest, end) = stream.rest();
    assert_eq!((&rest[..], end), (&b"last\n"[..], json!({})));
    server.log_with("good | REPORT RequestId: ");
}

#[track_caller]
fn a_failure_midway_is_reported_at_the_end(server: &Server, streamer: &Streamer) {
    let (stream, _, waiting) = started(server, "good", "stream-fail");
    drop(waiting);
    let (rest, end) = stream.rest();
    assert_eq!(
        (&rest[..], &end["ErrorCode"]),
        (&b""[..], &json!(streamer.error_type))
    );
    let details = end["ErrorDetails"].as_str().unwrap();
    assert!(details.contains("no luck"), "{details}");
    pieces_arrive_as_they_are_produced(server, streamer);
}

#[track_caller]
fn an_exit_midway_is_reported_at_the_end(server: &Server, streamer: &Streamer) {
    let (stream, _, waiting) = started(server, "good", "stream-exit");
    drop(waiting);
    let (rest, end) = stream.rest();
    assert_eq!(rest, b"");
    // The process and its connection end together; either may be noticed first.
    let code = end["ErrorCode"].as_str();
    assert!(
        matches!(
            code,
            Some("Runtime.ExitError" | "Runtime.TruncatedResponse")
        ),
        "{end}"
    );
    server.log_with("\tStatus: error\tError Type: Runtime.");
    pieces_arrive_as_they_are_produced(server, streamer);
}

#[track_caller]
fn a_hang_midway_times_out(server: &Server, streamer: &Streamer) {
    // Starts the process first, so that its start does not count towards the timeout.
    let (stream, _, waiting) = started(server, "hasty", "stream");
    drop(waiting);
    stream.rest();
    let (stream, _, waiting) = started(server, "hasty", "stream-hang");
    drop(waiting);
    let (rest, end) = stream.rest();
    assert_eq!(rest, b"");
    assert_eq!(end["ErrorCode"], "Sandbox.Timedout");
    let message = details(&end)["errorMessage"].to_string();
    assert!(
        message.ends_with("Error: Task timed out after 3.00 seconds\""),
        "{end}"
    );
    server.log_with("\tStatus: timeout");
    pieces_arrive_as_they_are_produced(server, streamer);
}

#[track_caller]
fn a_caller_that_disconnects_affects_only_its_own_call(server: &Server, streamer: &Streamer) {
    let (stream, _, waiting) = started(server, "good", "stream");
    drop(stream);
    drop(waiting);
    pieces_arrive_as_they_are_produced(server, streamer);
}

#[track_caller]
fn a_stream_can_exceed_the_limit_of_a_buffered_response(server: &Server, streamer: &Streamer) {
    let stream = EventStream::open(server, "good", &json!({ "do": "stream-large" }));
    let (body, end) = stream.rest();
    let large = streamer.after_prelude(&body);
    assert_eq!((large.len(), end), (8_000_000, json!({})));
    assert!(large.iter().all(|byte| *byte == b'x'));
    pieces_arrive_as_they_are_produced(server, streamer);
}

/// The error details of an InvokeComplete event, which are JSON in a string.
#[track_caller]
fn details(end: &Value) -> Value {
    serde_json::from_str(end["ErrorDetails"].as_str().unwrap()).unwrap()
}

#[test]
fn bash_streams_without_a_prelude() {
    let Ok(project) = bash_project() else { return };
    project.file("lambkin.toml", FUNCTION);
    let server = project.serve();
    let (stream, first, waiting) = started(&server, "good", "stream");
    assert_eq!(first, b"first\n");
    drop(waiting);
    assert_eq!(stream.rest(), (b"last\n".to_vec(), json!({})));
}

#[test]
fn a_buffered_response_is_delivered_as_a_stream() {
    let Ok(project) = bash_project() else { return };
    project.file("lambkin.toml", FUNCTION);
    let server = project.serve();
    let event = json!({ "n": 1 });
    let (body, end) = EventStream::open(&server, "good", &event).rest();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((body, end), (event, json!({})));
    let stream = EventStream::open(&server, "good", &json!({ "do": "large" }));
    let (body, end) = stream.rest();
    assert_eq!((body.len(), end), (5_000_002, json!({})));
}

#[test]
fn an_error_before_the_first_piece_is_the_whole_response() {
    let Ok((_project, server)) = GO.serve() else {
        return;
    };
    let (body, end) = EventStream::open(&server, "good", &json!({ "do": "fail" })).rest();
    assert_eq!((body, &end["ErrorCode"]), (Vec::new(), &json!("Unhandled")));
    assert_eq!(
        details(&end),
        json!({ "errorMessage": "no luck", "errorType": "errorString" })
    );
    pieces_arrive_as_they_are_produced(&server, &GO);
}

/// Node.js's client always streams: if the handler fails before it writes, the client sends trailers and no body.
#[test]
fn a_response_can_consist_of_trailers_only() {
    let Ok((_project, server)) = NODE.serve() else {
        return;
    };
    let event = json!({ "do": "stream-refuse" });
    let (body, end) = EventStream::open(&server, "good", &event).rest();
    assert_eq!(
        (body, &end["ErrorCode"]),
        (Vec::new(), &json!("RangeError"))
    );
    assert_eq!(details(&end)["errorMessage"], "no luck");
    pieces_arrive_as_they_are_produced(&server, &NODE);
}

/// For a caller of Invoke, a stream is buffered, including its prelude.
#[test]
fn a_caller_of_invoke_gets_the_stream_buffered() {
    for streamer in [GO, NODE, RUST] {
        let Ok((_project, server)) = streamer.serve() else {
            continue;
        };
        let barrier = Barrier::new();
        let event = json!({ "do": "stream", "barrier": barrier.address() }).to_string();
        for _ in 0..2 {
            let reply = std::thread::scope(|scope| {
                let call = scope.spawn(|| server.invoke("good", &event));
                drop(barrier.arrival());
                call.join().unwrap()
            });
            assert_eq!(
                (reply.status, reply.header("x-amz-function-error")),
                (200, None),
                "{reply:?}"
            );
            assert_eq!(streamer.after_prelude(&reply.body), b"first\nlast\n");
        }
    }
}
