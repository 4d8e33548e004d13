//! A batch trigger with SQS's events and results: `batchItemFailures` lists the messages that are treated otherwise.
//!
//! Its settings are `function`, `batch-size`, `window-ms`, and what becomes of a failed message: `retry-ms`, or
//! `dead-letter = true`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Probe;
use crate::bindings::exports::lambkin::batch_trigger::batch_shaper::{
    Action, Batching, Body, Ending, Guest, Invocation, Message, Outcome, Settlement, Setup, Source,
    Verdict,
};
use crate::bindings::lambkin::common::types::{FunctionReference, Problem, Surroundings};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Settings {
    function: String,
    #[serde(default = "ten")]
    batch_size: u32,
    #[serde(default)]
    window_ms: u32,
    retry_ms: Option<u32>,
    #[serde(default)]
    dead_letter: bool,
}

fn ten() -> u32 {
    10
}

impl Guest for Probe {
    fn configure(config: String, _: Surroundings, _: Source) -> Result<Setup, Vec<Problem>> {
        let settings: Settings = serde_json::from_str(&config).map_err(|error| {
            vec![Problem {
                at: Vec::new(),
                message: error.to_string(),
                extra: Vec::new(),
            }]
        })?;
        Ok(Setup {
            state: config,
            function: FunctionReference {
                name: settings.function,
                at: vec!["function".into()],
            },
            batching: Batching {
                max_messages: settings.batch_size,
                max_bytes: 6 << 20,
                window_ms: settings.window_ms,
                max_concurrency: None,
            },
            reusable: false,
            summary: Vec::new(),
            warnings: Vec::new(),
            extra: Vec::new(),
        })
    }

    fn shape(_: String, messages: Vec<Message>) -> Result<Invocation, String> {
        let records: Vec<Value> = messages.iter().map(record).collect();
        Ok(Invocation {
            event: Some(json!({ "Records": records }).to_string()),
            skipped: Vec::new(),
            token: String::new(),
            extra: Vec::new(),
        })
    }

    fn settle(
        state: String,
        _: String,
        ids: Vec<String>,
        outcome: Outcome,
    ) -> Result<Settlement, String> {
        let settings: Settings = serde_json::from_str(&state).map_err(|error| error.to_string())?;
        let failed = if settings.dead_letter {
            Action::DeadLetter("it failed".into())
        } else {
            Action::Retry(settings.retry_ms)
        };
        let Ending::Completed(result) = outcome.ending else {
            return Ok(Settlement {
                otherwise: failed,
                but: Vec::new(),
                extra: Vec::new(),
            });
        };
        let result: Value = serde_json::from_str(&result).unwrap_or_default();
        let failures = result["batchItemFailures"].as_array();
        let failures: Vec<&str> = failures
            .into_iter()
            .flatten()
            .filter_map(|failure| failure["itemIdentifier"].as_str())
            .collect();
        let but = ids
            .into_iter()
            .filter(|id| failures.contains(&id.as_str()))
            .map(|id| Verdict {
                id,
                action: failed.clone(),
            });
        Ok(Settlement {
            otherwise: Action::Ack,
            but: but.collect(),
            extra: Vec::new(),
        })
    }
}

fn record(message: &Message) -> Value {
    let body = match &message.body {
        Body::Text(text) => text.clone(),
        Body::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    };
    let key = message.key.as_deref().map(String::from_utf8_lossy);
    let receives = message.receive_count.map(|count| count.to_string());
    json!({
        "messageId": message.id,
        "body": body,
        "part": message.part,
        "key": key,
        "attributes": { "ApproximateReceiveCount": receives },
    })
}
