//! Functions that cause themselves through a queue or a bucket: the SDKs of AWS hand the trace header on to the services.

use serde_json::json;

use super::until_empty;
use crate::support::{Recorded, Server, eventually, request};

/// The trace of somebody who was called so often in a chain that `recorder` was in each time.
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

fn project(function: &str) -> Recorded {
    Recorded::new(
        function,
        "[queues.orders]\nVisibilityTimeout = 3\n\
         RedrivePolicy = { deadLetterTargetArn = 'failed', maxReceiveCount = 1 }\n[queues.failed]\n[buckets.photos]\n\
         [triggers.orders]\nplugin = 'sqs'\nqueue = 'orders'\nfunction = 'recorder'\nBatchSize = 1\n\
         [triggers.photos]\nplugin = 's3'\nbucket = 'photos'\nfunction = 'recorder'\n",
    )
}

#[test]
fn a_loop_through_a_queue_is_stopped() {
    let recorded = project("");
    let server = recorded.project.serve();
    send(&server, "the last round", 15);
    send(&server, "one round too many", 16);
    eventually("the message to be a dead letter", || {
        server.counts("failed") == [1, 0, 0]
    });
    until_empty(&server, "orders");
    assert_eq!(recorded.bodies(), ["the last round"]);
    server.log_with("function recorder was called more than 16 times in one chain of calls");
}

#[test]
fn a_loop_through_a_bucket_is_stopped() {
    let recorded = project("");
    let server = recorded.project.serve();
    put(&server, "too-many", 16);
    server.log_with("function recorder was called more than 16 times in one chain of calls");
    put(&server, "the-last", 15);
    eventually("the last one to be told", || !recorded.records().is_empty());
    let told = recorded.records();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["s3"]["object"]["key"], "the-last");
}

#[test]
fn an_allowed_loop_continues() {
    let recorded = project("recursive-loop = 'Allow'");
    let server = recorded.project.serve();
    send(&server, "again", 100);
    put(&server, "again", 100);
    eventually("both to be told", || recorded.records().len() == 2);
}
