//! Extensions: one built with AWS's Rust crate, one that needs only curl, and the internal extension of Go's runtime
//! client.
//!
//! The first two are in `fixtures/extensions`. The Rust one, `observer`, records everything it receives, in order; its
//! source documents the variables that control it.

mod telemetry;

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    Barrier, Missing, Project, RAW_BOOTSTRAP, Reply, Server, curl, eventually, installed,
};

/// A running server with a function `echo` whose only layer contains `observer`.
struct Observed {
    project: Project,
    server: Server,
}

impl Observed {
    /// The raw bootstrap, with further variables for both processes and further settings.
    #[track_caller]
    fn new(variables: &str, settings: &str) -> Result<Self, Missing> {
        Self::with_code(Project::new(""), RAW_BOOTSTRAP, variables, settings)
    }

    #[track_caller]
    fn with_code(
        project: Project,
        code: &str,
        variables: &str,
        settings: &str,
    ) -> Result<Self, Missing> {
        let program = installed("examples/rust/target/release/observer")?;
        let extensions = project.path().join("layer/extensions");
        fs::create_dir_all(&extensions).unwrap();
        std::os::unix::fs::symlink(program, extensions.join("observer")).unwrap();
        let file = project.path().join("observed");
        project.file(
            "lambkin.toml",
            format!(
                "[invoke]\nlisten = '127.0.0.1:0'\n\
                 [functions.echo]\ncode = {code:?}\nlayers = ['layer']\n{settings}\n\
                 [functions.echo.environment]\nOBSERVED = {file:?}\n{variables}\n"
            ),
        );
        let server = project.serve();
        Ok(Self { project, server })
    }

    fn file(&self) -> PathBuf {
        self.project.path().join("observed")
    }

    /// The records so far, of one source or of all.
    fn all(&self, from: Option<&str>) -> Vec<Value> {
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &Value| from.is_none_or(|from| line["from"] == from))
            .collect()
    }

    /// Waits for a record of a source that satisfies a condition, and returns all records of that source.
    #[track_caller]
    fn until(&self, from: &str, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let what = format!("an event from {from}");
        eventually(&what, || self.all(Some(from)).iter().any(&fits));
        self.all(Some(from))
    }

    /// Stops the host gracefully, and with it the environment.
    #[track_caller]
    fn stop(&mut self) {
        self.server.signal(Signal::TERM);
        self.server.wait();
    }

    #[track_caller]
    fn works(&self) -> Reply {
        let reply = self.server.invoke("echo", r#"{"n":1}"#);
        assert_eq!(reply.text(), r#"{"n":1}"#, "{}", self.server.log());
        reply
    }

    /// Makes the function fail and returns its error.
    #[track_caller]
    fn fails(&self, event: &str) -> Value {
        let reply = self.server.invoke("echo", event);
        let error = reply.header("x-amz-function-error");
        assert_eq!(error, Some("Unhandled"), "{reply:?}\n{}", self.server.log());
        reply.json()
    }
}

fn id(reply: &Reply) -> &str {
    reply.header("x-amzn-requestid").unwrap()
}

fn is_shutdown(event: &Value) -> bool {
    event["eventType"] == "SHUTDOWN"
}

#[test]
fn an_extension_receives_invoke_and_shutdown_events() {
    let Ok(mut observed) = Observed::new("", "handler = 'app.handler'") else {
        return;
    };
    let replies = [observed.works(), observed.works()];
    let last = id(&replies[1]).to_owned();
    observed.until("event", |event| event["requestId"] == last);
    observed.stop();

    let [registration] = &observed.all(Some("register"))[..] else {
        panic!("{:?}", observed.all(None));
    };
    for (key, value) in [
        ("functionName", "echo"),
        ("functionVersion", "$LATEST"),
        ("handler", "app.handler"),
        ("accountId", "123456789012"),
    ] {
        assert_eq!(registration[key], value, "{registration}");
    }
    let events = observed.all(Some("event"));
    let [first, second, end] = &events[..] else {
        panic!("{events:?}");
    };
    for (event, reply) in [(first, &replies[0]), (second, &replies[1])] {
        assert_eq!(
            (&event["eventType"], &event["requestId"]),
            (&json!("INVOKE"), &json!(id(reply)))
        );
        assert_eq!(
            event["invokedFunctionArn"],
            "arn:aws:lambda:us-east-1:123456789012:function:echo"
        );
        assert_eq!(event["tracing"]["type"], "X-Amzn-Trace-Id");
        let trace = event["tracing"]["value"].as_str().unwrap();
        assert!(trace.starts_with("Root=1-"), "{trace}");
    }
    assert_eq!(
        (&end["eventType"], &end["shutdownReason"]),
        (&json!("SHUTDOWN"), &json!("spindown"))
    );
    let log = observed.server.log();
    assert!(
        log.contains("EXTENSION\tName: observer\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"),
        "{log}"
    );
}

#[test]
fn the_response_does_not_wait_for_the_extension_but_the_next_event_does() {
    let barrier = Barrier::new();
    let variables = format!("BARRIER = '{}'", barrier.address());
    let Ok(observed) = Observed::new(&variables, "concurrency = 1\ntimeout = 60") else {
        return;
    };
    let first = observed.works();
    let waiting = barrier.arrival();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| observed.works());
        // The extension has not finished the first invocation, so it cannot have received another.
        let events = observed.all(Some("event"));
        assert_eq!(events.len(), 1, "{events:?}");
        assert!(!observed.server.log().contains("REPORT"));
        drop(waiting);
        drop(barrier.arrival());
        second.join().unwrap();
    });
    let log = observed.server.log_with("REPORT");
    assert!(
        log.contains(&format!("END RequestId: {}", id(&first))),
        "{log}"
    );
}

#[test]
fn a_timeout_and_a_crash_shut_the_extension_down_with_the_reason_and_start_a_new_one() {
    let Ok(observed) = Observed::new("", "timeout = 3") else {
        return;
    };
    observed.works();
    let error = observed.fails(r#"{"sleep_ms":600000}"#);
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    observed.until("event", |event| event["shutdownReason"] == "timeout");
    observed.works();
    let error = observed.fails(r#"{"exit":3}"#);
    assert_eq!(error["errorType"], "Runtime.ExitError");
    observed.until("event", |event| event["shutdownReason"] == "failure");
    observed.works();
    let registrations = observed.all(Some("register"));
    let ids: Vec<&Value> = registrations.iter().map(|each| &each["id"]).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
}

#[test]
fn an_extension_that_exits_fails_only_the_current_invocation() {
    let Ok(observed) = Observed::new("FAIL = 'invoke'", "timeout = 60") else {
        return;
    };
    // The function itself never responds.
    let error = observed.fails(r#"{"sleep_ms":600000}"#);
    assert_eq!(error["errorType"], "Extension.Crash", "{error}");
    observed.fails(r#"{"sleep_ms":600000}"#);
}

#[test]
fn an_extension_that_exits_before_it_registers_fails_every_init() {
    let Ok(observed) = Observed::new("FAIL = 'init'", "timeout = 60") else {
        return;
    };
    for _ in 0..2 {
        let error = observed.fails("{}");
        assert_eq!(error["errorType"], "Extension.Crash", "{error}");
    }
    observed.server.log_with("INIT_REPORT ");
}

/// A runtime that exits on SIGTERM and adds a record of it to the file of `observer`.
const SAYS_FAREWELL: &str = r#"
trap 'echo "{\"from\":\"event\",\"signal\":\"TERM\"}" >> "$OBSERVED"; exit 0' TERM
while next; do respond "$event"; done
"#;

#[test]
fn the_runtime_is_terminated_before_the_extension_is_shut_down() {
    // The runtime has AWS's 300 ms to react to SIGTERM. On a busy machine it may not be scheduled in that time.
    for _ in 0..5 {
        let project = Project::new("");
        if project.bash_bootstrap(SAYS_FAREWELL).is_err() {
            return;
        }
        let Ok(mut observed) = Observed::with_code(project, "code", "", "timeout = 30") else {
            return;
        };
        let reply = observed.works();
        observed.until("event", |event| event["requestId"] == id(&reply));
        observed.server.log_with("REPORT");
        observed.stop();
        let events = observed.all(Some("event"));
        match &events[..] {
            [_invoke, signal, end] => {
                assert!(signal["signal"] == "TERM" && is_shutdown(end), "{events:?}");
                return;
            }
            [_invoke, end] => assert!(is_shutdown(end), "{events:?}"),
            _ => panic!("{events:?}"),
        }
    }
    panic!("the runtime never received SIGTERM");
}

#[test]
fn an_extension_in_bash_needs_only_curl() {
    if curl().is_err() {
        return;
    }
    let project = Project::echo("layers = ['layer']\nhandler = 'app.handler'\n");
    let script = include_bytes!("../../fixtures/extensions/bash/plain.sh");
    project.executable("layer/extensions/plain.sh", script);
    let mut server = project.serve();
    let reply = server.invoke("echo", "1");
    assert_eq!(reply.text(), "1");
    server.log_with(&format!("\"requestId\":\"{}\"", id(&reply)));
    server.log_with("REPORT");
    server.signal(Signal::TERM);
    server.wait();
    let log = server.log_with("SHUTDOWN\"");
    // Variables for the runtime only are hidden from extensions.
    let lines = [
        "plain: function echo handler none root none",
        "plain: registered {",
        "plain: {\"eventType\":\"INVOKE\"",
        "plain: {\"eventType\":\"SHUTDOWN\"",
    ];
    let places = lines.map(|line| log.find(line).unwrap_or_else(|| panic!("no {line}: {log}")));
    assert!(places.is_sorted(), "{log}");
    assert!(
        log.contains("EXTENSION\tName: plain.sh\tState: Ready\t"),
        "{log}"
    );
}

/// Go's runtime client registers an internal extension for no events, only so that the runtime receives SIGTERM.
#[test]
fn an_internal_extension_lets_the_runtime_receive_sigterm() {
    let Ok(code) = installed("runtimes/go") else {
        return;
    };
    let project = Project::new(&format!(
        "[functions.echo]\ncode = {code:?}\ntimeout = 30\nenvironment = {{ FAREWELL = 'yes' }}\n"
    ));
    let mut server = project.serve();
    for _ in 0..2 {
        let reply = server.invoke("echo", r#"{"n":1}"#);
        assert_eq!(reply.json(), json!({ "n": 1 }), "{}", server.log());
    }
    server.signal(Signal::TERM);
    server.wait();
    let log = server.log_with("farewell");
    assert!(!log.contains("WARNING"), "{log}");
}
