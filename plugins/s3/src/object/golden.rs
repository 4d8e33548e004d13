//! Runs the golden cases of `tests/cases/s3`; the format is described in `tests/cases/README.md`.
//!
//! With `BLESS=1` in the environment the cases are rewritten with the current answers. Read the difference before you
//! commit it: the cases record what AWS does, not what this code does.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Value, json};

use super::contract::{Bucket, Change, Problem, Target};
use super::{configure, shape};

#[test]
fn every_golden_case_is_answered_as_recorded() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/s3");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 5, "the cases are missing: {files:?}");
    for file in files {
        let recorded = read(&file);
        let answered = answer(&recorded);
        if env::var_os("BLESS").is_some() {
            fs::write(&file, format!("{answered:#}\n")).unwrap();
            continue;
        }
        for part in ["setup", "problems"] {
            assert_eq!(answered[part], recorded[part], "{file:?}: {part}");
        }
        let calls = |case: &Value| case["calls"].as_array().cloned().unwrap_or_default();
        for (answered, recorded) in calls(&answered).iter().zip(&calls(&recorded)) {
            let about = &recorded["about"];
            assert_eq!(answered["event"], recorded["event"], "{file:?}: {about}");
        }
    }
}

#[test]
fn a_state_of_another_plugin_is_an_error() {
    let change = json!({"id": "1", "event": "e", "key": "k", "sequencer": 1, "at-ms": 0});
    let error = shape("{}", &self::change(&change)).unwrap_err();
    assert!(error.starts_with("the state was not written"), "{error}");
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The case with this plugin's answers instead of the recorded ones.
fn answer(case: &Value) -> Value {
    let mut case = case.clone();
    let setup = match configure(&case["config"].to_string(), &bucket(&case["bucket"])) {
        Ok(setup) => setup,
        Err(problems) => {
            let problem = |it: Problem| json!({"at": it.at, "message": it.message});
            case["problems"] = problems.into_iter().map(problem).collect();
            return case;
        }
    };
    let target = match setup.target {
        Target::Function(name) => json!({"function": name}),
        Target::Queue(name) => json!({"queue": name}),
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
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    Bucket {
        name: text("name"),
        region: text("region"),
        account: text("account"),
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
