//! Services in the host: shutdown, incomplete requests, and large responses.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Project, S3_AUTHORIZATION, SERVICES, Server, raw};

/// The longest wait time of SQS, in seconds.
const LONGEST_POLL: u64 = 20;

/// The address of the service `sqs` and a request to it, on a connection that closes after the response.
fn operation(server: &Server, operation: &str, input: &Value) -> (String, String) {
    let address = server.service_url("sqs").trim_start_matches("http://");
    let input = input.to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.{operation}\r\n\
         content-length: {}\r\n\r\n{input}",
        input.len()
    );
    (address.to_owned(), request)
}

/// The whole response; empty if the host exits before it responds.
fn answer((address, request): &(String, String)) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn an_open_long_poll_neither_delays_shutdown_nor_loses_messages() {
    let project = Project::new(&format!(
        "[queues.quiet]\n[queues.busy]\nVisibilityTimeout = 1\n{SERVICES}"
    ));
    let mut server = project.serve();
    let poll = |queue: &str| {
        let input = json!({ "QueueUrl": server.queue_url(queue), "WaitTimeSeconds": LONGEST_POLL });
        operation(&server, "ReceiveMessage", &input)
    };
    let (quiet, busy) = (poll("quiet"), poll("busy"));
    let began = Instant::now();
    let waiting = thread::spawn(move || answer(&quiet));
    let acknowledged = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        // One client sends and another receives without deleting, until the host has stopped.
        let sends: Vec<_> = (0..10_000)
            .map(|number| {
                let body = format!("message {number}");
                let input = json!({ "QueueUrl": server.queue_url("busy"), "MessageBody": body });
                (operation(&server, "SendMessage", &input), body)
            })
            .collect();
        let acknowledged = &acknowledged;
        scope.spawn(move || {
            for (send, body) in sends {
                let answer = answer(&send).unwrap_or_default();
                if !answer.starts_with("HTTP/1.1 200") {
                    break;
                }
                acknowledged.lock().unwrap().insert(body);
            }
        });
        scope.spawn(move || while answer(&busy).is_ok_and(|answer| !answer.is_empty()) {});
        crate::support::eventually("some messages", || acknowledged.lock().unwrap().len() > 20);
        server.signal(Signal::TERM);
    });
    assert!(server.wait().success());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(LONGEST_POLL), "{took:?}");
    let answered = waiting.join().unwrap().unwrap();
    assert!(
        answered.is_empty() || answered.starts_with("HTTP/1.1 200"),
        "{answered}"
    );

    let server = project.serve();
    let mut lost = acknowledged.into_inner().unwrap();
    let input = json!({
        "QueueUrl": server.queue_url("busy"), "WaitTimeSeconds": 5, "MaxNumberOfMessages": 10,
    });
    crate::support::eventually("all messages", || {
        let received = server.sqs_ok("ReceiveMessage", &input);
        for message in received["Messages"].as_array().into_iter().flatten() {
            lost.remove(message["Body"].as_str().unwrap());
        }
        lost.is_empty()
    });
}

#[test]
fn an_incomplete_request_is_the_clients_error() {
    let project = Project::new(&format!("[queues.orders]\n{SERVICES}"));
    let server = project.serve();
    let url = server.service_url("sqs");
    let head = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    for chunks in ["zz\r\nnonsense", "ffffffffffffffffff\r\n{}"] {
        let reply = raw(url, format!("{head}{chunks}").as_bytes());
        assert_eq!(reply.status, 400, "{chunks}: {reply:?}");
        assert!(
            reply
                .text()
                .contains("the body of the request is incomplete"),
            "{reply:?}"
        );
    }
    server.send("orders", "one");
    // The log must not blame the plugin.
    assert!(!server.log().contains("defect"), "{}", server.log());
}

#[test]
fn a_refused_expect_100_continue_closes_the_connection() {
    let project = Project::new(&format!("[buckets.here]\n{SERVICES}"));
    let server = project.serve();
    let address = server.service_url("s3").trim_start_matches("http://");
    let put = |bucket: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let head = format!(
            "PUT /{bucket}/key HTTP/1.1\r\nhost: {address}\r\nauthorization: {S3_AUTHORIZATION}\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };

    let mut refusal = String::new();
    put("nowhere").read_to_string(&mut refusal).unwrap();
    assert!(refusal.starts_with("HTTP/1.1 404"), "{refusal}");
    assert!(refusal.contains("\r\nconnection: close\r\n"), "{refusal}");

    let mut stream = put("here");
    let mut next = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut next).unwrap();
    assert_eq!(&next, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
        .write_all(
            format!(
                "helloGET /here/key HTTP/1.1\r\nhost: x\r\nauthorization: {S3_AUTHORIZATION}\r\nconnection: close\r\n\r\n"
            )
            .as_bytes(),
        )
        .unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    assert!(answers.ends_with("hello"), "{answers}");
}

#[test]
fn ten_messages_of_maximum_size_fit_into_one_response_with_every_byte_escaped() {
    let project = Project::new(&format!("[queues.quotes]\n{SERVICES}"));
    let server = project.serve();
    let body = "\"".repeat(1 << 20);
    let url = server.queue_url("quotes");
    for _ in 0..10 {
        let input = json!({ "QueueUrl": url, "MessageBody": body });
        let sent = answer(&operation(&server, "SendMessage", &input)).unwrap();
        assert!(sent.starts_with("HTTP/1.1 200"), "{sent}");
    }
    let input = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
    let received = answer(&operation(&server, "ReceiveMessage", &input)).unwrap();
    let (_, received) = received.split_once("\r\n\r\n").unwrap();
    let received: Value = serde_json::from_str(received).unwrap();
    let messages = received["Messages"].as_array().unwrap();
    assert_eq!(messages.len(), 10);
    assert!(messages.iter().all(|message| message["Body"] == body));
}
