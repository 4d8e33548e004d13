//! Runs the golden cases in `tests/cases/sqs`; see the crate `golden`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::contract::{Action, Attribute, AttributeValue, Body, Ending, Message, Problem, Source};
use super::{configure, settle, shape};

#[test]
fn golden_cases_are_answered_as_recorded() {
    golden::check("sqs", answer, golden::pretty);
}

/// The case with the recorded answers replaced by the plugin's.
fn answer(case: &Json) -> Json {
    let mut case = case.clone();
    let setup = match configure(&case["config"].to_string(), &source(&case["source"]), &[]) {
        Ok(setup) => setup,
        Err(problems) => {
            let problem = |it: Problem| json!({"at": it.at, "message": it.message});
            case["problems"] = problems.into_iter().map(problem).collect();
            return case;
        }
    };
    case["setup"] = json!({
        "function": setup.function.name,
        "batching": {
            "max-messages": setup.batching.max_messages,
            "max-bytes": setup.batching.max_bytes,
            "window-ms": setup.batching.window_ms,
            "max-concurrency": setup.batching.max_concurrency,
        },
        "summary": setup.summary,
    });
    for call in case["calls"].as_array_mut().expect("a case has calls") {
        let messages = call["messages"].as_array().expect("a call has messages");
        let messages: Vec<_> = messages.iter().map(message).collect();
        let invocation = shape(&setup.state, &messages).unwrap();
        if let Some(event) = &invocation.event {
            serde_json::from_str::<Json>(event).expect("the event is JSON");
        }
        call["invocation"] = json!({"event": invocation.event, "skipped": invocation.skipped});
        let outcomes = call["settled"].as_array().cloned().unwrap_or_default();
        let settled = outcomes.iter().map(|settled| {
            let result = settled["outcome"]["completed"].as_str().map(str::to_owned);
            let ending = result.map_or(Ending::TimedOut, Ending::Completed);
            let ids = messages.iter().map(|message| &message.id);
            let ids = ids.filter(|id| !invocation.skipped.contains(id)).cloned();
            let ids: Vec<String> = ids.collect();
            let settlement = settle(&setup.state, &invocation.token, &ids, &ending).unwrap();
            let verdicts = ids.iter().map(|id| {
                let verdict = settlement.but.iter().find(|verdict| verdict.id == *id);
                verdict_on(id, verdict.map_or(&settlement.otherwise, |it| &it.action))
            });
            let verdicts: Json = verdicts.collect();
            json!({"outcome": settled["outcome"], "verdicts": verdicts})
        });
        call["settled"] = settled.collect();
    }
    case
}

fn source(json: &Json) -> Source {
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    Source {
        name: text("name"),
        ordered: json["ordered"].as_bool().unwrap(),
        lease_ms: None,
        region: text("region"),
        account: text("account"),
        extra: Vec::new(),
    }
}

fn message(json: &Json) -> Message {
    let optional = |name: &str| json[name].as_str().map(str::to_owned);
    let number = |name: &str| json[name].as_u64().unwrap();
    let attributes = json["attributes"].as_array().cloned().unwrap_or_default();
    Message {
        id: optional("id").unwrap(),
        receipt: optional("receipt").unwrap(),
        body: match value(&json["body"]) {
            AttributeValue::Text(text) => Body::Text(text),
            AttributeValue::Binary(bytes) => Body::Binary(bytes),
        },
        attributes: attributes.iter().map(attribute).collect(),
        group: optional("group"),
        deduplication: optional("deduplication"),
        sequence: optional("sequence"),
        key: None,
        part: None,
        sent_at_ms: number("sent-at-ms"),
        first_received_at_ms: Some(number("first-received-at-ms")),
        receive_count: Some(u32::try_from(number("receive-count")).unwrap()),
        dead_letter_source: optional("dead-letter-source"),
        extra: serde_json::from_value(json["extra"].clone()).unwrap_or_default(),
    }
}

fn attribute(json: &Json) -> Attribute {
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    Attribute {
        name: text("name"),
        data_type: text("data-type"),
        value: value(&json["value"]),
    }
}

fn value(json: &Json) -> AttributeValue {
    match (json["text"].as_str(), json["base64"].as_str()) {
        (Some(text), None) => AttributeValue::Text(text.to_owned()),
        (None, Some(base64)) => AttributeValue::Binary(STANDARD.decode(base64).unwrap()),
        _ => panic!("neither text nor base64: {json}"),
    }
}

fn verdict_on(id: &str, action: &Action) -> Json {
    let action = match action {
        Action::Ack => json!("ack"),
        Action::Retry(after) => json!({"retry": after}),
        Action::DeadLetter(reason) => json!({"dead-letter": reason}),
    };
    json!({"id": id, "action": action})
}
