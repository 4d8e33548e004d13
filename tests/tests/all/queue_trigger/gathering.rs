//! Batches that wait for their batching window, and what can happen to their messages meanwhile.

use rustix::process::Signal;
use serde_json::json;

use super::{orders, until_empty};
use crate::support::{RecorderProject, eventually};

#[test]
fn a_message_received_again_while_its_batch_waits_is_in_it_once() {
    let recorder = orders("BatchSize = 100\nMaximumBatchingWindowInSeconds = 300");
    let server = recorder.project.serve();
    let sent = server.send("orders", "patient");
    // Its visibility timeout of one second ends long before the window.
    until_empty(&server, "orders");
    let delivered = recorder.records();
    let ids: Vec<_> = delivered
        .iter()
        .map(|record| &record["messageId"])
        .collect();
    assert_eq!(ids, [&json!(sent)]);
    assert_eq!(server.counts("failed"), [0, 0, 0]);
}

#[test]
fn messages_collected_but_not_delivered_do_not_count_as_received() {
    let config = |window: &str| {
        format!(
            "[queues.orders]\nRedrivePolicy = {{ deadLetterTargetArn = 'failed', maxReceiveCount = 1 }}\n\
             [queues.failed]\n\
             [triggers.orders]\nplugin = 'sqs'\nqueue = 'orders'\nfunction = 'recorder'\n{window}\n"
        )
    };
    let window = "BatchSize = 100\nMaximumBatchingWindowInSeconds = 300";
    let recorder = RecorderProject::new("", &config(window));
    let mut server = recorder.project.serve();
    for number in 0..3 {
        server.send("orders", &number.to_string());
    }
    eventually("the batch to wait", || server.counts("orders") == [0, 3, 0]);
    server.signal(Signal::INT);
    assert!(server.wait().success());
    let file = recorder.project.path().join("lambkin.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(window, "")).unwrap();
    let server = recorder.project.serve();
    until_empty(&server, "orders");
    let mut bodies = recorder.bodies();
    bodies.sort();
    assert_eq!(bodies, ["0", "1", "2"]);
    for record in recorder.records() {
        assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    }
    assert_eq!(server.counts("failed"), [0, 0, 0]);
}

#[test]
fn a_batch_of_a_throttled_function_is_logged() {
    let recorder = RecorderProject::new(
        "reserved-concurrency = 0",
        "[queues.orders]\n\
         [triggers.orders]\nplugin = 'sqs'\nqueue = 'orders'\nfunction = 'recorder'\n",
    );
    let server = recorder.project.serve();
    server.send("orders", "too much");
    server.log_with("orders: function recorder is throttled; 1 message(s) were not processed");
}
