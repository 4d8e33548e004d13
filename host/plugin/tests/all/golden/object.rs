//! Object triggers: changes and their events.

use lambkin_model::ObjectChange;
use lambkin_plugin::{Plugin, Reuse, Role, Target};
use serde_json::{Value, json};

use super::{accepted, calls, cases_of, number, optional, pairs, surroundings, text};

#[tokio::test]
async fn the_component_answers_every_case_as_recorded() {
    let (plugin, cases) = cases_of("s3", Role::ObjectTrigger).await;
    let mut count = 0;
    for (file, case) in cases {
        count += run(&plugin, &case, &file).await;
    }
    assert!(count >= 25, "only {count} calls: the cases are missing");
}

/// Runs one file; the number of calls it holds.
async fn run(plugin: &Plugin, case: &Value, file: &str) -> usize {
    let (config, bucket) = (case["config"].to_string(), &case["bucket"]);
    let around = surroundings(&text(bucket, "region"), &text(bucket, "account"));
    let bucket = text(bucket, "name");
    let configured = plugin
        .object_trigger(&config, &around, &bucket, Reuse::DEFAULT)
        .await;
    let Some(trigger) = accepted(configured, case, file) else {
        return 0;
    };
    let target = match trigger.target() {
        Target::Function(function) => json!({"function": function.name}),
        Target::Queue(queue) => json!({"queue": queue.name}),
    };
    let setup = json!({"target": target, "summary": trigger.summary()});
    assert_eq!(setup, case["setup"], "{file}");
    for call in calls(case, file) {
        let event = trigger.shape(&change(&call["change"])).await.unwrap();
        assert_eq!(json!(event), call["event"], "{file}: {}", call["about"]);
    }
    calls(case, file).len()
}

fn change(json: &Value) -> ObjectChange {
    ObjectChange {
        id: text(json, "id"),
        bucket: String::new(),
        event: text(json, "event"),
        key: text(json, "key"),
        size: json["size"].as_u64(),
        etag: optional(json, "etag"),
        version: optional(json, "version"),
        sequencer: number(json, "sequencer"),
        at: number(json, "at-ms"),
        extra: pairs(&json["extra"]),
    }
}
