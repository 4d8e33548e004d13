//! HTTP triggers: requests and what is to be answered.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambkin_model::{Body, HttpRequest, HttpResponse};
use lambkin_plugin::{Decision, HttpTrigger, Plugin, Role, TriggerOutcome};
use serde_json::{Value, json};

use super::{accepted, calls, cases_of, decoded};

#[tokio::test]
async fn the_component_answers_every_case_as_recorded() {
    let defaults = ::golden::read("request.json");
    let (plugin, cases) = cases_of("api-gateway-http", Role::HttpTrigger).await;
    let mut count = 0;
    for (file, case) in cases {
        count += run(&plugin, &case, &defaults, &file).await;
    }
    assert!(count >= 100, "only {count} calls: the cases are missing");
}

/// Runs one file; the number of calls it holds.
async fn run(plugin: &Plugin, case: &Value, defaults: &Value, file: &str) -> usize {
    let configured = plugin
        .http_trigger("golden", &case["config"].to_string())
        .await;
    let Some(trigger) = accepted(configured, case, file) else {
        return 0;
    };
    let setup = json!({"functions": trigger.functions(), "summary": trigger.summary()});
    assert_eq!(setup, case["setup"], "{file}");
    for call in calls(case, file) {
        let at = format!("{file}: {}", call["about"]);
        check(&trigger, call, defaults, &at).await;
    }
    calls(case, file).len()
}

async fn check(trigger: &HttpTrigger, call: &Value, defaults: &Value, at: &str) {
    let decision = trigger
        .shape(&request(&call["request"], defaults))
        .await
        .unwrap();
    if let Some(recorded) = call.get("decision") {
        assert_eq!(&decision_as_json(&decision), recorded, "{at}");
    }
    if let (Some(outcome), Decision::Invoke(shaped)) = (call.get("outcome"), &decision) {
        let response = trigger
            .respond(&shaped.token, &outcome_of(outcome))
            .await
            .unwrap();
        assert_eq!(response_as_json(&response), call["response"], "{at}");
    }
}

fn request(overrides: &Value, defaults: &Value) -> HttpRequest {
    let field = |name: &str| overrides.get(name).unwrap_or(&defaults[name]);
    let text = |name: &str| field(name).as_str().unwrap().to_owned();
    let body = field("body");
    HttpRequest {
        id: text("id"),
        trace_id: text("trace-id"),
        at_ms: field("at-ms").as_u64().unwrap(),
        peer: text("peer"),
        protocol: text("protocol"),
        authority: text("authority"),
        method: text("method"),
        path: text("path"),
        query: text("query"),
        headers: serde_json::from_value(field("headers").clone()).unwrap(),
        body: match (body["text"].as_str(), body["base64"].as_str()) {
            (Some(text), _) => Body::Text(text.to_owned()),
            (None, Some(base64)) => Body::Binary(decoded(base64)),
            (None, None) => Body::Empty,
        },
    }
}

fn outcome_of(value: &Value) -> TriggerOutcome {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match value
        .as_str()
        .or_else(|| value.as_object()?.keys().next().map(String::as_str))
        .unwrap()
    {
        "completed" => TriggerOutcome::Completed(text(&value["completed"])),
        "stream-opened" => TriggerOutcome::StreamOpened(text(&value["stream-opened"])),
        "failed" => TriggerOutcome::Failed {
            kind: text(&value["failed"]["kind"]),
            payload: text(&value["failed"]["payload"]),
        },
        "timed-out" => TriggerOutcome::TimedOut,
        "expired" => TriggerOutcome::Expired,
        "throttled" => TriggerOutcome::Throttled,
        "unavailable" => TriggerOutcome::Unavailable(text(&value["unavailable"])),
        other => panic!("no such outcome: {other}"),
    }
}

fn decision_as_json(decision: &Decision) -> Value {
    match decision {
        Decision::Reply(response) => json!({"reply": response_as_json(response)}),
        Decision::Invoke(shaped) => json!({"invoke": {
            "function": shaped.function,
            "event": serde_json::from_str::<Value>(&shaped.event).unwrap(),
            "wait-ms": shaped.wait.map(|wait: Duration| wait.as_millis() as u64),
            "streaming": shaped.streaming,
        }}),
    }
}

fn response_as_json(response: &HttpResponse) -> Value {
    let bytes = response.body.clone().into_bytes();
    let body = match std::str::from_utf8(&bytes) {
        Ok("") => Value::Null,
        Ok(text) => json!({"text": text}),
        Err(_) => json!({"base64": STANDARD.encode(&bytes)}),
    };
    json!({"status": response.status, "headers": response.headers, "body": body})
}
