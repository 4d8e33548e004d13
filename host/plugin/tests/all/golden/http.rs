//! HTTP triggers: requests and what is to be answered.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambkin_model::{Body, Fact, HttpRequest, HttpResponse};
use lambkin_plugin::{
    Answer, CacheEntry, Ending, Fetched, HttpTrigger, InvocationMode, Plugin, Reuse, Role, Step,
    StreamHead, Timer,
};
use serde_json::{Value, json};

use super::{accepted, calls, cases_of, decoded, optional, pairs, surroundings};
use crate::fixture::{header, outcome};

#[tokio::test]
async fn the_components_answer_every_case_as_recorded() {
    let defaults = ::golden::read("request.json");
    for (name, calls) in [
        ("alb", 30),
        ("api-gateway-http", 100),
        ("api-gateway-rest", 60),
        ("function-url", 30),
    ] {
        let (plugin, cases) = cases_of(name, Role::HttpTrigger).await;
        let mut count = 0;
        for (file, case) in cases {
            count += run(&plugin, &case, &defaults, &file).await;
        }
        assert!(
            count >= calls,
            "only {count} calls of {name}: the cases are missing"
        );
    }
}

/// Runs one file; the number of calls it holds.
async fn run(plugin: &Plugin, case: &Value, defaults: &Value, file: &str) -> usize {
    let around = surroundings("us-east-1", "123456789012");
    let configured = plugin
        .http_trigger(&case["config"].to_string(), &around, &[], Reuse::DEFAULT)
        .await;
    let Some(trigger) = accepted(configured, case, file) else {
        return 0;
    };
    let functions = trigger.functions().iter().map(|it| &it.name);
    // A function is recorded once, whatever the number of routes that name it.
    let functions: BTreeSet<_> = functions.collect();
    let mut setup = json!({"functions": functions, "summary": trigger.summary()});
    if !trigger.timers().is_empty() {
        let timers = trigger.timers().iter();
        let timer = |it: &Timer| format!("{} {}", it.interval.as_millis(), it.name);
        setup["timers"] = timers.map(timer).collect();
    }
    assert_eq!(setup, case["setup"], "{file}");
    for call in calls(case, file) {
        let at = format!("{file}: {}", call["about"]);
        check(&trigger, call, defaults, &at).await;
    }
    calls(case, file).len()
}

async fn check(trigger: &HttpTrigger, call: &Value, defaults: &Value, at: &str) {
    let request = request(&call["request"], defaults);
    let step = trigger.shape(&request).await.unwrap();
    follow(trigger, step, call, Some(&request), at).await;
}

/// Compares the steps of a call, from this one on. `request` is that of the call, if it has one.
pub(super) async fn follow(
    trigger: &HttpTrigger,
    first: Step,
    call: &Value,
    request: Option<&HttpRequest>,
    at: &str,
) {
    let mut step = first;
    if let Some(recorded) = call.get("step") {
        assert_eq!(&step_as_json(&step), recorded, "{at}");
    }
    for next in call["steps"].as_array().into_iter().flatten() {
        step = resumed(trigger, &step, &next["outcome"], request).await;
        if let Some(recorded) = next.get("step") {
            assert_eq!(&step_as_json(&step), recorded, "{at}");
        }
    }
    if let Some(recorded) = call.get("outcome") {
        let step = resumed(trigger, &step, recorded, request).await;
        let Step::Reply(answer) = step else {
            panic!("{at}: {step:?}");
        };
        assert_eq!(answer_as_json(&answer), call["response"], "{at}");
    }
}

/// The step that follows a step with this outcome.
async fn resumed(
    trigger: &HttpTrigger,
    step: &Step,
    recorded: &Value,
    request: Option<&HttpRequest>,
) -> Step {
    let resumption = match step {
        Step::Invoke(shaped) => &shaped.resumption,
        Step::Fetch(fetch) => &fetch.resumption,
        Step::Reply(answer) => panic!("it has no outcome: {answer:?}"),
    };
    let mut outcome = outcome(ending_of(recorded));
    outcome.cached = recorded["cached"] == true;
    if let Some(at_ms) = recorded["at-ms"].as_u64() {
        outcome.at_ms = at_ms;
    }
    let request = request.filter(|_| resumption.with_request);
    let next = trigger.resume(&resumption.token, &outcome, request).await;
    next.unwrap()
}

pub(super) fn request(overrides: &Value, defaults: &Value) -> HttpRequest {
    let field = |name: &str| overrides.get(name).unwrap_or(&defaults[name]);
    let text = |name: &str| field(name).as_str().unwrap().to_owned();
    let body = field("body");
    HttpRequest {
        id: text("id"),
        trace_id: text("trace-id"),
        at_ms: field("at-ms").as_u64().unwrap(),
        peer: text("peer"),
        scheme: match field("scheme").as_str().unwrap() {
            "https" => "https",
            _ => "http",
        },
        port: 8000,
        protocol: text("protocol"),
        authority: text("authority"),
        method: text("method"),
        path: text("path"),
        query: text("query"),
        headers: pairs(field("headers"))
            .iter()
            .map(|(name, value)| header(&name.to_ascii_lowercase(), Some(name), value))
            .collect(),
        body: match (body["text"].as_str(), body["base64"].as_str()) {
            (Some(text), _) => Some(Body::Text(text.to_owned())),
            (None, Some(base64)) => Some(Body::Binary(decoded(base64))),
            (None, None) if body == "too-large" => None,
            (None, None) => Some(Body::Empty),
        },
        extra: extra(overrides),
    }
}

/// The facts about a request that are not in fields of their own.
fn extra(overrides: &Value) -> Vec<Fact> {
    if let Some(timer) = overrides["extra"]["timer"].as_str() {
        return HttpRequest::of_timer(timer, overrides["extra"]["memory"].as_str());
    }
    let known = [
        HttpRequest::HTTP_2,
        HttpRequest::LATIN_1_HEADER,
        HttpRequest::INCOMPLETE_BODY,
        HttpRequest::STALLED_BODY,
    ];
    let pair = |(key, value): (&String, &Value)| {
        let mut known = known.iter();
        let found = known.find(|(name, text)| name == key && value == text.as_ref());
        let found = found.cloned();
        found.unwrap_or_else(|| panic!("the host has no {key} = {value}"))
    };
    let pairs = overrides["extra"].as_object().into_iter().flatten();
    let test = overrides["test-invoke"] == true;
    let test = test.then_some(HttpRequest::TEST);
    pairs.map(pair).chain(test).collect()
}

fn ending_of(value: &Value) -> Ending {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let kind = |key: &&String| !["at-ms", "cached", "status"].contains(&key.as_str());
    match value
        .as_str()
        .or_else(|| value.as_object()?.keys().find(kind).map(String::as_str))
        .unwrap()
    {
        "completed" => Ending::Completed(text(&value["completed"])),
        "stream-opened" => Ending::StreamOpened(StreamHead {
            prelude: value["stream-opened"].as_str().map(str::to_owned),
            content_type: optional(&value["stream-opened"], "content-type"),
        }),
        "failed" => Ending::Failed {
            kind: text(&value["failed"]["kind"]),
            payload: text(&value["failed"]["payload"]),
        },
        "fetched" => Ending::Fetched(Fetched {
            status: value["status"].as_u64().unwrap_or(200) as u16,
            headers: Vec::new(),
            body: value["fetched"].to_string().into(),
        }),
        "timed-out" => Ending::TimedOut,
        "expired" => Ending::Expired,
        "throttled" => Ending::Throttled,
        "unavailable" => Ending::Unavailable(text(&value["unavailable"])),
        other => panic!("no such outcome: {other}"),
    }
}

fn step_as_json(step: &Step) -> Value {
    match step {
        Step::Reply(answer) => json!({"reply": answer_as_json(answer)}),
        Step::Fetch(fetch) => with_cache(
            json!({
                "url": fetch.url,
                "method": fetch.method,
                "max-wait-ms": fetch.wait.as_millis() as u64,
            }),
            fetch.cache.as_ref(),
            "fetch",
        ),
        Step::Invoke(shaped) => with_cache(
            json!({
                "function": shaped.function,
                "event": serde_json::from_str::<Value>(&shaped.event).unwrap(),
                "mode": match shaped.mode {
                    InvocationMode::Buffered => "buffered",
                    InvocationMode::Streamed => "streamed",
                    InvocationMode::Asynchronous => "asynchronous",
                },
                "max-wait-ms": shaped.wait.map(|wait: Duration| wait.as_millis() as u64),
            }),
            shaped.cache.as_ref(),
            "invoke",
        ),
    }
}

fn with_cache(mut step: Value, cache: Option<&CacheEntry>, kind: &str) -> Value {
    if let Some(cache) = cache {
        step["cache"] = json!({"key": cache.key, "ttl-ms": cache.ttl.as_millis() as u64});
    }
    json!({kind: step})
}

fn answer_as_json(answer: &Answer) -> Value {
    let mut json = response_as_json(&answer.response);
    if let Some(connection) = &answer.connection {
        json["connection"] = json!(connection.id);
    }
    if let Some(memory) = &answer.memory {
        json["memory"] = json!(memory);
    }
    json
}

fn response_as_json(response: &HttpResponse) -> Value {
    let bytes = response.body.clone().into_bytes();
    let body = match std::str::from_utf8(&bytes) {
        Ok("") => Value::Null,
        Ok(text) => json!({"text": text}),
        Err(_) => json!({"base64": STANDARD.encode(&bytes)}),
    };
    let mut json = json!({"status": response.status, "headers": response.headers, "body": body});
    if let Some(reason) = &response.reason {
        json["reason"] = json!(reason);
    }
    json
}
