//! An HTTP trigger that follows a script ([`script`](crate::script)): the one in the request's header `script`, or else
//! the one in its settings.
//!
//! Its settings are `functions`, `steps`, `max-body-bytes` (1 MiB) and `reusable`; those of WebSocket connections are
//! `websockets` and `disconnected`.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bindings::exports::lambkin::http_trigger::http_shaper::{
    Cache, Ending, Fetch, Guest, Invocation, InvocationMode, Outcome, Request, RequestBody,
    Response, ResponseBody, Setup, Step,
};
use crate::bindings::lambkin::common::types::{FunctionReference, Problem, Surroundings};
use crate::script::{self, Act, Mode, Progress};
#[cfg(feature = "websocket")]
use crate::websocket::call;
use crate::{Probe, front_door};

#[cfg(not(feature = "websocket"))]
fn call(_: script::Call, _: Option<&str>) -> Value {
    panic!("this component has no connections")
}

/// The calls that this instance has seen.
static CALLS: AtomicU32 = AtomicU32::new(0);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    #[serde(default)]
    functions: Vec<String>,
    #[serde(default)]
    steps: Vec<Act>,
    max_body_bytes: Option<u32>,
    #[serde(default)]
    reusable: bool,
    #[serde(default)]
    pub websockets: WebSockets,
    /// The steps at the end of a connection.
    #[serde(default)]
    pub disconnected: Vec<Act>,
}

/// The settings for connections, and what is done before they are returned.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct WebSockets {
    pub steps: Vec<Act>,
    pub timeout_reason: String,
    pub max_message_bytes: Option<u32>,
}

impl Guest for Probe {
    fn configure(config: String, _: Surroundings) -> Result<Setup, Vec<Problem>> {
        let settings: Settings = serde_json::from_str(&config).map_err(|error| {
            vec![Problem {
                at: Vec::new(),
                message: error.to_string(),
                extra: Vec::new(),
            }]
        })?;
        let functions = settings.functions.into_iter();
        Ok(Setup {
            state: config,
            functions: functions
                .map(|name| FunctionReference {
                    name,
                    at: vec!["functions".into()],
                })
                .collect(),
            max_body_bytes: settings.max_body_bytes.unwrap_or(1 << 20),
            reusable: settings.reusable,
            summary: Vec::new(),
            warnings: Vec::new(),
            extra: Vec::new(),
        })
    }

    fn shape(state: String, request: Request) -> Result<Step, String> {
        CALLS.fetch_add(1, Ordering::Relaxed);
        let own = request
            .headers
            .iter()
            .find(|header| header.name == "script");
        let left = match own {
            Some(script) => serde_json::from_str(&script.value),
            None => serde_json::from_str(&state).map(|settings: Settings| settings.steps),
        };
        let progress = Progress {
            left: left.map_err(|error| format!("the script: {error}"))?,
            ..Progress::default()
        };
        next(progress, Some(&request))
    }

    fn resume(
        _: String,
        token: String,
        outcome: Outcome,
        request: Option<Request>,
    ) -> Result<Step, String> {
        CALLS.fetch_add(1, Ordering::Relaxed);
        let mut progress: Progress =
            serde_json::from_str(&token).map_err(|error| format!("the token: {error}"))?;
        progress.outcomes.push(told(&outcome));
        next(progress, request.as_ref())
    }
}

/// Takes the next step.
pub fn next(mut progress: Progress, request: Option<&Request>) -> Result<Step, String> {
    loop {
        if progress.left.is_empty() {
            return Ok(Step::Reply(reply(Default::default(), &progress, request)));
        }
        match progress.left.remove(0) {
            Act::Reply(wanted) => return Ok(Step::Reply(reply(wanted, &progress, request))),
            Act::Invoke(wanted) => return invoke(wanted, &progress, request).map(Step::Invoke),
            Act::Fetch(wanted) => return Ok(Step::Fetch(fetch(wanted, &progress))),
            Act::Fail(why) => return Err(why),
            Act::Print(line) => println!("{line}"),
            Act::Grow(mib) => std::mem::forget(std::hint::black_box(vec![1_u8; mib << 20])),
            Act::Trap => panic!("as the script says"),
            Act::Spin => loop {
                std::hint::black_box(0);
            },
            Act::Connection(wanted) => {
                let outcome = call(wanted, progress.connection.as_deref());
                progress.outcomes.push(outcome);
            }
        }
    }
}

fn known(progress: &Progress, request: Option<&Request>) -> Value {
    json!({
        "outcomes": progress.outcomes,
        "request": request.map(described),
        "calls": CALLS.load(Ordering::Relaxed),
    })
}

fn reply(wanted: script::Reply, progress: &Progress, request: Option<&Request>) -> Response {
    let known = || known(progress, request).to_string();
    let warning = wanted.warning.map(|warning| ("warning".into(), warning));
    let is_opening = wanted.opens.is_some();
    let opens = wanted.opens.into_iter().flat_map(|opens| {
        let id = opens.id.or_else(|| Some(request?.id.clone()));
        [
            ("connection-id".into(), id.unwrap_or_default()),
            ("connection-data".into(), "d".repeat(opens.data_bytes)),
        ]
    });
    Response {
        status: wanted.status.unwrap_or(200),
        reason: wanted.reason,
        headers: wanted
            .headers
            .into_iter()
            .chain(wanted.known_in.map(|name| (name, known())))
            .collect(),
        body: match wanted.body {
            Some(text) if text.is_empty() => ResponseBody::Empty,
            None if is_opening => ResponseBody::Empty,
            text => ResponseBody::Text(text.unwrap_or_else(known)),
        },
        extra: warning.into_iter().chain(opens).collect(),
    }
}

fn invoke(
    wanted: script::Invoke,
    progress: &Progress,
    request: Option<&Request>,
) -> Result<Invocation, String> {
    let event = match (wanted.event, wanted.front_door, request) {
        (Some(event), ..) => event,
        (None, Some(kind), Some(request)) => front_door::event(&kind, request)?,
        (None, _, request) => known(progress, request),
    };
    Ok(Invocation {
        function: wanted.function,
        event: event.to_string(),
        mode: match wanted.mode {
            Mode::Buffered => InvocationMode::Buffered,
            Mode::Streamed => InvocationMode::Streamed,
            Mode::Asynchronous => InvocationMode::Asynchronous,
        },
        max_wait_ms: wanted.max_wait_ms,
        cache: wanted.cache.map(|(key, ttl_ms)| Cache { key, ttl_ms }),
        token: token(progress),
        with_request: wanted.with_request,
        extra: Vec::new(),
    })
}

fn fetch(wanted: script::Fetch, progress: &Progress) -> Fetch {
    Fetch {
        url: wanted.url,
        method: wanted.method.unwrap_or_else(|| "GET".into()),
        headers: wanted.headers,
        body: wanted.body.into_bytes(),
        max_wait_ms: wanted.max_wait_ms.unwrap_or(30_000),
        cache: wanted.cache.map(|(key, ttl_ms)| Cache { key, ttl_ms }),
        token: token(progress),
        with_request: wanted.with_request,
        extra: Vec::new(),
    }
}

fn token(progress: &Progress) -> String {
    serde_json::to_string(progress).expect("a script is JSON")
}

/// A request as JSON.
fn described(request: &Request) -> Value {
    let headers = request.headers.iter();
    let headers: Vec<_> = headers
        .map(|header| json!([header.name, header.name_as_sent, header.value]))
        .collect();
    let body = match &request.body {
        RequestBody::Empty => json!("empty"),
        RequestBody::Text(text) => json!({ "text": text }),
        RequestBody::Binary(bytes) => json!({ "binary": BASE64_STANDARD.encode(bytes) }),
        RequestBody::TooLarge => json!("too large"),
    };
    json!({
        "id": request.id,
        "trace-id": request.trace_id,
        "at-ms": request.at_ms,
        "peer": request.peer,
        "scheme": request.scheme,
        "port": request.port,
        "protocol": request.protocol,
        "authority": request.authority,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": headers,
        "body": body,
    })
}

/// An outcome as JSON.
fn told(outcome: &Outcome) -> Value {
    let (ending, value) = match &outcome.ending {
        Ending::Completed(result) => {
            let value = serde_json::from_str(result).unwrap_or_else(|_| json!(result));
            ("completed", value)
        }
        Ending::StreamOpened(head) => {
            let value = json!({ "prelude": head.prelude, "content-type": head.content_type });
            ("stream-opened", value)
        }
        Ending::Accepted => ("accepted", Value::Null),
        Ending::Failed(error) => {
            let payload =
                serde_json::from_str(&error.payload).unwrap_or_else(|_| json!(error.payload));
            ("failed", json!({ "kind": error.kind, "payload": payload }))
        }
        Ending::TimedOut => ("timed-out", Value::Null),
        Ending::Expired => ("expired", Value::Null),
        Ending::Throttled => ("throttled", Value::Null),
        Ending::Unavailable(why) => ("unavailable", json!(why)),
        Ending::Fetched(fetched) => {
            let value = json!({
                "status": fetched.status,
                "headers": fetched.headers,
                "body": String::from_utf8_lossy(&fetched.body),
            });
            ("fetched", value)
        }
    };
    json!({ "ending": ending, "value": value, "cached": outcome.cached, "at-ms": outcome.at_ms })
}
