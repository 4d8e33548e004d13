//! Queue triggers with `poll`, which receives messages from a queue of another server.
//!
//! The other server is a second Lambkin, a [`MockServer`](crate::support::MockServer) that records requests, or
//! ElasticMQ.

mod elasticmq;
mod interrupted;
mod requests;
mod tls;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::queue_trigger::{assert_delivered, send_one_order, until_empty};
use crate::support::{Project, RecorderProject, SERVICES, Server, eventually};

const PARTIAL: &str = "FunctionResponseTypes = ['ReportBatchItemFailures']";

/// A server with the queues `orders` and `orders.fifo`, with short visibility timeouts so that retries come soon.
fn outside() -> Server {
    let project = Project::new(&format!(
        "{SERVICES}\n[queues.orders]\nVisibilityTimeout = 5\n\
         [queues.'orders.fifo']\nVisibilityTimeout = 1\nContentBasedDeduplication = true\n"
    ));
    project.serve()
}

/// A project whose function receives the messages of a queue at `url`, with further properties of the trigger.
fn polling(url: &str, queue: &str, properties: &str) -> RecorderProject {
    RecorderProject::new("", &trigger(url, queue, properties))
}

/// The configuration of the trigger; lines appended to it belong to its `poll` table.
fn trigger(url: &str, queue: &str, properties: &str) -> String {
    format!(
        "[triggers.elsewhere]\nplugin = 'sqs'\nfunction = 'recorder'\n{properties}\n\
         [triggers.elsewhere.poll]\nqueue-url = '{url}/123456789012/{queue}'\nnetwork = ['{url}']\n"
    )
}

#[track_caller]
fn wait_for_delivery(recorder: &RecorderProject, records: usize) {
    eventually(&format!("{records} records"), || {
        recorder.records().len() >= records
    });
}

#[test]
fn a_message_becomes_an_event_and_is_deleted() {
    let outside = outside();
    let recorder = polling(outside.service_url("sqs"), "orders", "");
    let server = recorder.project.serve();
    let sent = send_one_order(&outside);
    wait_for_delivery(&recorder, 1);
    until_empty(&outside, "orders");
    let records = recorder.records();
    assert_eq!(records.len(), 1, "{}", server.log());
    assert_delivered(&records[0], &sent);
}

#[test]
fn a_failed_message_stays_in_the_queue_until_its_visibility_timeout_ends() {
    for failure in ["error", "exit"] {
        let outside = outside();
        let recorder = polling(outside.service_url("sqs"), "orders", PARTIAL);
        let _server = recorder.project.serve();
        let start = Instant::now();
        outside.send("orders", &json!({ failure: true }).to_string());
        wait_for_delivery(&recorder, 2);
        // The visibility timeout of five seconds was not shortened.
        assert!(start.elapsed() >= Duration::from_secs(5), "{failure}");
        until_empty(&outside, "orders");
        let counts: Vec<Value> = recorder
            .records()
            .iter()
            .map(|record| record["attributes"]["ApproximateReceiveCount"].clone())
            .collect();
        assert_eq!(counts, ["1", "2"], "{failure}");
    }
}

#[test]
fn only_the_listed_failures_are_received_again() {
    let outside = outside();
    // Sent before polling starts, so that they form one batch.
    outside.send("orders", "fine");
    outside.send("orders", &json!({ "failUntil": 2 }).to_string());
    outside.send("orders", "fine too");
    let recorder = polling(outside.service_url("sqs"), "orders", PARTIAL);
    let _server = recorder.project.serve();
    wait_for_delivery(&recorder, 4);
    until_empty(&outside, "orders");
    let bodies = recorder.bodies();
    let delivered = |wanted: &str| bodies.iter().filter(|body| body.contains(wanted)).count();
    assert_eq!(
        (delivered("fine"), delivered("failUntil")),
        (2, 2),
        "{bodies:?}"
    );
}

#[test]
fn a_batching_window_collects_the_messages_of_several_polls() {
    let outside = outside();
    let properties = "BatchSize = 20\nMaximumBatchingWindowInSeconds = 300";
    // The visibility timeout has to be longer than it takes to collect the batch.
    let lease = json!({ "QueueName": "slow", "Attributes": { "VisibilityTimeout": "600" } });
    outside.sqs_ok("CreateQueue", &lease);
    let recorder = polling(outside.service_url("sqs"), "slow", properties);
    let _server = recorder.project.serve();
    for number in 0..20 {
        outside.send("slow", &number.to_string());
    }
    wait_for_delivery(&recorder, 20);
    let sizes: Vec<usize> = recorder
        .events()
        .iter()
        .map(|event| event["Records"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [20]);
    until_empty(&outside, "slow");
}

#[test]
fn message_groups_keep_their_order_when_messages_fail() {
    const GROUPS: usize = 4;
    const EACH: usize = 8;
    let outside = outside();
    let properties = format!("BatchSize = 3\n{PARTIAL}");
    let recorder = polling(outside.service_url("sqs"), "orders.fifo", &properties);
    let _server = recorder.project.serve();
    for number in 0..EACH {
        for group in 0..GROUPS {
            // Every fifth message fails once before it succeeds.
            let until = 1 + usize::from((number * GROUPS + group).is_multiple_of(5));
            let body = json!({ "failUntil": until, "group": group, "number": number });
            outside.sqs_ok(
                "SendMessage",
                &json!({
                    "QueueUrl": outside.queue_url("orders.fifo"),
                    "MessageBody": body.to_string(),
                    "MessageGroupId": format!("group-{group}"),
                }),
            );
        }
    }
    eventually("every message to be delivered", || {
        let bodies = recorder.bodies();
        let delivered: std::collections::BTreeSet<_> = bodies.iter().collect();
        delivered.len() == GROUPS * EACH
    });
    until_empty(&outside, "orders.fifo");
    for group in 0..GROUPS {
        let numbers: Vec<u64> = recorder
            .bodies()
            .iter()
            .map(|body| serde_json::from_str::<Value>(body).unwrap())
            .filter(|body| body["group"] == group)
            .map(|body| body["number"].as_u64().unwrap())
            .collect();
        let mut last_of_each = numbers.clone();
        last_of_each.dedup();
        assert!(in_order(&numbers), "group {group}: {numbers:?}");
        assert!(last_of_each.len() >= EACH, "group {group}: {numbers:?}");
    }
}

/// Whether no number was delivered before all smaller ones. A batch is delivered again from its first failed message
/// on, so smaller numbers may be repeated.
fn in_order(numbers: &[u64]) -> bool {
    let mut next = 0;
    numbers.iter().all(|&number| {
        let fine = number <= next;
        next = next.max(number + 1);
        fine
    })
}
