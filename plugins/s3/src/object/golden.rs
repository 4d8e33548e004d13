//! Runs the golden cases in `tests/cases/s3`; see the crate `golden`.

use serde_json::{Value, json};

use super::contract::{Bucket, Change, Problem, Target};
use super::{configure, shape};

#[test]
fn golden_cases_are_answered_as_recorded() {
    golden::check("s3", answer, golden::pretty);
}

#[test]
fn a_state_of_another_plugin_is_an_error() {
    let change = json!({"id": "1", "event": "e", "key": "k", "sequencer": 1, "at-ms": 0});
    let error = shape("{}", &self::change(&change)).unwrap_err();
    assert!(error.starts_with("the state was not written"), "{error}");
}

/// The case with this plugin's answers instead of the recorded ones.
fn answer(case: &Value) -> Value {
    let mut case = case.clone();
    let setup = match configure(
        &case["config"].to_string(),
        case["bucket"]["region"].as_str().unwrap(),
        &bucket(&case["bucket"]),
    ) {
        Ok(setup) => setup,
        Err(problems) => {
            let problem = |it: Problem| json!({"at": it.at, "message": it.message});
            case["problems"] = problems.into_iter().map(problem).collect();
            return case;
        }
    };
    let target = match setup.target {
        Target::Function(function) => json!({"function": function.name}),
        Target::Queue(queue) => json!({"queue": queue.name}),
    };
    case["setup"] = json!({"target": target, "summary": setup.summary});
    for call in case["calls"].as_array_mut().expect("a case has calls") {
        let event = shape(&setup.state, &change(&call["change"])).unwrap();
        if let Some(event) = &event {
            serde_json::from_str::<Value>(event).expect("the event is JSON");
        }
        call["event"] = event.into();
    }
    case
}

fn bucket(json: &Value) -> Bucket {
    Bucket {
        name: json["name"].as_str().unwrap().to_owned(),
        extra: Vec::new(),
    }
}

fn change(json: &Value) -> Change {
    let optional = |name: &str| json[name].as_str().map(str::to_owned);
    let number = |name: &str| json[name].as_u64();
    Change {
        id: optional("id").unwrap(),
        event: optional("event").unwrap(),
        key: optional("key").unwrap(),
        size: number("size"),
        etag: optional("etag"),
        version: optional("version"),
        sequencer: number("sequencer").unwrap(),
        at_ms: number("at-ms").unwrap(),
        extra: serde_json::from_value(json["extra"].clone()).unwrap_or_default(),
    }
}
