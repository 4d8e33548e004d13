//! Runs the golden cases in `tests/cases/api-gateway-http`; see the crate `golden`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_event::contract::{
    Ending, FunctionError, Header, InvocationMode, Request, RequestBody, Response, Step, StreamHead,
};
use serde_json::{Value, json};

use crate::{configure, respond, shape};

#[test]
fn golden_cases_are_answered_as_recorded() {
    let defaults = golden::read("request.json");
    golden::check("api-gateway-http", |case| answer(case, &defaults), print);
}

/// The case with this plugin's answers instead of the recorded ones. What is not recorded is not added.
fn answer(case: &Value, defaults: &Value) -> Value {
    let mut case = case.clone();
    let setup = match configure(&case["config"].to_string()) {
        Ok(setup) => setup,
        Err(problems) => {
            let list = problems
                .into_iter()
                .map(|it| json!({"at": it.at, "message": it.message}));
            case["problems"] = list.collect();
            return case;
        }
    };
    let mut functions: Vec<_> = setup.functions.iter().map(|it| &it.name).collect();
    functions.sort();
    functions.dedup();
    case["setup"] = json!({"functions": functions, "summary": setup.summary});
    for call in case["calls"].as_array_mut().expect("a case has calls") {
        let decision = shape(&setup.state, &request(&call["request"], defaults)).unwrap();
        if call.get("decision").is_some() {
            call["decision"] = decision_as_json(&decision);
        }
        if call.get("outcome").is_some() {
            let Step::Invoke(invocation) = decision else {
                panic!("a reply has no outcome: {}", call["about"]);
            };
            let ending = ending(&call["outcome"]);
            let response = respond(&setup.state, &invocation.token, ending).unwrap();
            call["response"] = response_as_json(&response);
        }
    }
    case
}

fn request(overrides: &Value, defaults: &Value) -> Request {
    let known: Vec<_> = defaults.as_object().unwrap().keys().collect();
    let unknown: Vec<_> = overrides
        .as_object()
        .unwrap()
        .keys()
        .filter(|key| !known.contains(key))
        .collect();
    assert!(unknown.is_empty(), "a request has no {unknown:?}");
    let field = |name: &str| overrides.get(name).unwrap_or(&defaults[name]);
    let text = |name: &str| field(name).as_str().unwrap().to_owned();
    let headers: Vec<(String, String)> = serde_json::from_value(field("headers").clone()).unwrap();
    Request {
        id: text("id"),
        trace_id: text("trace-id"),
        at_ms: field("at-ms").as_u64().unwrap(),
        peer: text("peer"),
        scheme: "http".to_owned(),
        port: 8000,
        protocol: text("protocol"),
        authority: text("authority"),
        method: text("method"),
        path: text("path"),
        query: text("query"),
        headers: headers
            .iter()
            .map(|(name, value)| Header::new(name, value))
            .collect(),
        body: body(field("body")),
        extra: Vec::new(),
    }
}

fn body(value: &Value) -> RequestBody {
    match (value.get("text"), value.get("base64")) {
        (Some(text), None) => RequestBody::Text(text.as_str().unwrap().to_owned()),
        (None, Some(base64)) => {
            RequestBody::Binary(STANDARD.decode(base64.as_str().unwrap()).unwrap())
        }
        _ => RequestBody::Empty,
    }
}

fn ending(value: &Value) -> Ending {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    match value.as_str() {
        Some("timed-out") => Ending::TimedOut,
        Some("expired") => Ending::Expired,
        Some("throttled") => Ending::Throttled,
        _ if value.get("failed").is_some() => Ending::Failed(FunctionError {
            kind: String::new(),
            payload: String::new(),
        }),
        _ if value.get("unavailable").is_some() => Ending::Unavailable(String::new()),
        _ => match (text("completed"), text("stream-opened")) {
            (Some(payload), None) => Ending::Completed(payload),
            (None, Some(prelude)) => Ending::StreamOpened(StreamHead {
                prelude: Some(prelude),
                content_type: None,
            }),
            _ => panic!("no such outcome: {value}"),
        },
    }
}

fn decision_as_json(decision: &Step) -> Value {
    match decision {
        Step::Reply(response) => json!({"reply": response_as_json(response)}),
        Step::Fetch(fetch) => panic!("{fetch:?}"),
        Step::Invoke(invocation) => json!({"invoke": {
            "function": invocation.function,
            "event": serde_json::from_str::<Value>(&invocation.event).expect("the event is JSON"),
            "wait-ms": invocation.max_wait_ms,
            "streaming": invocation.mode == InvocationMode::Streamed,
        }}),
    }
}

fn response_as_json(response: &Response) -> Value {
    let body = match std::str::from_utf8(response.body.as_bytes()) {
        Ok("") => Value::Null,
        Ok(text) => json!({"text": text}),
        Err(_) => json!({"base64": STANDARD.encode(response.body.as_bytes())}),
    };
    json!({"status": response.status, "headers": response.headers, "body": body})
}

/// The case as text, its parts in the order in which they happen.
fn print(case: &Value) -> String {
    let calls = case["calls"].as_array().cloned().unwrap_or_default();
    let calls: Vec<_> = calls
        .iter()
        .map(|call| {
            let keys = ["about", "request", "decision", "outcome", "response"];
            braced(&members(call, &keys))
        })
        .collect();
    let mut members = members(case, &["about", "config", "setup", "problems"]);
    if !calls.is_empty() {
        members.push(format!(
            "\"calls\": [\n  {}\n]",
            calls.join(",\n").replace('\n', "\n  ")
        ));
    }
    braced(&members) + "\n"
}

fn members(object: &Value, keys: &[&str]) -> Vec<String> {
    let member = |key: &&str| Some(format!("{key:?}: {:#}", object.get(key)?));
    keys.iter().filter_map(member).collect()
}

fn braced(members: &[String]) -> String {
    format!("{{\n  {}\n}}", members.join(",\n").replace('\n', "\n  "))
}
