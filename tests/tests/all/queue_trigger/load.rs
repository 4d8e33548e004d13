//! Ten thousand messages, some of which fail or crash their process: each is delivered, and none remains in the queue.

use std::collections::BTreeSet;

use serde_json::json;

use super::PARTIAL;
use crate::support::{RecorderProject, eventually};

const MESSAGES: usize = 10_000;

#[test]
#[ignore = "wants the machine for itself; .ci/run runs it"]
fn ten_thousand_messages_are_all_delivered_despite_failures_and_crashes() {
    let recorder = RecorderProject::new(
        "concurrency = 4",
        &format!(
            "[queues.many]\nVisibilityTimeout = 5\n\
             [triggers.many]\nplugin = 'sqs'\nqueue = 'many'\nfunction = 'recorder'\nBatchSize = 100\n\
             MaximumBatchingWindowInSeconds = 1\n{PARTIAL}\n"
        ),
    );
    let server = recorder.project.serve();
    let url = server.queue_url("many");
    for first in (0..MESSAGES).step_by(10) {
        let entries: Vec<_> = (first..first + 10)
            .map(|number| {
                let body = match number % 100 {
                    7 => json!({ "number": number, "failUntil": 2 }),
                    13 => json!({ "number": number, "failUntil": 3 }),
                    _ if number % 2_500 == 99 => json!({ "number": number, "exit": true }),
                    _ if number % 2_500 == 199 => json!({ "number": number, "error": true }),
                    _ => json!({ "number": number }),
                };
                json!({ "Id": number.to_string(), "MessageBody": body.to_string() })
            })
            .collect();
        let sent = server.sqs_ok(
            "SendMessageBatch",
            &json!({ "QueueUrl": url, "Entries": entries }),
        );
        assert_eq!(
            sent["Successful"].as_array().map(Vec::len),
            Some(10),
            "{sent}"
        );
    }
    eventually("the queue to be empty", || {
        server.counts("many") == [0, 0, 0]
    });
    let delivered: BTreeSet<u64> = recorder
        .bodies()
        .iter()
        .filter_map(|body| serde_json::from_str::<serde_json::Value>(body).ok()?["number"].as_u64())
        .collect();
    assert_eq!(delivered.len(), MESSAGES);
}
