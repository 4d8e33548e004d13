//! Batch triggers: messages, and what becomes of them.

use lambkin_model::{Action, Attribute, AttributeValue, Message, Settlement};
use lambkin_plugin::{BatchTrigger, Ending, Plugin, Reuse, Role};
use serde_json::{Value, json};

use super::{
    accepted, calls, cases_of, decoded, number, optional, origin, pairs, surroundings, text,
};
use crate::fixture::outcome;

#[tokio::test]
async fn the_component_answers_every_case_as_recorded() {
    let (plugin, cases) = cases_of("sqs", Role::BatchTrigger).await;
    let mut count = 0;
    for (file, case) in cases {
        count += run(&plugin, &case, &file).await;
    }
    assert!(count >= 10, "only {count} calls: the cases are missing");
}

/// Runs one file; the number of calls it holds.
async fn run(plugin: &Plugin, case: &Value, file: &str) -> usize {
    let (config, origin) = (case["config"].to_string(), origin(&case["source"]));
    let around = surroundings(&origin.region, &origin.account);
    let configured = plugin
        .batch_trigger(&config, &around, &origin, Reuse::DEFAULT)
        .await;
    let Some(trigger) = accepted(configured, case, file) else {
        return 0;
    };
    let batching = trigger.batching();
    let setup = json!({
        "function": trigger.function().name,
        "batching": {
            "max-messages": batching.max_messages,
            "max-bytes": batching.max_bytes,
            "window-ms": batching.window.as_millis() as u64,
            "max-concurrency": batching.max_concurrency,
        },
        "summary": trigger.summary(),
    });
    assert_eq!(setup, case["setup"], "{file}");
    for call in calls(case, file) {
        check(&trigger, call, &format!("{file}: {}", call["about"])).await;
    }
    calls(case, file).len()
}

async fn check(trigger: &BatchTrigger, call: &Value, at: &str) {
    let messages = call["messages"].as_array().unwrap();
    let messages: Vec<Message> = messages.iter().map(message).collect();
    let shaped = trigger.shape(&messages).await.unwrap();
    let invocation = json!({"event": shaped.event, "skipped": shaped.skipped});
    assert_eq!(invocation, call["invocation"], "{at}");
    let ids: Vec<&str> = messages
        .iter()
        .map(|message| message.id.as_str())
        .filter(|id| !shaped.skipped.iter().any(|skipped| skipped == id))
        .collect();
    for settled in call["settled"].as_array().into_iter().flatten() {
        let outcome = outcome(ending_of(&settled["outcome"]));
        let settlement = trigger.settle(&shaped.token, &ids, &outcome).await.unwrap();
        let verdicts: Value = ids.iter().map(|id| verdict_on(id, &settlement)).collect();
        assert_eq!(
            verdicts, settled["verdicts"],
            "{at}: {}",
            settled["outcome"]
        );
    }
}

fn message(json: &Value) -> Message {
    let attributes = json["attributes"].as_array().into_iter().flatten();
    Message {
        id: text(json, "id"),
        receipt: text(json, "receipt"),
        body: match value(&json["body"]) {
            AttributeValue::Text(text) => text.into(),
            AttributeValue::Binary(bytes) => bytes,
        },
        attributes: attributes.map(attribute).collect(),
        group: optional(json, "group"),
        deduplication: optional(json, "deduplication"),
        key: None,
        place: None,
        sequence: optional(json, "sequence"),
        sent_at: number(json, "sent-at-ms"),
        first_received_at: Some(number(json, "first-received-at-ms")),
        receives: Some(u32::try_from(number(json, "receive-count")).unwrap()),
        source: optional(json, "dead-letter-source"),
        extra: pairs(&json["extra"]),
    }
}

fn attribute(json: &Value) -> Attribute {
    Attribute {
        name: text(json, "name"),
        data_type: text(json, "data-type"),
        value: value(&json["value"]),
    }
}

fn value(json: &Value) -> AttributeValue {
    match optional(json, "base64") {
        Some(base64) => AttributeValue::Binary(decoded(&base64)),
        None => AttributeValue::Text(text(json, "text")),
    }
}

fn ending_of(json: &Value) -> Ending {
    match json.as_str() {
        None => Ending::Completed(text(json, "completed")),
        Some("failed") => Ending::Failed {
            kind: "handler".to_owned(),
            payload: "{}".to_owned(),
        },
        Some("timed-out") => Ending::TimedOut,
        Some("throttled") => Ending::Throttled,
        Some("unavailable") => Ending::Unavailable("not now".to_owned()),
        Some(other) => panic!("no such outcome: {other}"),
    }
}

fn verdict_on(id: &str, settlement: &Settlement) -> Value {
    let verdict = settlement.but.iter().find(|verdict| verdict.id == id);
    let action = match verdict.map_or(&settlement.otherwise, |it| &it.action) {
        Action::Ack => json!("ack"),
        Action::Retry(after) => json!({"retry": after}),
        Action::DeadLetter(reason) => json!({"dead-letter": reason}),
    };
    json!({"id": id, "action": action})
}
