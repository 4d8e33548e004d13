//! Runs the golden cases of the built-in plugins against the components themselves, in the host.
//!
//! The same files test the plugins' plain functions in their own crates; `tests/cases/README.md` describes the format.

mod batch;
mod http;
mod object;
mod websocket;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lambkin_plugin::{ConfigureError, EventOrigin, Plugin, Role, Surroundings};
use serde_json::{Value, json};

use crate::fixture::host;

/// A built-in plugin in this role with its cases, each with the name of its file.
async fn cases_of(name: &str, role: Role) -> (Plugin, Vec<(String, Value)>) {
    let bytes = Bytes::from(lambkin_builtin::find(name).unwrap());
    let plugin = host().load(name, bytes).await.unwrap();
    assert!(plugin.plays(role), "{name}");
    let cases = ::golden::cases(name)
        .into_iter()
        .map(|case| (case.path.display().to_string(), case.recorded));
    (plugin, cases.collect())
}

/// What the plugin made of a case's configuration; `None` if it has refused it, as the case says.
fn accepted<T>(configured: Result<T, ConfigureError>, case: &Value, file: &str) -> Option<T> {
    match configured {
        Ok(trigger) => Some(trigger),
        Err(ConfigureError::Problems(problems)) => {
            let problems: Value = problems
                .iter()
                .map(|it| json!({"at": it.at, "message": it.message}))
                .collect();
            assert_eq!(problems, case["problems"], "{file}");
            None
        }
        Err(error) => panic!("{file}: {error}"),
    }
}

fn calls<'a>(case: &'a Value, file: &str) -> &'a [Value] {
    let calls = case["calls"].as_array();
    calls.unwrap_or_else(|| panic!("{file}: no calls"))
}

fn text(value: &Value, key: &str) -> String {
    optional(value, key).unwrap_or_else(|| panic!("no text {key}: {value}"))
}

fn optional(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn number(value: &Value, key: &str) -> u64 {
    let number = value[key].as_u64();
    number.unwrap_or_else(|| panic!("no number {key}: {value}"))
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

fn decoded(base64: &str) -> Bytes {
    STANDARD.decode(base64).unwrap().into()
}

/// The surroundings of a case with this region and account.
fn surroundings(region: &str, account: &str) -> Surroundings {
    Surroundings {
        name: "golden".to_owned(),
        address: None,
        region: region.to_owned(),
        account: account.to_owned(),
        environment: Vec::new(),
        functions: Vec::new(),
        extra: Vec::new(),
    }
}

/// Where a case's messages or objects come from.
fn origin(json: &Value) -> EventOrigin {
    EventOrigin {
        name: text(json, "name"),
        ordered: json["ordered"].as_bool().unwrap_or(false),
        lease_ms: None,
        region: text(json, "region"),
        account: text(json, "account"),
    }
}
