//! A full disk: clients get AWS's error, the log has the cause, and acknowledged data is kept.
//!
//! A resource limit makes the operating system refuse every write of the host to a file, until the test lifts it.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{RecorderProject, Reply, Server, eventually};

const CONFIG: &str = "[queues.orders]\n[queues.delivered]\n[buckets.things]\n[buckets.shown]\nfolder = 'shown'\n[buckets.watched]\n\
     [triggers.delivered]\nplugin = 'sqs'\nqueue = 'delivered'\nfunction = 'recorder'\n\
     [triggers.watched]\nplugin = 's3'\nbucket = 'watched'\nfunction = 'recorder'\n";

#[track_caller]
fn assert_unavailable(reply: &Reply, code: &str) {
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert!(reply.text().contains(code), "{}", reply.text());
}

fn send(server: &Server, body: &str) -> Reply {
    let input = json!({ "QueueUrl": server.queue_url("orders"), "MessageBody": body });
    server.sqs("SendMessage", &input)
}

/// Every message of the queue, by body.
#[track_caller]
fn received(server: &Server, expected: usize) -> BTreeSet<String> {
    let input = json!({
        "QueueUrl": server.queue_url("orders"), "MaxNumberOfMessages": 10, "WaitTimeSeconds": 5,
    });
    let mut bodies = BTreeSet::new();
    eventually("all messages", || {
        let received = server.sqs_ok("ReceiveMessage", &input);
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        let body = |message: &Value| message["Body"].as_str().unwrap().to_owned();
        bodies.extend(messages.iter().map(body));
        bodies.len() >= expected
    });
    bodies
}

#[test]
fn failed_writes_are_refused_and_acknowledged_data_is_kept() {
    let recorder = RecorderProject::new("", CONFIG);
    std::fs::create_dir(recorder.project.path().join("shown")).unwrap();
    let mut server = recorder.project.serve_on_a_limited_disk();
    assert_eq!(send(&server, "before").status, 200);
    let content = "content ".repeat(20_000);
    for path in ["/things/before", "/shown/before"] {
        let put = server.s3("PUT", path, &[], content.as_bytes());
        assert_eq!(put.status, 200, "{}", put.text());
    }

    server.write_up_to(Some(0));
    for _ in 0..3 {
        assert_unavailable(&send(&server, "refused"), "ServiceUnavailable");
        for path in [
            "/things/before",
            "/things/refused",
            "/shown/before",
            "/shown/refused",
        ] {
            assert_unavailable(
                &server.s3("PUT", path, &[], b"refused"),
                "<Code>ServiceUnavailable</Code>",
            );
        }
        assert_unavailable(
            &server.s3("DELETE", "/things/before", &[], b""),
            "ServiceUnavailable",
        );
    }
    let log = server.log_with("cannot write to the store");
    assert!(log.contains("store.sqlite"), "{log}");
    server.log_with("cannot write ");

    // Writes succeed again.
    server.write_up_to(None);
    assert_eq!(send(&server, "after").status, 200);
    assert_eq!(server.s3("PUT", "/things/after", &[], b"new").status, 200);
    server.send("delivered", "triggers go on, too");
    let put = server.s3("PUT", "/watched/a", &[], b"x");
    assert_eq!(put.status, 200, "{}", put.text());
    eventually("both triggers", || {
        let delivered = recorder.records();
        ["aws:sqs", "aws:s3"].iter().all(|source| {
            let mut delivered = delivered.iter();
            delivered.any(|record| record["eventSource"] == *source)
        })
    });

    server.write_up_to(Some(0));
    assert_unavailable(&send(&server, "refused"), "ServiceUnavailable");
    server.signal(Signal::KILL);
    server.wait();
    let server = recorder.project.serve();
    let kept = ["after", "before"].map(str::to_owned);
    assert_eq!(received(&server, 2), BTreeSet::from(kept));
    for path in ["/things/before", "/shown/before"] {
        let got = server.s3("GET", path, &[], b"");
        assert_eq!((got.status, got.text()), (200, content.clone()), "{path}");
    }
    assert_eq!(server.s3("GET", "/things/after", &[], b"").text(), "new");
    for path in ["/things/refused", "/shown/refused"] {
        assert_eq!(server.s3("GET", path, &[], b"").status, 404, "{path}");
    }
}
