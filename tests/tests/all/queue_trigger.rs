//! Queue triggers: messages become events, and failed messages are received again.

mod gathering;
mod kill;
mod load;
mod loops;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Project, RAW_BOOTSTRAP, RecorderProject, Server, eventually};

/// A project with a queue with a short visibility timeout and its trigger, with further properties of the trigger.
fn orders(properties: &str) -> RecorderProject {
    RecorderProject::new(
        "",
        &format!(
            "[queues.orders]\nVisibilityTimeout = 1\n\
             RedrivePolicy = {{ deadLetterTargetArn = 'failed', maxReceiveCount = 3 }}\n[queues.failed]\n\
             [triggers.orders]\nplugin = 'sqs'\nqueue = 'orders'\nfunction = 'recorder'\n{properties}\n"
        ),
    )
}

const PARTIAL: &str = "FunctionResponseTypes = ['ReportBatchItemFailures']";

#[track_caller]
pub fn until_empty(server: &Server, queue: &str) {
    eventually(&format!("{queue} to be empty"), || {
        server.counts(queue) == [0, 0, 0]
    });
}

/// Sends a message with an attribute and returns the response.
pub fn send_one_order(server: &Server) -> Value {
    let message = json!({
        "QueueUrl": server.queue_url("orders"),
        "MessageBody": "one order",
        "MessageAttributes": { "Kind": { "DataType": "String", "StringValue": "new" } },
    });
    server.sqs_ok("SendMessage", &message)
}

/// Asserts that a record of an event matches the response of [`send_one_order`].
#[track_caller]
pub fn assert_delivered(record: &Value, sent: &Value) {
    assert_eq!(record["messageId"], sent["MessageId"]);
    assert_eq!(record["body"], "one order");
    assert_eq!(record["md5OfBody"], sent["MD5OfMessageBody"]);
    assert_eq!(
        record["md5OfMessageAttributes"],
        sent["MD5OfMessageAttributes"]
    );
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(
        record["eventSourceARN"],
        "arn:aws:sqs:us-east-1:123456789012:orders"
    );
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(record["messageAttributes"]["Kind"]["stringValue"], "new");
}

#[test]
fn a_message_becomes_an_event_and_is_deleted() {
    let recorder = orders("");
    let server = recorder.project.serve();
    let sent = send_one_order(&server);
    until_empty(&server, "orders");
    let records = recorder.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_delivered(&records[0], &sent);
}

#[test]
fn a_message_is_delivered_at_once_rather_than_at_the_next_poll() {
    let recorder = orders("");
    let server = recorder.project.serve();
    server.send("orders", "warm");
    until_empty(&server, "orders");
    let start = Instant::now();
    server.send("orders", "quick");
    eventually("the message to be delivered", || {
        recorder.bodies().contains(&"quick".to_owned())
    });
    // The next poll would come later than this.
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn only_the_listed_failures_are_received_again() {
    let recorder = orders(PARTIAL);
    let server = recorder.project.serve();
    server.send("orders", "fine");
    server.send("orders", &json!({ "failUntil": 2 }).to_string());
    until_empty(&server, "orders");
    let bodies = recorder.bodies();
    let delivered = |wanted: &str| bodies.iter().filter(|body| body.contains(wanted)).count();
    assert_eq!((delivered("fine"), delivered("failUntil")), (1, 2));
}

#[test]
fn a_malformed_list_of_failures_is_explained_in_the_log() {
    let recorder = RecorderProject::new(
        "env-file = 'answer.env'",
        &format!(
            "[queues.orders]\n[triggers.orders]\nplugin = 'sqs'\nqueue = 'orders'\nfunction = 'recorder'\n{PARTIAL}\n"
        ),
    );
    let answer = r#"RAW_BOOTSTRAP_ANSWER={"batchItemFailures":[{"itemIdentifier":"z"}]}"#;
    recorder.project.file("answer.env", answer);
    let server = recorder.project.serve();
    server.send("orders", "one");
    let log =
        server.log_with("`batchItemFailures[0].itemIdentifier` is no `messageId` of the event");
    assert!(
        log.contains("WARN") && log.contains("the whole batch has therefore failed"),
        "{log}"
    );
}

#[test]
fn listed_failures_are_ignored_without_report_batch_item_failures() {
    let recorder = orders("");
    let server = recorder.project.serve();
    server.send("orders", &json!({ "failUntil": 99 }).to_string());
    until_empty(&server, "orders");
    assert_eq!(recorder.records().len(), 1);
}

#[test]
fn messages_of_a_failed_or_crashed_invocation_are_received_again() {
    for failure in ["error", "exit"] {
        let recorder = orders(PARTIAL);
        let server = recorder.project.serve();
        server.send("orders", &json!({ failure: true }).to_string());
        until_empty(&server, "orders");
        let counts: Vec<Value> = recorder
            .records()
            .iter()
            .map(|record| record["attributes"]["ApproximateReceiveCount"].clone())
            .collect();
        assert_eq!(counts, ["1", "2"], "{failure}");
    }
}

#[test]
fn a_message_that_fails_too_often_goes_to_the_dead_letter_queue() {
    let recorder = orders(PARTIAL);
    let server = recorder.project.serve();
    let id = server.send("orders", &json!({ "failUntil": 99 }).to_string());
    eventually("the dead letter", || server.counts("failed")[0] == 1);
    assert_eq!(recorder.records().len(), 3);
    let received = server.sqs_ok(
        "ReceiveMessage",
        &json!({
            "QueueUrl": server.queue_url("failed"),
            "MessageSystemAttributeNames": ["All"],
        }),
    );
    let message = &received["Messages"][0];
    assert_eq!(message["MessageId"], id);
    assert_eq!(message["Attributes"]["ApproximateReceiveCount"], "4");
    assert_eq!(
        message["Attributes"]["DeadLetterQueueSourceArn"],
        "arn:aws:sqs:us-east-1:123456789012:orders"
    );
}

#[test]
fn messages_that_do_not_match_the_filter_are_deleted_without_an_invocation() {
    let recorder =
        orders(r#"FilterCriteria = { Filters = [{ Pattern = '{"body": {"kind": ["new"]}}' }] }"#);
    let server = recorder.project.serve();
    for kind in ["old", "new", "older"] {
        server.send("orders", &json!({ "kind": kind }).to_string());
    }
    until_empty(&server, "orders");
    assert_eq!(recorder.bodies(), [r#"{"kind":"new"}"#]);
}

#[test]
fn a_batching_window_collects_messages_until_the_batch_is_full() {
    let recorder = orders("BatchSize = 20\nMaximumBatchingWindowInSeconds = 300");
    let server = recorder.project.serve();
    for number in 0..20 {
        server.send("orders", &number.to_string());
    }
    eventually("the batch", || !recorder.events().is_empty());
    let sizes: Vec<usize> = recorder
        .events()
        .iter()
        .map(|event| event["Records"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [20]);
}

#[test]
fn message_groups_keep_their_order_when_messages_fail() {
    const GROUPS: usize = 10;
    const EACH: usize = 12;
    let recorder = RecorderProject::new(
        "",
        &format!(
            "[queues.'orders.fifo']\nVisibilityTimeout = 1\nContentBasedDeduplication = true\n\
             [triggers.orders]\nplugin = 'sqs'\nqueue = 'orders.fifo'\nfunction = 'recorder'\nBatchSize = 1\n{PARTIAL}\n"
        ),
    );
    let server = recorder.project.serve();
    for number in 0..EACH {
        for group in 0..GROUPS {
            // Every seventh message fails twice before it succeeds.
            let until = if (number * GROUPS + group).is_multiple_of(7) {
                3
            } else {
                1
            };
            server.sqs_ok(
                "SendMessage",
                &json!({
                    "QueueUrl": server.queue_url("orders.fifo"),
                    "MessageBody": json!({ "failUntil": until, "group": group, "number": number }).to_string(),
                    "MessageGroupId": format!("group-{group}"),
                }),
            );
        }
    }
    until_empty(&server, "orders.fifo");
    let records = recorder.records();
    for group in 0..GROUPS {
        let name = format!("group-{group}");
        let of_group = records
            .iter()
            .filter(|record| record["attributes"]["MessageGroupId"] == *name);
        let mut numbers: Vec<u64> = of_group
            .map(|record| {
                let body: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
                body["number"].as_u64().unwrap()
            })
            .collect();
        assert!(numbers.is_sorted(), "{name}: {numbers:?}");
        numbers.dedup();
        assert_eq!(numbers.len(), EACH, "{name}");
    }
}

#[test]
fn a_duplicate_within_five_minutes_is_delivered_once() {
    let recorder = RecorderProject::new(
        "",
        "[queues.'orders.fifo']\n\
         [triggers.orders]\nplugin = 'sqs'\nqueue = 'orders.fifo'\nfunction = 'recorder'\n",
    );
    let server = recorder.project.serve();
    let send = || {
        server.sqs_ok(
            "SendMessage",
            &json!({
                "QueueUrl": server.queue_url("orders.fifo"),
                "MessageBody": "once",
                "MessageGroupId": "g",
                "MessageDeduplicationId": "d",
            }),
        )
    };
    let first = send();
    until_empty(&server, "orders.fifo");
    assert_eq!(send(), first);
    until_empty(&server, "orders.fifo");
    assert_eq!(recorder.records().len(), 1);
}

#[test]
fn the_sqs_plugin_works_the_same_when_given_as_a_file() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/prebuilt/sqs.wasm");
    let project = Project::new(&format!(
        "[functions.echo]\ncode = '{RAW_BOOTSTRAP}'\n[functions.echo.environment]\nRAW_BOOTSTRAP_RECORD = 'delivered'\n\
         [queues.orders]\n\
         [services.sqs]\nplugin = '{file}'\nlisten = '127.0.0.1:0'\nqueues = ['orders']\n\
         [triggers.orders]\nplugin = '{file}'\nqueue = 'orders'\nfunction = 'echo'\n"
    ));
    let server = project.serve();
    server.send("orders", "one");
    until_empty(&server, "orders");
}

#[test]
fn a_service_sees_only_the_queues_granted_to_it() {
    let project = Project::new(
        "[queues.orders]\n[queues.secret]\n\
         [services.sqs]\nplugin = 'sqs'\nlisten = '127.0.0.1:0'\nqueues = ['orders', 'test-*']\n",
    );
    let server = project.serve();
    let create = |name: &str| {
        server
            .sqs("CreateQueue", &json!({ "QueueName": name }))
            .status
    };
    assert_eq!(create("test-1"), 200);
    assert_ne!(create("other"), 200);
    let listed = server.sqs_ok("ListQueues", &json!({}));
    let names: BTreeSet<&str> = listed["QueueUrls"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|url| url.as_str()?.rsplit('/').next())
        .collect();
    assert_eq!(names, BTreeSet::from(["orders", "test-1"]));
    let secret = json!({ "QueueUrl": server.queue_url("secret"), "MessageBody": "x" });
    let refused = server.sqs("SendMessage", &secret);
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json()["__type"],
        "com.amazonaws.sqs#QueueDoesNotExist"
    );
}

#[test]
fn a_failed_invocation_is_recorded_in_a_queue_that_clients_can_read() {
    let project = Project::echo(
        "[functions.echo.asynchronous]\nmaximum-retry-attempts = 0\non-failure = 'queue:failures'\n\
         [services.sqs]\nplugin = 'sqs'\nlisten = '127.0.0.1:0'\nqueues = ['*']\n",
    );
    let server = project.serve();
    let reply = server.invoke_with(
        "echo",
        json!({ "error": "intended" }).to_string(),
        &[("x-amz-invocation-type", "Event")],
    );
    assert_eq!(reply.status, 202);
    let mut received = Value::Null;
    eventually("the record of the failure", || {
        let url = server.queue_url("failures");
        let reply = server.sqs(
            "ReceiveMessage",
            &json!({ "QueueUrl": url, "WaitTimeSeconds": 1 }),
        );
        received = if reply.status == 200 {
            reply.json()
        } else {
            Value::Null
        };
        received["Messages"].is_array()
    });
    let body = received["Messages"][0]["Body"].as_str().unwrap();
    let record: Value = serde_json::from_str(body).unwrap();
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
}

#[test]
fn functions_get_the_service_endpoints_and_credentials() {
    let server = Project::echo(crate::support::SERVICES).serve();
    let variable = |name: &str| {
        let value = server.invoke("echo", format!(r#"{{"env":"{name}"}}"#));
        value.json().as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(variable("AWS_ENDPOINT_URL_SQS"), server.service_url("sqs"));
    assert_eq!(variable("AWS_ENDPOINT_URL_S3"), server.service_url("s3"));
    assert!(!variable("AWS_ACCESS_KEY_ID").is_empty());
}
