//! A batch trigger: it makes one event of several jobs, and gives failed jobs more attempts.
//!
//! `configure` runs once, and what it returns as `state` is passed to `shape` (messages become an event) and `settle`
//! (the function's result becomes verdicts). The contract is described in `wit/deps/batch-trigger`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

wit_bindgen::generate!({ path: "wit", generate_all });

use exports::lambkin::batch_trigger::batch_shaper::{
    Action, Batching, Body, Ending, Guest, Invocation, Message, Outcome, Settlement, Setup, Source,
    Verdict,
};
use lambkin::common::types::{FunctionReference, Problem, Surroundings};

struct Jobs;

export!(Jobs);

impl Guest for Jobs {
    fn configure(config: String, _: Surroundings, source: Source) -> Result<Setup, Vec<Problem>> {
        let config: Map<String, Value> =
            serde_json::from_str(&config).expect("the host sends a JSON object");
        let mut problems = Vec::new();
        let mut problem = |at: &[&str], message: &str| {
            problems.push(Problem {
                at: at.iter().map(|key| key.to_string()).collect(),
                message: message.to_owned(),
                extra: vec![],
            });
        };
        for key in config.keys() {
            if !["function", "attempts"].contains(&key.as_str()) {
                problem(
                    &[key],
                    "is not a setting of this plugin: its settings are function and attempts",
                );
            }
        }
        let function = config.get("function").and_then(Value::as_str);
        if !config.contains_key("function") {
            problem(&[], "needs function: the function that does the jobs");
        } else if function.is_none() {
            problem(&["function"], "has to be a string: the name of a function");
        }
        let attempts = config.get("attempts").map_or(Some(3), Value::as_u64);
        if !attempts.is_some_and(|attempts| (1..=100).contains(&attempts)) {
            problem(&["attempts"], "has to be a number from 1 to 100");
        }
        let (Some(function), Some(attempts), true) = (function, attempts, problems.is_empty())
        else {
            return Err(problems);
        };
        Ok(Setup {
            state: attempts.to_string(),
            function: FunctionReference {
                name: function.to_owned(),
                at: vec!["function".to_owned()],
            },
            batching: Batching {
                max_messages: 10,
                max_bytes: 1 << 20,
                window_ms: 0,
                max_concurrency: None,
            },
            reusable: true,
            summary: vec![format!(
                "{} -> {function}, {attempts} attempts",
                source.name
            )],
            warnings: vec![],
            extra: vec![],
        })
    }

    fn shape(_: String, messages: Vec<Message>) -> Result<Invocation, String> {
        let jobs: Vec<Value> = messages.iter().map(job).collect();
        let attempts: Map<String, Value> = messages
            .iter()
            .map(|message| (message.id.clone(), attempt(message).into()))
            .collect();
        Ok(Invocation {
            event: Some(json!({ "jobs": jobs }).to_string()),
            skipped: vec![],
            token: Value::Object(attempts).to_string(),
            extra: vec![],
        })
    }

    fn settle(
        state: String,
        token: String,
        ids: Vec<String>,
        outcome: Outcome,
    ) -> Result<Settlement, String> {
        let attempts: Map<String, Value> =
            serde_json::from_str(&token).map_err(|error| error.to_string())?;
        let most: u64 = state.parse().map_err(|_| "the state is not a number")?;
        let Ending::Completed(result) = outcome.ending else {
            return Ok(settlement(Action::Retry(None), vec![]));
        };
        let Some(failed) = failed(&result) else {
            eprintln!(
                "warning: the result has to be an object with a list of ids, {{\"failed\": []}}; all jobs are retried"
            );
            return Ok(settlement(Action::Retry(None), vec![]));
        };
        let failed = ids.into_iter().filter(|id| failed.contains(id));
        let verdicts = failed.map(|id| {
            let attempt = attempts.get(&id).and_then(Value::as_u64).unwrap_or(1);
            let action = if attempt >= most {
                Action::DeadLetter(format!("failed {attempt} times"))
            } else {
                Action::Retry(None)
            };
            Verdict { id, action }
        });
        Ok(settlement(Action::Ack, verdicts.collect()))
    }
}

fn job(message: &Message) -> Value {
    let (body, is_base64) = match &message.body {
        Body::Text(text) => (text.clone(), false),
        Body::Binary(bytes) => (BASE64_STANDARD.encode(bytes), true),
    };
    json!({
        "id": message.id,
        "attempt": attempt(message),
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

fn attempt(message: &Message) -> u32 {
    message.receive_count.unwrap_or(1)
}

/// The ids of failed jobs in the function's result.
fn failed(result: &str) -> Option<Vec<String>> {
    let result: Value = serde_json::from_str(result).ok()?;
    let failed = result.get("failed")?.as_array()?;
    failed
        .iter()
        .map(|id| Some(id.as_str()?.to_owned()))
        .collect()
}

fn settlement(otherwise: Action, but: Vec<Verdict>) -> Settlement {
    Settlement {
        otherwise,
        but,
        extra: vec![],
    }
}
