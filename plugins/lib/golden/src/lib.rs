//! Runs the golden cases in `tests/cases`, for tests. Their format is described in `tests/cases/README.md`.
//!
//! A case is a JSON object with inputs and recorded answers. A test supplies a function that replaces the answers with
//! those of a plugin; [`check`] compares them. With `BLESS=1` in the environment it rewrites the files instead. Review
//! the difference before committing it: the cases record what AWS does, not what the code does.
//!
//! On failure: panics, as assertions do. [`check`] reports the differences in all cases at once.

#![allow(clippy::panic, reason = "this is a library of assertions for tests")]

pub mod counters;
pub mod http;
pub mod websocket;

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Map, Value};

/// What the result of a call can be based on, and whether a source has to follow, after a colon.
const BASES: [(&str, bool); 5] = [
    ("recorded", true),
    ("documented", true),
    ("reported", true),
    ("inferred", false),
    ("design", false),
];

/// A file with a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The path of the file.
    pub path: PathBuf,
    /// Its content.
    pub recorded: Value,
}

/// All cases of a plugin, sorted by the names of their files.
///
/// # Panics
///
/// Panics if there are none, or if a file cannot be read.
pub fn cases(plugin: &str) -> Vec<Case> {
    let folder = path(plugin);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("cannot list {folder:?}: {error}"));
    let mut cases: Vec<Case> = entries
        .flatten()
        .map(|entry| entry.path())
        .map(|path| Case {
            recorded: read_path(&path),
            path,
        })
        .collect();
    assert!(!cases.is_empty(), "there are no cases in {folder:?}");
    cases.sort_by(|a, b| a.path.cmp(&b.path));
    cases
}

/// The content of another JSON file in `tests/cases`.
///
/// # Panics
///
/// Panics if the file cannot be read.
pub fn read(name: &str) -> Value {
    read_path(&path(name))
}

/// Compares the answers that are recorded in the cases of a plugin with those of `answer`, which returns the case with
/// the plugin's answers. With `BLESS=1` it writes the cases with these answers, in the format of `print`. Each call has
/// to say what its result is based on.
///
/// # Panics
///
/// Panics if an answer differs from the recorded one, if a call has no `basis`, or if a file cannot be read or written.
pub fn check(plugin: &str, answer: impl Fn(&Value) -> Value, print: impl Fn(&Value) -> String) {
    let bless = env::var_os("BLESS").is_some();
    let mut differences = Vec::new();
    for Case { path, recorded } in cases(plugin) {
        let answered = answer(&recorded);
        let calls = recorded.get("calls").and_then(Value::as_array);
        for call in calls.into_iter().flatten() {
            let about = call.get("about").unwrap_or(&Value::Null);
            let at = format!("{}: {about}", path.display());
            differences.extend(lacks_basis(call).map(|why| format!("{at}: {why}")));
        }
        if bless {
            fs::write(&path, print(&answered))
                .unwrap_or_else(|error| panic!("cannot write {path:?}: {error}"));
        } else {
            compare(
                &path.display().to_string(),
                &recorded,
                &answered,
                &mut differences,
            );
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A case as indented JSON.
pub fn pretty(case: &Value) -> String {
    format!("{case:#}\n")
}

/// Why a call does not say what its result is based on; `None` if it does.
fn lacks_basis(call: &Value) -> Option<String> {
    let basis = call["basis"].as_str().unwrap_or_default();
    let (kind, source) = basis.split_once(':').unwrap_or((basis, ""));
    let known = BASES.iter().find(|(name, _)| *name == kind);
    if known.is_some_and(|(_, with_source)| !with_source || !source.trim().is_empty()) {
        return None;
    }
    let found = call.get("basis").unwrap_or(&Value::Null);
    Some(format!(
        "the basis of the result is {found}. Add to the call one of \"basis\": \"recorded: SOURCE\", \
         \"documented: SOURCE\", \"reported: SOURCE\", \"inferred\" or \"design\"; what they mean and how \
         to write a SOURCE is in tests/cases/README.md under \"What a result is based on\""
    ))
}

/// Adds the members that differ, each with its place: those of the case, and those of each of its `calls`.
fn compare(at: &str, recorded: &Value, answered: &Value, differences: &mut Vec<String>) {
    let (recorded, answered) = (members(recorded, at), members(answered, at));
    let mut keys: Vec<&String> = recorded.keys().chain(answered.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        match (recorded.get(key), answered.get(key)) {
            (Some(Value::Array(recorded)), Some(Value::Array(answered)))
                if key == "calls" && recorded.len() == answered.len() =>
            {
                for (recorded, answered) in recorded.iter().zip(answered) {
                    let at = format!("{at}: {}", recorded["about"]);
                    compare(&at, recorded, answered, differences);
                }
            }
            (recorded, answered) if recorded == answered => {}
            (recorded, answered) => differences.push(format!(
                "{at}: {key}\n  recorded {}\n  answered {}",
                recorded.unwrap_or(&Value::Null),
                answered.unwrap_or(&Value::Null)
            )),
        }
    }
}

fn members<'a>(value: &'a Value, at: &str) -> &'a Map<String, Value> {
    let members = value.as_object();
    members.unwrap_or_else(|| panic!("{at}: not a JSON object"))
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../tests/cases")
        .join(name)
}

fn read_path(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {path:?}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?} is not JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_says_what_its_result_is_based_on() {
        for basis in [
            "recorded: a, b.json",
            "documented: a/b",
            "inferred",
            "inferred: why",
            "design",
        ] {
            assert_eq!(lacks_basis(&json!({"basis": basis})), None, "{basis}");
        }
        for basis in [
            json!(null),
            json!(1),
            json!("docs"),
            json!("recorded"),
            json!("recorded: "),
        ] {
            let why = lacks_basis(&json!({"basis": basis})).unwrap();
            assert!(why.contains(&basis.to_string()), "{why}");
            assert!(why.contains("tests/cases/README.md"), "{why}");
        }
        assert!(lacks_basis(&json!({})).is_some());
    }

    #[test]
    fn differences_are_reported_with_their_place() {
        let recorded =
            json!({"setup": 1, "calls": [{"about": "a", "event": 1}, {"about": "b", "event": 2}]});
        let mut answered = recorded.clone();
        answered["problems"] = json!([]);
        answered["calls"][1]["event"] = json!(3);
        let mut differences = Vec::new();
        compare("case", &recorded, &answered, &mut differences);
        let expected = [
            "case: \"b\": event\n  recorded 2\n  answered 3",
            "case: problems\n  recorded null\n  answered []",
        ];
        assert_eq!(differences, expected);
    }
}
