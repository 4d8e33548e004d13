//! Recursive loops through a queue or a bucket, detected by the trace header that AWS's SDKs pass to the services.

use serde_json::json;

use super::until_empty;
use crate::support::{RecorderProject, Server, eventually, request};

/// A trace header whose lineage counts this many calls of `recorder`.
fn trace(calls: u32) -> String {
    format!(
        "Root=1-6b01d956-3cfc0d1d72ea443a86a8b032;Parent=5c98b58e8dad496b;Sampled=0;Lineage={calls}:efb233b7:{}",
        calls - 1
    )
}

fn send(server: &Server, body: &str, calls: u32) {
    let input = json!({ "QueueUrl": server.queue_url("orders"), "MessageBody": body });
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", "AmazonSQS.SendMessage"),
        ("x-amzn-trace-id", &trace(calls)),
    ];
    let body = input.to_string();
    let url = server.service_url("sqs");
    let reply = request(url, "POST", "/", &headers, body.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
}

fn put(server: &Server, key: &str, calls: u32) {
    let trace = trace(calls);
    let headers = [("x-amzn-trace-id", trace.as_str())];
    let reply = server.s3("PUT", &format!("/photos/{key}"), &headers, b"x");
    assert_eq!(reply.status, 200, "{}", reply.text());
}

fn project(function: &str) -> RecorderProject {
    RecorderProject::new(
        function,
        "[queues.orders]\nVisibilityTimeout = 3\n\
         RedrivePolicy = { deadLetterTargetArn = 'failed', maxReceiveCount = 1 }\n[queues.failed]\n[buckets.photos]\n\
         [triggers.orders]\nplugin = 'sqs'\nqueue = 'orders'\nfunction = 'recorder'\nBatchSize = 1\n\
         [triggers.photos]\nplugin = 's3'\nbucket = 'photos'\nfunction = 'recorder'\n",
    )
}

#[test]
fn a_loop_through_a_queue_is_stopped() {
    let recorder = project("");
    let server = recorder.project.serve();
    send(&server, "the last round", 15);
    send(&server, "one round too many", 16);
    eventually("the message to be a dead letter", || {
        server.counts("failed") == [1, 0, 0]
    });
    until_empty(&server, "orders");
    assert_eq!(recorder.bodies(), ["the last round"]);
    server.log_with("function recorder was called more than 16 times in one chain of calls");
}

#[test]
fn a_loop_through_a_bucket_is_stopped() {
    let recorder = project("");
    let server = recorder.project.serve();
    put(&server, "too-many", 16);
    server.log_with("function recorder was called more than 16 times in one chain of calls");
    put(&server, "the-last", 15);
    eventually("the last one to be delivered", || {
        !recorder.records().is_empty()
    });
    let delivered = recorder.records();
    assert_eq!(delivered.len(), 1, "{delivered:?}");
    assert_eq!(delivered[0]["s3"]["object"]["key"], "the-last");
}

#[test]
fn an_allowed_loop_continues() {
    let recorder = project("recursive-loop = 'Allow'");
    let server = recorder.project.serve();
    send(&server, "again", 100);
    put(&server, "again", 100);
    eventually("both to be delivered", || recorder.records().len() == 2);
}
