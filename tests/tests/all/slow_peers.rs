//! Slow, half-closed or broken connections do not affect other clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    DOORS, Doors, Project, RAW_BOOTSTRAP, SERVICES, Server, eventually, lambkin, request,
};

/// Far more than all socket buffers on the way can hold.
const LARGE: usize = 64 * 1024 * 1024;

/// Serves `echo` and `other` with at most one environment each, so that a blocked environment is noticed.
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
fn callers_that_stall_midway_through_a_request_delay_no_other() {
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
fn idle_connections_exhaust_neither_files_nor_connections() {
    let project = Project::new(&format!(
        "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\n[queues.orders]\n{SERVICES}"
    ));
    let files = 512;
    let server = project.serve_with_files(files);
    let url = server.service_url("sqs");
    let poll = json!({ "QueueUrl": server.queue_url("orders"), "WaitTimeSeconds": 20 });
    thread::scope(|scope| {
        let polling = scope.spawn(|| server.sqs_ok("ReceiveMessage", &poll));
        let _staying: Vec<_> = (0..files + 50).map(|_| connect(url)).collect();
        works(&server, "echo");
        assert_eq!(server.s3("PUT", "/photos", &[], b"").status, 200);
        // A client that waits for a response still gets it.
        server.send("orders", "one");
        let received = polling.join().expect("an answer");
        assert_eq!(received["Messages"][0]["Body"], "one");
    });
}

#[test]
fn an_unread_log_delays_nothing() {
    let plugin = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../host/plugin/tests/fixtures/probe.wasm"
    );
    let project = Project::echo(&format!(
        "[services.failing]\nplugin = '{plugin}'\nlisten = '127.0.0.1:0'\n"
    ));
    let mut child = lambkin()
        .args(["serve", "--json"])
        .current_dir(project.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lambkin starts");
    let mut ready = String::new();
    BufReader::new(child.stdout.take().expect("its stdout"))
        .read_line(&mut ready)
        .expect("its ready line");
    let ready: Value = serde_json::from_str(&ready).expect("JSON");
    let failing = ready["services"]["failing"].as_str().expect("its address");
    // Each request logs a line; together they exceed the capacity of a pipe.
    for _ in 0..500 {
        assert_eq!(request(failing, "GET", "/trap", &[], b"").status, 500);
    }
    let invoke = ready["invoke"].as_str().expect("its address");
    let path = "/2015-03-31/functions/echo/invocations";
    let reply = request(invoke, "POST", path, &[], b"1");
    assert_eq!((reply.status, reply.text().as_str()), (200, "1"));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn half_closed_connections_and_broken_chunks_delay_no_other() {
    let (_project, server) = serve();
    for broken in [
        format!("{INVOKE}transfer-encoding: chunked\r\n\r\nzz\r\nnonsense"),
        format!("{INVOKE}transfer-encoding: chunked\r\n\r\n2\r\n[1, 2"),
        "\0\x01this is no HTTP\r\n\r\n".to_owned(),
    ] {
        // The connection is closed, with or without a response.
        let mut connection = send(server.invoke_url(), &broken);
        connection.shutdown(Shutdown::Write).expect("it is open");
        let _ = connection.read_to_end(&mut Vec::new()); // the connection may be reset
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
fn clients_that_half_close_or_stall_at_a_front_door_delay_no_other() {
    let doors = Doors::start("listen = '127.0.0.1:0'");
    for door in DOORS {
        let url = doors.server.trigger_url(door);
        let head = format!("POST /a HTTP/1.1\r\nhost: {door}\r\n");
        let mut kept = Vec::new();
        for request in [
            format!("{head}content-length: 2\r\n\r\n{{}}"),
            format!("{head}content-length: 2\r\n\r\n{{"),
            format!("{head}transfer-encoding: chunked\r\n\r\n2\r\n[1, 2"),
            head.clone(),
        ] {
            kept.push(send(url, &request));
            let half_closed = send(url, &request);
            half_closed.shutdown(Shutdown::Write).expect("it is open");
            kept.push(half_closed);
        }
        for _ in 0..3 {
            let reply = request(url, "GET", "/a", &[], b"");
            assert_eq!(
                (reply.status, reply.text().as_str()),
                (200, "done"),
                "{door}"
            );
        }
        drop(kept);
    }
}

#[test]
#[ignore = "takes long; .ci/run runs it"]
fn a_body_that_stalls_has_the_answer_of_the_door() {
    let doors = Doors::start("listen = '127.0.0.1:0'");
    let chat = Project::echo(
        "[triggers.web]\nplugin = 'api-gateway-websocket'\nlisten = '127.0.0.1:0'\nfunction = 'echo'\n",
    )
    .serve();
    let own = |door| match door {
        "function-url" => r#"{"Message":"Request Timeout"}"#,
        "alb" => "<center><h1>408 Request Time-out</h1></center>",
        _ => r#"{"message":"Request Timeout"}"#,
    };
    let urls = DOORS.map(|door| (doors.server.trigger_url(door), own(door)));
    let of_chat = (chat.trigger_url("web"), r#"{"message": "Request Timeout","#);
    let head = "POST /prod HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{";
    // All of them stall at the same time.
    let stalled = urls.into_iter().chain([of_chat]);
    let stalled: Vec<_> = stalled
        .map(|(url, answer)| (send(url, head), answer))
        .collect();
    for (mut connection, answer) in stalled {
        let timeout = Some(Duration::from_secs(180));
        connection.set_read_timeout(timeout).expect("a timeout");
        let mut reply = String::new();
        connection.read_to_string(&mut reply).expect("an answer");
        assert!(reply.starts_with("HTTP/1.1 408 "), "{reply}");
        assert!(reply.contains(answer), "{answer}: {reply}");
    }
}

#[test]
fn a_runtime_that_stalls_midway_through_a_response_delays_only_its_own_call() {
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
fn a_runtime_that_sends_a_broken_chunk_fails_only_its_own_call() {
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
fn a_stalled_runtime_api_client_delays_no_other() {
    // The connections come from the function itself, as all others are refused.
    let script = r#"
post='POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nhost: x\r\n'
halves=(
  'GET /2018-06-01/runtime/invo'
  "${post}content-length: 10\r\n\r\n12"
  "${post}transfer-encoding: chunked\r\n\r\nzz\r\n"
  'POST /2020-01-01/extension/register HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{'
  'PUT /2022-07-01/telemetry HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{'
)
for i in {1..50}; do
  exec {connection}<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"
  printf "${halves[i % 5]}" >&$connection
done
while next; do respond "$event"; done
"#;
    let other = format!("[functions.other]\ncode = '{RAW_BOOTSTRAP}'\n");
    let Ok(project) = Project::bash(&format!("concurrency = 1\n{other}"), script) else {
        return;
    };
    let server = project.serve();
    for _ in 0..2 {
        works(&server, "echo");
        works(&server, "other");
    }
}

#[test]
fn a_caller_that_never_reads_its_stream_delays_only_its_own_call() {
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
    // The environment is free again once the caller has disconnected.
    drop(unread);
    works(&server, "echo");
}
