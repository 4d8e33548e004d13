//! The lifecycle of execution environments.

use std::thread;

use serde_json::{Value, json};

use crate::support::{Project, Server, eventually};

fn pid(server: &Server) -> String {
    server.invoke("echo", r#"{"tell":"pid"}"#).text()
}

fn runs(pid: &str) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn provisioned_environments_are_started_before_the_first_call() {
    let server = Project::echo(
        "provisioned-concurrency = 2\nenvironment = { RAW_BOOTSTRAP_INIT = '{\"print\":\"warm\"}' }",
    )
    .serve();
    eventually("two environments", || {
        server.log().matches("warm\n").count() == 2
    });
    let kind = server.invoke("echo", r#"{"env":"AWS_LAMBDA_INITIALIZATION_TYPE"}"#);
    assert_eq!(kind.text(), r#""provisioned-concurrency""#);
    assert_eq!(server.log().matches("warm\n").count(), 2, "no third one");
}

#[test]
fn an_idle_environment_is_shut_down_after_the_idle_timeout() {
    let server = Project::echo("idle-timeout = 0.3").serve();
    let first = pid(&server);
    eventually("the end of an idle process", || !runs(&first));
    assert_ne!(pid(&server), first);
}

#[test]
fn provisioned_environments_are_never_shut_down_as_idle() {
    let server = Project::echo("idle-timeout = 0.1\nprovisioned-concurrency = 1").serve();
    let first = pid(&server);
    // Two concurrent calls need a second environment, which is shut down when idle.
    let event = r#"{"print":"busy","sleep_ms":300,"tell":"pid"}"#;
    let other = server.invoke_meanwhile("echo", event);
    server.log_with("busy");
    let second = pid(&server);
    let busy = other.join().unwrap().text();
    assert_ne!(second, busy);
    eventually("the end of one of the two", || runs(&second) != runs(&busy));
    assert!([second, busy].contains(&first));
}

#[test]
fn one_environment_can_run_several_invocations_at_once() {
    let server = Project::echo("environment-concurrency = 4\nconcurrency = 1").serve();
    let first: Value = server.invoke("echo", r#"{"tell":"environment"}"#).json();
    assert_eq!(first["AWS_LAMBDA_MAX_CONCURRENCY"], "4");
    assert_eq!(
        first["AWS_LAMBDA_INITIALIZATION_TYPE"],
        "lambda-managed-instances"
    );
    let calls: Vec<_> = (0..4)
        .map(|n| {
            let event = json!({ "print": format!("begun {n}"), "sleep_ms": 2000, "tell": "pid" });
            server.invoke_meanwhile("echo", event.to_string())
        })
        .collect();
    // All four have started before any of them ends.
    for n in 0..4 {
        let log = server.log_with(&format!("begun {n}\n"));
        assert_eq!(log.matches("REPORT").count(), 1, "{log}");
    }
    let pids: Vec<String> = calls
        .into_iter()
        .map(|call| call.join().unwrap().text())
        .collect();
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
}

#[test]
fn one_of_several_invocations_can_time_out_while_the_others_continue() {
    let server = Project::echo("environment-concurrency = 2\nconcurrency = 1\ntimeout = 1").serve();
    let process = pid(&server);
    let slow = server.invoke_meanwhile("echo", r#"{"sleep_ms":2500,"print":"slow"}"#);
    server.log_with("slow");
    assert_eq!(pid(&server), process);
    let reply = slow.join().unwrap();
    assert_eq!(reply.json()["errorType"], "Sandbox.Timedout");
    assert_eq!(pid(&server), process, "the process is kept");
}

#[test]
fn a_crash_fails_every_invocation_of_the_process_and_the_next_one_works() {
    let server = Project::echo("environment-concurrency = 2\nconcurrency = 1").serve();
    let bystander = server.invoke_meanwhile("echo", r#"{"sleep_ms":60000,"print":"waits"}"#);
    server.log_with("waits");
    let culprit = server.invoke("echo", r#"{"exit":3}"#);
    for reply in [culprit, bystander.join().unwrap()] {
        assert_eq!(reply.json()["errorType"], "Runtime.ExitError");
    }
    assert_eq!(server.invoke("echo", "1").text(), "1");
}

#[test]
fn a_snapshotted_runtime_is_restored_before_its_first_event() {
    let Ok(project) = Project::bash(
        "snap-start = true\n",
        r#"
echo "type $AWS_LAMBDA_INITIALIZATION_TYPE"
echo "restored $(curl -s -o /dev/null -w '%{http_code}' "$api/restore/next")"
while next; do respond '"done"'; done
"#,
    ) else {
        return;
    };
    let server = project.serve();
    assert_eq!(server.invoke("echo", "1").text(), "\"done\"");
    let log = server.log_with("restored 200");
    assert!(log.contains("type snap-start"), "{log}");
}

#[test]
fn a_failing_after_restore_hook_fails_the_call() {
    let Ok(project) = Project::bash(
        "snap-start = true\n",
        r#"
curl -s -o /dev/null "$api/restore/next"
curl -s -o /dev/null "$api/restore/error" -H 'Lambda-Runtime-Function-Error-Type: Runtime.AfterRestoreError' \
    -d '{"errorMessage":"no connection","errorType":"Runtime.AfterRestoreError"}'
exit 65
"#,
    ) else {
        return;
    };
    let reply = project.serve().invoke("echo", "1");
    assert_eq!(reply.header("x-amz-function-error"), Some("Unhandled"));
    assert_eq!(reply.json()["errorType"], "Runtime.AfterRestoreError");
}

/// Starts a function that increments a counter in a file, even between calls, unless it is frozen.
fn ticking(settings: &str, arguments: &[&str]) -> (Project, Server, std::path::PathBuf) {
    let project = Project::echo(settings);
    let server = project.serve_with(arguments, &[]);
    let file = project.path().join("ticks");
    let event = json!({ "tick": file }).to_string();
    assert_eq!(server.invoke("echo", &event).text(), event);
    assert!(ticks(&file).is_some(), "the first tick precedes the answer");
    (project, server, file)
}

fn ticks(file: &std::path::Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.parse().ok()
}

/// Whether the counter has stopped: it is unchanged over a hundred reads, each further apart than two increments.
fn is_frozen(file: &std::path::Path) -> bool {
    let first = ticks(file);
    first.is_some()
        && (0..100).all(|_| {
            thread::park_timeout(std::time::Duration::from_millis(5));
            ticks(file) == first
        })
}

#[test]
fn a_function_is_frozen_between_invocations_and_thawed_for_the_next() {
    let (_project, server, file) = ticking("", &[]);
    eventually("the ticks to stop", || is_frozen(&file));
    let before = ticks(&file);
    // On a busy machine, the counter may get no processor during a call.
    eventually("further ticks", || {
        assert_eq!(server.invoke("echo", r#"{"sleep_ms":200}"#).status, 200);
        ticks(&file) > before
    });
    eventually("the ticks to stop again", || is_frozen(&file));
}

#[test]
fn a_frozen_function_dies_with_the_host() {
    let (_project, mut server, file) = ticking("", &[]);
    let process = pid(&server);
    eventually("the ticks to stop", || is_frozen(&file));
    server.signal(rustix::process::Signal::KILL);
    server.wait();
    eventually("the end of the function", || !runs(&process));
}

#[test]
fn freezing_can_be_switched_off_for_one_function_and_for_all() {
    for (settings, argument) in [("freeze = false", &[][..]), ("", &["--no-freeze"])] {
        let (_project, _server, file) = ticking(settings, argument);
        let before = ticks(&file);
        eventually("hundreds of ticks", || {
            ticks(&file) > before.map(|ticks| ticks + 300)
        });
    }
}

#[test]
fn a_function_that_uses_more_than_its_memory_is_killed_as_on_aws() {
    let server = Project::echo("timeout = 60").serve();
    let reply = server.invoke("echo", r#"{"allocate_mb":200,"sleep_ms":60000}"#);
    let id = reply.header("x-amzn-requestid").unwrap();
    assert_eq!(
        reply.json(),
        json!({ "errorType": "Runtime.ExitError", "errorMessage": format!("RequestId: {id} Error: Runtime exited with error: signal: killed") })
    );
    let log = server.log_with(&format!("REPORT RequestId: {id}"));
    assert!(
        log.contains("more than its memory of 128 MB")
            && log.contains("\tMax Memory Used: 128 MB\t"),
        "{log}"
    );
    assert_eq!(
        server.invoke("echo", "1").text(),
        "1",
        "the next call works"
    );
}

#[test]
fn memory_is_only_reported_when_it_is_not_enforced() {
    let server = Project::echo("enforce-memory = false").serve();
    let event = r#"{"allocate_mb":200,"sleep_ms":100}"#;
    assert_eq!(server.invoke("echo", event).text(), event);
    server.log_with("\tMax Memory Used: 2");
}

#[test]
fn platform_log_lines_are_events_in_the_json_format() {
    let server = Project::echo("log-format = 'json'\nlog-level = 'debug'").serve();
    let reply = server.invoke("echo", r#"{"tell":"environment"}"#);
    let environment = reply.json();
    assert_eq!(environment["AWS_LAMBDA_LOG_FORMAT"], "JSON");
    assert_eq!(environment["AWS_LAMBDA_LOG_LEVEL"], "DEBUG");
    let log = server.log_with("platform.report");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let kinds: Vec<&str> = lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    let expected = [
        "platform.initStart",
        "platform.initRuntimeDone",
        "platform.initReport",
        "platform.start",
        "platform.runtimeDone",
        "platform.report",
    ];
    assert_eq!(kinds, expected);
    let report = &lines[5]["record"];
    assert_eq!(
        report["requestId"],
        reply.header("x-amzn-requestid").unwrap()
    );
    assert_eq!(report["status"], "success");
    assert_eq!(report["metrics"]["memorySizeMB"], 128);
}

#[test]
fn framed_log_records_stay_whole() {
    let Ok(project) = Project::bash(
        "framed-logs = true\n",
        r#"
printf '\xa5\x5a\x00\x17\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00one\ntwo' >&"$_LAMBDA_TELEMETRY_LOG_FD"
echo plain
while next; do respond 1; done
"#,
    ) else {
        return;
    };
    let server = project.serve();
    assert_eq!(server.invoke("echo", "1").text(), "1");
    server.log_with("one\ntwo\nplain\n");
}

#[test]
fn layers_are_searched_for_the_bootstrap_and_added_to_the_search_paths() {
    let project = Project::new("[functions.echo]\ncode = \"code\"\nlayers = [\"low\", \"high\"]\n");
    std::fs::create_dir_all(project.path().join("code")).unwrap();
    std::fs::create_dir_all(project.path().join("low")).unwrap();
    project.executable(
        "high/bootstrap",
        std::fs::read(crate::support::RAW_BOOTSTRAP).unwrap(),
    );
    let server = project.serve();
    let environment = server.invoke("echo", r#"{"tell":"environment"}"#).json();
    let root = project.path().canonicalize().unwrap();
    for (variable, folder) in [("PATH", "bin"), ("LD_LIBRARY_PATH", "lib")] {
        let (high, low) = (
            root.join("high").join(folder),
            root.join("low").join(folder),
        );
        let wanted = format!("{}:{}:/opt/{folder}", high.display(), low.display());
        let path = environment[variable].as_str().unwrap();
        assert!(path.ends_with(&wanted), "{variable}: {path}");
    }
}
