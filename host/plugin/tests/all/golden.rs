//! Runs the golden cases of the built-in plugins against the components themselves, in the host.
//!
//! The same files test the plugins' plain functions in their own crates; the format is told in `tests/cases/README.md`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lambkin_model::{Body, HttpRequest, HttpResponse};
use lambkin_plugin::{ConfigureError, Decision, HttpTrigger, Plugin, Role, TriggerOutcome};
use serde_json::{Value, json};

use crate::fixture::host;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases")
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

#[tokio::test]
async fn the_built_in_components_answer_every_golden_case_as_recorded() {
    let defaults = read(&cases().join("request.json"));
    let host = host();
    let mut calls = 0;
    for name in lambkin_builtin::names() {
        let Ok(files) = std::fs::read_dir(cases().join(name)) else {
            continue;
        };
        let bytes = Bytes::from_static(lambkin_builtin::find(name).unwrap());
        let plugin = host.load(name, bytes).await.unwrap();
        if !plugin.plays(Role::HttpTrigger) {
            continue;
        }
        for file in files {
            let file = file.unwrap().path();
            calls += run(
                &plugin,
                &read(&file),
                &defaults,
                &file.display().to_string(),
            )
            .await;
        }
    }
    assert!(calls >= 100, "only {calls} calls: the cases are missing");
}

/// Runs one file; the number of calls it holds.
async fn run(plugin: &Plugin, case: &Value, defaults: &Value, file: &str) -> usize {
    let trigger = match plugin
        .http_trigger("golden", &case["config"].to_string())
        .await
    {
        Ok(trigger) => trigger,
        Err(ConfigureError::Problems(problems)) => {
            let problems: Value = problems
                .iter()
                .map(|it| json!({"at": it.at, "message": it.message}))
                .collect();
            assert_eq!(problems, case["problems"], "{file}");
            return 0;
        }
        Err(error) => panic!("{file}: {error}"),
    };
    let setup = json!({"functions": trigger.functions(), "summary": trigger.summary()});
    assert_eq!(setup, case["setup"], "{file}");
    let calls = case["calls"].as_array().unwrap();
    for call in calls {
        let at = format!("{file}: {}", call["about"]);
        check(&trigger, call, defaults, &at).await;
    }
    calls.len()
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
            (None, Some(base64)) => Body::Binary(STANDARD.decode(base64).unwrap().into()),
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
