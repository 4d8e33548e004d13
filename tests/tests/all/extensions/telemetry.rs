//! The Telemetry API and its predecessor, the Logs API, as read by AWS's crate, which parses strictly.

use serde_json::{Value, json};

use super::{Observed, id};
use crate::support::Missing;

#[track_caller]
fn subscribed(api: &str, settings: &str) -> Result<Observed, Missing> {
    // On AWS, too, a frozen extension reads its telemetry only when the next event thaws it.
    let settings = format!("freeze = false\n{settings}");
    Observed::new(&format!("SUBSCRIBE = '{api}'"), &settings)
}

fn is_of_type(event: &Value, kind: &str) -> bool {
    event["type"] == kind
}

/// The record of the first event of a type, optionally of one invocation only.
#[track_caller]
fn record_of<'a>(events: &'a [Value], kind: &str, id: Option<&str>) -> &'a Value {
    let fits = |event: &&Value| {
        is_of_type(event, kind) && id.is_none_or(|id| event["record"]["requestId"] == id)
    };
    let found = events.iter().find(fits);
    &found.unwrap_or_else(|| panic!("no {kind}: {events:?}"))["record"]
}

#[test]
fn telemetry_of_a_cold_start_and_its_invocation_arrives_in_order() {
    let Ok(observed) = subscribed("telemetry", "memory = 256") else {
        return;
    };
    let event = r#"{"print":"a line"}"#;
    let reply = observed.server.invoke("echo", event);
    assert_eq!(reply.text(), event);
    let events = observed.until("telemetry", |event| is_of_type(event, "platform.report"));
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        // The extension's own log lines may appear anywhere.
        .filter(|kind| *kind != "extension")
        .collect();
    assert_eq!(
        kinds,
        [
            "platform.initStart",
            "platform.telemetrySubscription",
            "platform.initRuntimeDone",
            "platform.extension",
            "platform.initReport",
            "platform.start",
            "function",
            "platform.runtimeDone",
            "platform.report",
        ],
        "{events:#?}"
    );
    assert_init_telemetry(&events);
    assert_invocation_telemetry(&events, id(&reply));
}

#[track_caller]
fn assert_init_telemetry(events: &[Value]) {
    for kind in ["initStart", "initRuntimeDone", "initReport"] {
        let record = record_of(events, &format!("platform.{kind}"), None);
        assert_eq!(
            (&record["initializationType"], &record["phase"]),
            (&json!("on-demand"), &json!("init")),
            "{record}"
        );
    }
    let done = record_of(events, "platform.initRuntimeDone", None);
    assert_eq!(done["status"], "success");
    let report = record_of(events, "platform.initReport", None);
    assert!(report["metrics"]["durationMs"].is_f64(), "{report}");
    assert_eq!(
        record_of(events, "platform.telemetrySubscription", None),
        &json!({ "name": "observer", "state": "Subscribed", "types": ["platform", "function", "extension"] })
    );
    assert_eq!(
        record_of(events, "platform.extension", None),
        &json!({ "name": "observer", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"] })
    );
    let own = events
        .iter()
        .any(|event| is_of_type(event, "extension") && line(event) == "observer starts");
    assert!(own, "{events:?}");
}

#[track_caller]
fn assert_invocation_telemetry(events: &[Value], id: &str) {
    let start = record_of(events, "platform.start", Some(id));
    assert_eq!(start["version"], "$LATEST");
    assert_eq!(start["tracing"]["type"], "X-Amzn-Trace-Id");
    let function = events.iter().find(|event| is_of_type(event, "function"));
    assert_eq!(line(function.unwrap()), "a line");
    let done = record_of(events, "platform.runtimeDone", Some(id));
    assert_eq!(
        (&done["status"], &done["metrics"]["producedBytes"]),
        (&json!("success"), &json!(r#"{"print":"a line"}"#.len()))
    );
    let spans: Vec<&Value> = done["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| &span["name"])
        .collect();
    assert_eq!(
        spans,
        ["responseLatency", "responseDuration", "runtimeOverhead"]
    );
    let report = record_of(events, "platform.report", Some(id));
    let metrics = &report["metrics"];
    assert_eq!(
        (&report["status"], &metrics["memorySizeMB"]),
        (&json!("success"), &json!(256))
    );
    assert!(metrics["initDurationMs"].is_f64(), "{report}");
}

/// A line of output without its line end, which may be included.
fn line(event: &Value) -> &str {
    event["record"].as_str().unwrap().trim_end()
}

#[test]
fn telemetry_of_a_warm_invocation_has_no_init() {
    let Ok(observed) = subscribed("telemetry", "") else {
        return;
    };
    observed.works();
    let reply = observed.works();
    let warm = id(&reply);
    let events = observed.until("telemetry", |event| {
        is_of_type(event, "platform.report") && event["record"]["requestId"] == warm
    });
    let metrics = &record_of(&events, "platform.report", Some(warm))["metrics"];
    assert!(metrics["durationMs"].is_f64(), "{metrics}");
    assert_eq!(metrics.get("initDurationMs"), None, "{metrics}");
    let inits = events
        .iter()
        .filter(|each| is_of_type(each, "platform.initStart"));
    assert_eq!(inits.count(), 1);
}

#[test]
fn telemetry_of_a_crash_and_a_timeout_has_status_and_error_type() {
    let Ok(observed) = subscribed("telemetry", "timeout = 3") else {
        return;
    };
    for (event, status, error_type) in [
        (r#"{"exit":3}"#, "error", Some("Runtime.ExitError")),
        (r#"{"sleep_ms":600000}"#, "timeout", None),
    ] {
        let reply = observed.server.invoke("echo", event);
        assert_eq!(reply.header("x-amz-function-error"), Some("Unhandled"));
        let failed = id(&reply);
        let events = observed.until("telemetry", |event| {
            is_of_type(event, "platform.report") && event["record"]["requestId"] == failed
        });
        for kind in ["platform.runtimeDone", "platform.report"] {
            let record = record_of(&events, kind, Some(failed));
            assert_eq!(
                (record["status"].as_str(), record["errorType"].as_str()),
                (Some(status), error_type),
                "{record}"
            );
        }
        observed.works();
    }
    // A handler error is not a platform error.
    let reply = observed.server.invoke("echo", r#"{"error":"no luck"}"#);
    let events = observed.until("telemetry", |event| {
        is_of_type(event, "platform.report") && event["record"]["requestId"] == id(&reply)
    });
    let done = record_of(&events, "platform.runtimeDone", Some(id(&reply)));
    assert_eq!(done["status"], "success");
}

#[test]
fn the_logs_api_still_reports_invocations() {
    let Ok(observed) = subscribed("logs", "") else {
        return;
    };
    let reply = observed.server.invoke("echo", r#"{"print":"a line"}"#);
    assert_eq!(reply.status, 200);
    let record = |event: &Value| event["record"].as_str().unwrap().to_owned();
    let events = observed.until("logs", |event| record(event).starts_with("PlatformReport"));
    let records: Vec<String> = events.iter().map(record).collect();
    let at = |start: &str| {
        let found = records.iter().position(|record| record.starts_with(start));
        found.unwrap_or_else(|| panic!("no {start}: {records:?}"))
    };
    let start = format!("PlatformStart {{ request_id: \"{}\"", id(&reply));
    let places = [
        at(&start),
        at("Function(\"a line"),
        at("PlatformRuntimeDone"),
        at("PlatformReport"),
    ];
    assert!(places.is_sorted(), "{records:?}");
    at("PlatformLogsSubscription { name: \"observer\", state: \"Subscribed\"");
    at("PlatformExtension { name: \"observer\", state: \"Ready\"");
    at("Extension(\"observer starts");
    let log = observed.server.log();
    assert!(
        log.contains(
            "LOGS\tName: observer\tState: Subscribed\tTypes: [Platform, Function, Extension]"
        ),
        "{log}"
    );
}
