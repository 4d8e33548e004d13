//! The trigger's side of the contract: generated bindings and the way between their types and the plugin's own. Nothing
//! here decides anything.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "generated items carry the documentation of the WIT file, and bindings can not be written without"
)]

use crate::batch::{self, contract};

wit_bindgen::generate!({
    inline: "
        package lambkin:sqs-batch;
        world batch {
            export lambkin:batch-trigger/shaper@0.1.0;
        }
    ",
    path: ["../../wit/batch-trigger"],
    world: "lambkin:sqs-batch/batch",
    generate_all,
});

use exports::lambkin::batch_trigger::shaper::{self as wit, Guest};

struct Plugin;

impl Guest for Plugin {
    fn configure(
        config: String,
        source: wit::Source,
        functions: Vec<wit::FunctionInfo>,
    ) -> Result<wit::Setup, Vec<wit::Problem>> {
        let source = contract::Source {
            name: source.name,
            ordered: source.ordered,
            lease_ms: source.lease_ms,
            region: source.region,
            account: source.account,
        };
        let functions = functions
            .into_iter()
            .map(|function| contract::FunctionInfo {
                name: function.name,
                timeout_ms: function.timeout_ms,
            });
        let functions: Vec<_> = functions.collect();
        match batch::configure(&config, &source, &functions) {
            Ok(setup) => Ok(setup.into()),
            Err(problems) => Err(problems.into_iter().map(Into::into).collect()),
        }
    }

    fn shape(state: String, messages: Vec<wit::Message>) -> Result<wit::Invocation, String> {
        let messages: Vec<_> = messages.into_iter().map(Into::into).collect();
        let invocation = batch::shape(&state, &messages)?;
        Ok(wit::Invocation {
            event: invocation.event,
            skipped: invocation.skipped,
            token: invocation.token,
            extra: Vec::new(),
        })
    }

    fn settle(
        state: String,
        token: String,
        outcome: wit::Outcome,
    ) -> Result<Vec<wit::Verdict>, String> {
        let outcome = match outcome {
            wit::Outcome::Completed(result) => contract::Outcome::Completed(result),
            wit::Outcome::Failed(_)
            | wit::Outcome::TimedOut
            | wit::Outcome::Throttled
            | wit::Outcome::Unavailable(_) => contract::Outcome::Failed,
        };
        let verdicts = batch::settle(&state, &token, &outcome)?;
        Ok(verdicts.into_iter().map(Into::into).collect())
    }
}

export!(Plugin);

impl From<contract::Setup> for wit::Setup {
    fn from(setup: contract::Setup) -> Self {
        Self {
            state: setup.state,
            function: setup.function,
            batching: wit::Batching {
                max_messages: setup.batching.max_messages,
                max_bytes: setup.batching.max_bytes,
                window_ms: setup.batching.window_ms,
                max_concurrency: setup.batching.max_concurrency,
            },
            summary: setup.summary,
            warnings: setup.warnings,
            extra: Vec::new(),
        }
    }
}

impl From<contract::Problem> for wit::Problem {
    fn from(problem: contract::Problem) -> Self {
        Self {
            at: problem.at,
            message: problem.message,
            extra: Vec::new(),
        }
    }
}

impl From<wit::Message> for contract::Message {
    fn from(message: wit::Message) -> Self {
        Self {
            id: message.id,
            receipt: message.receipt,
            body: match message.body {
                wit::Body::Text(text) => contract::Value::Text(text),
                wit::Body::Binary(bytes) => contract::Value::Binary(bytes),
            },
            attributes: message.attributes.into_iter().map(Into::into).collect(),
            group: message.group,
            deduplication: message.deduplication,
            sequence: message.sequence,
            sent_at_ms: message.sent_at_ms,
            first_received_at_ms: message.first_received_at_ms,
            receives: message.receive_count,
            dead_letter_of: message.dead_letter_source,
            extra: message.extra,
        }
    }
}

impl From<wit::Attribute> for contract::Attribute {
    fn from(attribute: wit::Attribute) -> Self {
        Self {
            name: attribute.name,
            data_type: attribute.data_type,
            value: match attribute.value {
                wit::Value::Text(text) => contract::Value::Text(text),
                wit::Value::Binary(bytes) => contract::Value::Binary(bytes),
            },
        }
    }
}

impl From<contract::Verdict> for wit::Verdict {
    fn from(verdict: contract::Verdict) -> Self {
        Self {
            id: verdict.id,
            action: match verdict.action {
                contract::Action::Ack => wit::Action::Ack,
                contract::Action::Retry(after) => wit::Action::Retry(after),
            },
        }
    }
}
