//! The examples on queues and buckets.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use super::copy;
use crate::support::{Project, curl, eventually, lambkin};

/// The standard output of a `lambkin` command, which must succeed.
#[track_caller]
fn printed(project: &Project, arguments: &[&str]) -> String {
    let output = lambkin()
        .args(arguments)
        .current_dir(project.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_uploaded_text_is_counted_and_the_count_is_reported() {
    let Ok(project) = copy("queue-and-bucket", Some("functions/package")) else {
        return;
    };
    let server = project.serve();
    let text = "one two three four";
    let put = server.s3("PUT", "/texts/notes/readme.md", &[], text.as_bytes());
    assert_eq!(put.status, 200, "{}", put.text());
    server.log_with("texts/notes/readme.md has 4 words");
    fs::write(project.path().join("inbox/hello.txt"), "one two three\n").unwrap();
    server.log_with("inbox/hello.txt has 3 words");

    let empty = [("content-length", "0")];
    let put = server.s3("PUT", "/texts/empty.md", &empty, b"");
    assert_eq!(put.status, 200, "{}", put.text());
    let mut failed = String::new();
    eventually("the dead letter", || {
        failed = printed(&project, &["queue", "counts-failed"]);
        !failed.is_empty()
    });
    let failed: Value = serde_json::from_str(&failed).unwrap();
    assert_eq!(failed, json!({ "text": "texts/empty.md", "words": 0 }));
    assert_eq!(server.counts("counts"), [0, 0, 0], "{}", server.log());
}

#[test]
fn shape_prints_the_events_of_the_queue_and_the_bucket() {
    let Ok(project) = copy("queue-and-bucket", Some("functions/package")) else {
        return;
    };
    let event: Value = serde_json::from_str(&printed(
        &project,
        &["shape", "uploads", "put", "notes/a.md"],
    ))
    .unwrap();
    assert_eq!(event["Records"][0]["s3"]["object"]["key"], "notes/a.md");
    let body = r#"{"words": 3}"#;
    let event: Value =
        serde_json::from_str(&printed(&project, &["shape", "counts", "--body", body])).unwrap();
    assert_eq!(event["Records"][0]["body"], body);
}

#[test]
fn a_custom_trigger_defines_its_own_event_and_rejects_messages() {
    if curl().is_err() {
        return;
    }
    let Ok(project) = copy("orders-feed", Some("target")) else {
        return;
    };
    let checked = printed(&project, &["check"]);
    assert!(
        checked.contains("orders_feed.wasm on queue orders"),
        "{checked}"
    );
    let server = project.serve();
    let tea = server.send("orders", r#"{"item":"tea","quantity":2}"#);
    server.log_with(&format!(
        r#"event: {{"feed":"orders","orders":[{{"message":"{tea}","attempt":1,"order":{{"item":"tea","quantity":2}}}}]}}"#
    ));
    let nothing = r#"{"item":"tea","quantity":0}"#;
    server.send("orders", nothing);
    let mut rejected = String::new();
    eventually("the order to be rejected", || {
        rejected = printed(&project, &["queue", "orders-rejected"]);
        !rejected.is_empty()
    });
    assert_eq!(rejected.trim_end(), nothing);
    eventually("the other one to be done", || {
        server.counts("orders") == [0, 0, 0]
    });
}
