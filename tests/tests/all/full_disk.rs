//! A full disk: clients get AWS's error, the log has the cause, and acknowledged data is kept.
//!
//! A resource limit makes the operating system refuse every write of the host to a file, until the test lifts it.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{RecorderProject, Reply, Server, disk_recorder, eventually};

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

/// The size of the disk in the test below, in bytes: the reserve fits and something besides.
const SMALL_DISK: &str = "60000000";

#[test]
fn a_client_gets_out_of_a_disk_that_is_full_of_its_own_messages() {
    let Ok(library) = disk_recorder() else {
        return;
    };
    let recorder = RecorderProject::new("", CONFIG);
    std::fs::create_dir(recorder.project.path().join("shown")).unwrap();
    let own = recorder.project.path().join(".lambkin");
    std::fs::create_dir(&own).unwrap();
    let own = std::fs::canonicalize(own).unwrap();
    let variables = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("DISK_RECORDER_ROOT", own.to_str().unwrap()),
        ("DISK_RECORDER_LOG", "/dev/null"),
        ("DISK_RECORDER_LIMIT", SMALL_DISK),
    ];
    let mut server = recorder.project.serve_with(&[], &variables);
    assert_eq!(server.s3("PUT", "/things/a", &[], b"a").status, 200);
    let reserve = own.join("store.sqlite.reserve");
    let reserve_size = || std::fs::metadata(&reserve).map_or(0, |about| about.len());
    eventually("the reserve", || reserve_size() == 20 << 20);
    let body = "x".repeat(200_000);
    let fill = |server: &Server| {
        for _ in 0..1000 {
            let sent = send(server, &body);
            if sent.status != 200 {
                return assert_unavailable(&sent, "ServiceUnavailable");
            }
        }
        panic!("the disk is never full");
    };
    fill(&server);
    assert_eq!(
        reserve_size(),
        20 << 20,
        "what is new does not get the reserve"
    );
    let receive = |server: &Server, expected: usize| {
        let url = server.queue_url("orders");
        let input = json!({ "QueueUrl": url, "MaxNumberOfMessages": 1, "VisibilityTimeout": 0 });
        for _ in 0..expected {
            let received = server.sqs_ok("ReceiveMessage", &input);
            let receipt = received["Messages"][0]["ReceiptHandle"].as_str().unwrap();
            let delete = json!({ "QueueUrl": url, "ReceiptHandle": receipt });
            server.sqs_ok("DeleteMessage", &delete);
        }
    };
    receive(&server, 20);
    let log = server.log_with("the reserve was given up");
    assert_eq!(log.matches("the reserve was given up").count(), 1, "{log}");
    assert_eq!(reserve_size(), 0);
    assert_unavailable(
        &server.s3("PUT", "/things/b", &[], b"b"),
        "ServiceUnavailable",
    );
    assert_eq!(server.s3("DELETE", "/things/a", &[], b"").status, 204);
    // What fits into the place of deleted messages is stored.
    eventually("messages are accepted", || {
        send(&server, "small").status == 200
    });

    server.signal(Signal::KILL);
    server.wait();
    let server = recorder.project.serve_with(&[], &variables);
    fill(&server);
    receive(&server, 20);
    server.sqs_ok("PurgeQueue", &queue_of(&server));
    eventually("messages are accepted", || {
        send(&server, &body).status == 200
    });
    server.sqs_ok("DeleteQueue", &queue_of(&server));
}

fn queue_of(server: &Server) -> Value {
    json!({ "QueueUrl": server.queue_url("orders") })
}
