//! Asynchronous invocation: accepted events run and are retried as on AWS, and their final outcome is recorded.

mod kill;

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Project, RAW_BOOTSTRAP, Reply, Server, eventually, lambkin};

/// Scales AWS's delays in most tests: 0.3 and 0.6 seconds before the retries, and 108 seconds as the maximum event age.
const QUICK: &str = "[asynchronous]\ntime-scale = 0.005\n";

/// A project with the function `echo`; `settings` go into its `asynchronous` table and `rest` follows it.
fn echo(settings: &str, rest: &str) -> Project {
    Project::echo(&format!(
        "[functions.echo.asynchronous]\n{settings}\n{rest}"
    ))
}

#[track_caller]
fn send(server: &Server, function: &str, event: &Value) -> Reply {
    server.invoke_with(
        function,
        event.to_string(),
        &[("x-amz-invocation-type", "Event")],
    )
}

/// Sends an event that is accepted, and returns its request id.
#[track_caller]
fn accepted(server: &Server, function: &str, event: &Value) -> String {
    let reply = send(server, function, event);
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (202, ""),
        "{reply:?}"
    );
    reply.header("x-amzn-requestid").unwrap().to_owned()
}

/// The messages in a queue.
#[track_caller]
fn queue(project: &Project, name: &str) -> Vec<Value> {
    lines(project, &["queue", "--json", name])
}

#[track_caller]
fn lines(project: &Project, arguments: &[&str]) -> Vec<Value> {
    let output = lambkin()
        .args(arguments)
        .current_dir(project.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Waits for a message in a queue and asserts that it is the only one.
#[track_caller]
fn only_message(project: &Project, name: &str) -> Value {
    let mut messages = Vec::new();
    eventually(&format!("a message in {name}"), || {
        messages = queue(project, name);
        !messages.is_empty()
    });
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0)
}

/// Like [`only_message`], for an invocation record.
#[track_caller]
fn only_record(project: &Project, name: &str) -> Value {
    let message = only_message(project, name);
    assert_eq!(message["attributes"], json!({}));
    serde_json::from_str(message["body"].as_str().unwrap()).unwrap()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_success_is_recorded_and_the_store_is_created_on_first_use() {
    let project = echo("on-success = 'queue:done'\non-failure = 'queue:failed'", "");
    let server = project.serve();
    assert_eq!(server.invoke("echo", "1").text(), "1");
    assert!(!project.path().join(".lambkin/store.sqlite").exists());
    assert!(queue(&project, "done").is_empty());

    let event = json!({ "n": 1 });
    let id = accepted(&server, "echo", &event);
    let mut record = only_record(&project, "done");
    let timestamp = record["timestamp"].take();
    assert!(
        timestamp
            .as_str()
            .is_some_and(|time| time.len() == 24 && time.ends_with('Z')),
        "{timestamp}"
    );
    assert_eq!(
        record,
        json!({
            "version": "1.0",
            "timestamp": null,
            "requestContext": {
                "requestId": id,
                "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:echo:$LATEST",
                "condition": "Success",
                "approximateInvokeCount": 1,
            },
            "requestPayload": event,
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST" },
            "responsePayload": event,
        })
    );
    assert!(queue(&project, "failed").is_empty());
    let queues = lines(&project, &["queue", "--json"]);
    assert_eq!(
        queues,
        [json!({ "queue": "done", "due": 1, "delayed": 0, "leased": 0 })]
    );
}

#[test]
fn a_function_error_is_retried_twice_then_recorded_and_the_event_is_a_dead_letter() {
    let settings =
        "on-success = 'queue:done'\non-failure = 'queue:failed'\ndead-letter = 'queue:dead'";
    let project = echo(settings, QUICK);
    let server = project.serve();
    let event = json!({ "error": "intended", "eprint": "tried" });
    let id = accepted(&server, "echo", &event);

    let record = only_record(&project, "failed");
    let context = &record["requestContext"];
    assert_eq!(context["requestId"], id.as_str());
    assert_eq!(context["condition"], "RetriesExhausted");
    assert_eq!(context["approximateInvokeCount"], 3);
    assert_eq!(record["requestPayload"], event);
    assert_eq!(
        record["responseContext"],
        json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" })
    );
    assert_eq!(record["responsePayload"]["errorMessage"], "intended");

    let dead = only_message(&project, "dead");
    assert_eq!(dead["body"], event.to_string());
    assert_eq!(
        dead["attributes"],
        json!({
            "RequestID": { "DataType": "String", "StringValue": id },
            "ErrorCode": { "DataType": "Number", "StringValue": "200" },
            "ErrorMessage": { "DataType": "String", "StringValue": "intended" },
        })
    );
    assert!(queue(&project, "done").is_empty());
    let start = format!("START RequestId: {id} ");
    eventually("three runs in the log", || {
        server.log().matches(&start).count() == 3
    });
}

#[test]
fn a_discarded_event_without_a_destination_is_logged() {
    let project = echo("maximum-retry-attempts = 0", "");
    let server = project.serve();
    let id = accepted(&server, "echo", &json!({ "exit": 3 }));
    let log = server.log_with("is discarded");
    assert!(
        log.contains(&format!(
            "the event of request {id} is discarded after 1 attempt(s): RetriesExhausted"
        )),
        "{log}"
    );
}

#[test]
fn a_retry_that_would_exceed_the_maximum_age_fails_the_event_at_once() {
    let project = echo("maximum-event-age = 60\non-failure = 'queue:failed'", "");
    let server = project.serve();
    accepted(&server, "echo", &json!({ "error": "intended" }));
    let record = only_record(&project, "failed");
    let context = &record["requestContext"];
    assert_eq!(context["condition"], "EventAgeExceeded");
    assert_eq!(context["approximateInvokeCount"], 1);
    assert_eq!(record["responsePayload"]["errorMessage"], "intended");
}

#[test]
fn a_concurrency_of_zero_fails_an_event_without_running_it() {
    let project = Project::echo(
        "concurrency = 0\n[functions.echo.asynchronous]\non-failure = 'queue:failed'\n",
    );
    let server = project.serve();
    assert_eq!(server.invoke("echo", "1").status, 429);
    accepted(&server, "echo", &json!({ "n": 1 }));
    let record = only_record(&project, "failed");
    assert_eq!(
        record["requestContext"]["condition"],
        "ZeroReservedConcurrency"
    );
    assert_eq!(
        keys(&record),
        BTreeSet::from(["version", "timestamp", "requestContext", "requestPayload"])
    );
}

#[test]
fn a_throttled_event_is_retried_without_using_up_a_retry_attempt() {
    let project = Project::echo(&format!(
        "concurrency = 1\nqueue = 0\ntimeout = 60\n[functions.echo.asynchronous]\n\
         maximum-retry-attempts = 0\non-success = 'queue:done'\n{QUICK}"
    ));
    let server = project.serve();
    let busy = json!({ "eprint": "busy", "sleep_ms": 3000 });
    let record = std::thread::scope(|scope| {
        scope.spawn(|| server.invoke("echo", busy.to_string()));
        server.log_with("busy");
        accepted(&server, "echo", &json!({ "n": 1 }));
        only_record(&project, "done")
    });
    let runs = record["requestContext"]["approximateInvokeCount"].as_u64();
    assert!(runs.is_some_and(|runs| runs > 1), "{record}");
}

#[test]
fn a_function_as_destination_gets_the_record_as_its_event() {
    let project = Project::new(&format!(
        "[functions.first]\ncode = \"{RAW_BOOTSTRAP}\"\nasynchronous = {{ on-success = \"second\" }}\n\
         [functions.second]\ncode = \"{RAW_BOOTSTRAP}\"\nasynchronous = {{ on-success = \"queue:done\" }}\n"
    ));
    let server = project.serve();
    let id = accepted(&server, "first", &json!({ "n": 1 }));
    let record = only_record(&project, "done");
    assert!(
        record["requestContext"]["functionArn"]
            .as_str()
            .is_some_and(|arn| arn.ends_with(":second:$LATEST"))
    );
    assert_ne!(record["requestContext"]["requestId"], id.as_str());
    let inner = &record["requestPayload"];
    assert_eq!(inner["requestContext"]["requestId"], id.as_str());
    assert_eq!(inner["requestPayload"], json!({ "n": 1 }));
}

#[test]
fn pending_events_survive_a_restart_and_the_removal_of_their_function() {
    let project = echo("", "");
    let mut server = project.serve();
    // The first retry is due in a minute.
    accepted(&server, "echo", &json!({ "error": "intended" }));
    let waits = || queue(&project, "lambda:echo");
    eventually("the retry to be due", || {
        waits().first().is_some_and(|event| {
            event["dueAt"].as_u64() > event["sentAt"].as_u64().map(|at| at + 59_000)
        }) && lines(&project, &["queue", "--json"])[0]["delayed"] == 1
    });
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    let kept = waits();
    assert_eq!(kept.len(), 1);

    project.file(
        "lambkin.toml",
        format!(
            "[functions.other]\ncode = \"{RAW_BOOTSTRAP}\"\n[invoke]\nlisten = \"127.0.0.1:0\"\n"
        ),
    );
    let server = project.serve();
    server
        .log_with("1 accepted event(s) wait for the function \"echo\", which is no longer defined");
    assert_eq!(server.invoke("other", "1").text(), "1");
    assert_eq!(waits(), kept);
}

#[test]
fn a_second_host_reports_that_the_store_is_in_use_and_takes_over_when_the_first_exits() {
    let project = echo("on-success = 'queue:done'", "");
    let first = project.serve();
    accepted(&first, "echo", &json!(1));
    let second = project.serve();
    second.log_with("another lambkin is using it");
    let refused = send(&second, "echo", &json!(2));
    assert_eq!(
        (refused.status, refused.header("x-amzn-errortype")),
        (500, Some("ServiceException"))
    );
    assert!(refused.text().contains("another lambkin is using it"));
    assert_eq!(second.invoke("echo", "3").text(), "3");
    drop(first);
    accepted(&second, "echo", &json!(4));
    eventually("both events to have run", || {
        queue(&project, "done").len() == 2
    });
}

#[test]
fn a_file_that_is_not_a_store_is_left_untouched_and_synchronous_calls_still_work() {
    let project = echo("", "");
    let path = project.file(".lambkin/store.sqlite", "somebody's work\n".repeat(100));
    let server = project.serve();
    server.log_with("file is not a database");
    let refused = send(&server, "echo", &json!(1));
    assert_eq!(refused.status, 500);
    assert!(
        refused.text().contains("store.sqlite") && refused.text().contains("move it"),
        "{}",
        refused.text()
    );
    assert_eq!(server.invoke("echo", "1").text(), "1");
    assert!(
        std::fs::read_to_string(path)
            .unwrap()
            .starts_with("somebody's work")
    );
}
