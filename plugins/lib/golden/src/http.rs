//! Golden cases of plugins for HTTP triggers, as calls of the plugin's own functions.

#![allow(
    clippy::indexing_slicing,
    reason = "indexing JSON with a name does not panic; what a case lacks reads as null"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_event::contract::{
    Cache, Ending, Fetched, FunctionError, Header, InvocationMode, MEMORY, Outcome, Problem,
    Request, RequestBody, Response, Setup, Step, StreamHead, Surroundings, TEST_INVOKE, TIMER,
};
use http_event::counters::Counters;
use http_event::websocket::CONNECTION_ID;
use serde_json::{Value, json};

use crate::counters::{self, MemoryCounters};

/// The keys of a call, in the order of what happens.
const CALL: [&str; 7] = [
    "about", "basis", "request", "step", "steps", "outcome", "response",
];

/// The time at which invocations and fetches end unless their outcome has `at-ms`, as in the tests of the built
/// components.
pub(crate) const END_MS: u64 = 1_700_000_000_002;

/// A plugin's `configure`.
pub type Configure = fn(&str, &Surroundings) -> Result<Setup, Vec<Problem>>;

type Shape<'f> = dyn Fn(&str, &Request) -> Result<Step, String> + 'f;

pub(crate) type Resume<'f> =
    dyn Fn(&str, &str, Outcome, Option<&Request>) -> Result<Step, String> + 'f;

/// The functions of a plugin.
#[derive(Debug, Clone, Copy)]
pub struct Functions {
    /// `configure`.
    pub configure: Configure,
    /// `shape`.
    pub shape: fn(&str, &Request) -> Result<Step, String>,
    /// `resume`.
    pub resume: fn(&str, &str, Outcome, Option<&Request>) -> Result<Step, String>,
}

/// The `resume` of a plugin that counts.
pub type CountingResume =
    fn(&str, &str, Outcome, Option<&Request>, &dyn Counters) -> Result<Step, String>;

/// The functions of a plugin that counts.
#[derive(Debug, Clone, Copy)]
pub struct CountingFunctions {
    /// `configure`.
    pub configure: Configure,
    /// `shape`.
    pub shape: fn(&str, &Request, &dyn Counters) -> Result<Step, String>,
    /// `resume`.
    pub resume: CountingResume,
}

/// Checks the cases of a plugin; see [`check`](crate::check).
///
/// # Panics
///
/// Panics if an answer differs from the recorded one.
pub fn check(plugin: &str, functions: Functions) {
    check_all(
        plugin,
        functions.configure,
        &functions.shape,
        &functions.resume,
    );
}

/// Checks the cases of a plugin that counts, whose counters begin anew with each case; see [`check`](crate::check).
///
/// # Panics
///
/// Panics if an answer differs from the recorded one.
pub fn check_counting(plugin: &str, functions: CountingFunctions) {
    check_all(
        plugin,
        functions.configure,
        &|state, request| counters::with(|all| (functions.shape)(state, request, all)),
        &|state, token, outcome, request| {
            counters::with(|all| (functions.resume)(state, token, outcome, request, all))
        },
    );
}

fn check_all(plugin: &str, configure: Configure, shape: &Shape<'_>, resume: &Resume<'_>) {
    let defaults = crate::read("request.json");
    crate::check(
        plugin,
        |case| {
            counters::with(MemoryCounters::clear);
            answer(case, &defaults, configure, shape, resume)
        },
        |case| in_order_of_events(case, &CALL),
    );
}

/// The case with a plugin's answers instead of the recorded ones. What is not recorded is not added.
fn answer(
    case: &Value,
    defaults: &Value,
    configure: Configure,
    shape: &Shape<'_>,
    resume: &Resume<'_>,
) -> Value {
    let mut case = case.clone();
    let setup = configure(&case["config"].to_string(), &surroundings());
    let Some(state) = record_setup(&mut case, setup) else {
        return case;
    };
    let Some(calls) = case["calls"].as_array_mut() else {
        panic!("the configuration is accepted, and the case has no calls: {case}");
    };
    for call in calls {
        for key in call.as_object().into_iter().flat_map(|it| it.keys()) {
            assert!(
                CALL.contains(&key.as_str()),
                "a call has no `{key}`: {call}"
            );
        }
        let request = request(&call["request"], defaults);
        let step = shape(&state, &request).unwrap_or_else(|error| panic!("{error}: {call}"));
        follow(resume, &state, step, call, Some(&request));
    }
    case
}

/// Records the steps of a call, from this one on. `request` is that of the call, if it has one.
pub(crate) fn follow(
    resume: &Resume<'_>,
    state: &str,
    first: Step,
    call: &mut Value,
    request: Option<&Request>,
) {
    let mut step = first;
    if call.get("step").is_some() {
        call["step"] = step_as_json(&step);
    }
    let at = call.to_string();
    for next in call
        .get_mut("steps")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        step = resumed(resume, state, &step, &next["outcome"], request, &at);
        if next.get("step").is_some() {
            next["step"] = step_as_json(&step);
        }
    }
    let (outcome, response) = (call.get("outcome"), call.get("response"));
    assert_eq!(
        outcome.is_some(),
        response.is_some(),
        "one without the other: {call}"
    );
    if outcome.is_some() {
        let last = resumed(resume, state, &step, &call["outcome"], request, &at);
        let Step::Reply(response) = last else {
            panic!("it has further steps: {call}");
        };
        call["response"] = response_as_json(&response);
    }
}

/// The step that follows a step with this outcome.
fn resumed(
    resume: &Resume<'_>,
    state: &str,
    step: &Step,
    outcome: &Value,
    request: Option<&Request>,
    at: &str,
) -> Step {
    let (token, with_request) = match step {
        Step::Invoke(invocation) => (&invocation.token, invocation.with_request),
        Step::Fetch(fetch) => (&fetch.token, fetch.with_request),
        Step::Reply(_) => panic!("a reply has no outcome: {at}"),
    };
    let outcome = Outcome {
        ending: ending(outcome),
        at_ms: outcome["at-ms"].as_u64().unwrap_or(END_MS),
        cached: outcome["cached"] == true,
        extra: Vec::new(),
    };
    let next = resume(state, token, outcome, request.filter(|_| with_request));
    next.unwrap_or_else(|error| panic!("{error}: {at}"))
}

/// Records the result of `configure`. Returns the state; `None` if the configuration is refused.
pub(crate) fn record_setup(case: &mut Value, setup: Result<Setup, Vec<Problem>>) -> Option<String> {
    let setup = match setup {
        Ok(setup) => setup,
        Err(problems) => {
            let list = problems
                .into_iter()
                .map(|it| json!({"at": it.at, "message": it.message}));
            case["problems"] = list.collect();
            return None;
        }
    };
    let mut functions: Vec<_> = setup.functions.iter().map(|it| &it.name).collect();
    functions.sort();
    functions.dedup();
    case["setup"] = json!({"functions": functions, "summary": setup.summary});
    let timers = setup.extra.iter().filter(|(key, _)| key == TIMER);
    let timers: Vec<_> = timers.map(|(_, timer)| timer.as_str()).collect();
    if !timers.is_empty() {
        case["setup"]["timers"] = json!(timers);
    }
    Some(setup.state)
}

/// The same surroundings as in the tests of the built components.
pub(crate) fn surroundings() -> Surroundings {
    Surroundings {
        name: "golden".to_owned(),
        address: None,
        region: "us-east-1".to_owned(),
        account: "123456789012".to_owned(),
        environment: Vec::new(),
        functions: Vec::new(),
        extra: Vec::new(),
    }
}

pub(crate) fn request(overrides: &Value, defaults: &Value) -> Request {
    let field = |name: &str| match overrides.get(name) {
        Some(value) => value,
        None => &defaults[name],
    };
    let text = |name: &str| string(field(name));
    for name in overrides.as_object().into_iter().flat_map(|it| it.keys()) {
        let is_known = defaults.get(name).is_some() || name == "extra";
        assert!(is_known, "a request has no `{name}`");
    }
    let headers = field("headers").as_array().into_iter().flatten();
    Request {
        id: text("id"),
        trace_id: text("trace-id"),
        at_ms: field("at-ms").as_u64().unwrap_or_default(),
        peer: text("peer"),
        scheme: text("scheme"),
        port: 8000,
        protocol: text("protocol"),
        authority: text("authority"),
        method: text("method"),
        path: text("path"),
        query: text("query"),
        headers: headers
            .map(|pair| Header::new(&string(&pair[0]), &string(&pair[1])))
            .collect(),
        body: body(field("body")),
        extra: {
            let mut extra = extra(&overrides["extra"]);
            if *field("test-invoke") == true {
                extra.push((TEST_INVOKE.to_owned(), String::new()));
            }
            extra
        },
    }
}

/// The members of an object, whose values are strings.
fn extra(value: &Value) -> Vec<(String, String)> {
    let members = value.as_object().into_iter().flatten();
    members
        .map(|(key, value)| (key.clone(), string(value)))
        .collect()
}

pub(crate) fn string(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => panic!("{value} is not a string"),
    }
}

fn body(value: &Value) -> RequestBody {
    match (value.get("text"), value.get("base64"), value.as_str()) {
        (Some(text), None, None) => RequestBody::Text(string(text)),
        (None, Some(base64), None) => match STANDARD.decode(string(base64)) {
            Ok(bytes) => RequestBody::Binary(bytes),
            Err(error) => panic!("{base64}: {error}"),
        },
        (None, None, Some("too-large")) => RequestBody::TooLarge,
        _ => RequestBody::Empty,
    }
}

pub(crate) fn ending(value: &Value) -> Ending {
    match value.as_str() {
        Some("timed-out") => return Ending::TimedOut,
        Some("expired") => return Ending::Expired,
        Some("throttled") => return Ending::Throttled,
        _ => {}
    }
    if let Some(payload) = value.get("completed") {
        Ending::Completed(string(payload))
    } else if let Some(head) = value.get("stream-opened") {
        Ending::StreamOpened(stream_head(head))
    } else if let Some(error) = value.get("failed") {
        Ending::Failed(FunctionError {
            kind: string(&error["kind"]),
            payload: string(&error["payload"]),
        })
    } else if let Some(document) = value.get("fetched") {
        Ending::Fetched(Fetched {
            status: value["status"]
                .as_u64()
                .and_then(|it| it.try_into().ok())
                .unwrap_or(200),
            headers: Vec::new(),
            body: document.to_string().into_bytes(),
        })
    } else if let Some(why) = value.get("unavailable") {
        Ending::Unavailable(string(why))
    } else {
        panic!("no such outcome: {value}")
    }
}

/// A text is the prelude. An object has `content-type` instead.
fn stream_head(value: &Value) -> StreamHead {
    StreamHead {
        prelude: value.as_str().map(str::to_owned),
        content_type: value["content-type"].as_str().map(str::to_owned),
    }
}

pub(crate) fn step_as_json(step: &Step) -> Value {
    match step {
        Step::Reply(response) => json!({"reply": response_as_json(response)}),
        Step::Fetch(fetch) => with_cache(
            json!({
                "url": fetch.url,
                "method": fetch.method,
                "max-wait-ms": fetch.max_wait_ms,
            }),
            fetch.cache.as_ref(),
            "fetch",
        ),
        Step::Invoke(invocation) => {
            let event: Value = match serde_json::from_str(&invocation.event) {
                Ok(event) => event,
                Err(error) => panic!("{error}: {}", invocation.event),
            };
            let invocation_json = json!({
                "function": invocation.function,
                "event": event,
                "mode": match invocation.mode {
                    InvocationMode::Buffered => "buffered",
                    InvocationMode::Streamed => "streamed",
                    InvocationMode::Asynchronous => "asynchronous",
                },
                "max-wait-ms": invocation.max_wait_ms,
            });
            with_cache(invocation_json, invocation.cache.as_ref(), "invoke")
        }
    }
}

fn with_cache(mut step: Value, cache: Option<&Cache>, kind: &str) -> Value {
    if let Some(cache) = cache {
        step["cache"] = json!({"key": cache.key, "ttl-ms": cache.ttl_ms});
    }
    json!({kind: step})
}

pub(crate) fn response_as_json(response: &Response) -> Value {
    let body = match std::str::from_utf8(response.body.as_bytes()) {
        Ok("") => Value::Null,
        Ok(text) => json!({"text": text}),
        Err(_) => json!({"base64": STANDARD.encode(response.body.as_bytes())}),
    };
    let mut json = json!({"status": response.status, "headers": response.headers, "body": body});
    if let Some(reason) = &response.reason {
        json["reason"] = json!(reason);
    }
    for (key, text) in &response.extra {
        match key.as_str() {
            CONNECTION_ID => json["connection"] = json!(text),
            MEMORY => json["memory"] = json!(text),
            _ => {}
        }
    }
    json
}

/// The case as text, its parts in the order in which they happen.
pub(crate) fn in_order_of_events(case: &Value, keys: &[&str]) -> String {
    let calls: Vec<_> = case["calls"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|call| braced(&members(call, keys)))
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
