//! Functions that fail, and AWS's error for each failure. After every failure the next call works.

use std::time::Instant;

use crate::support::{Project, Reply, Server, eventually};

/// Asserts that a call fails as `Unhandled` with this payload and that the next call works.
#[track_caller]
fn fails_with(server: &Server, event: &str, payload: impl Fn(&str) -> String) -> Reply {
    let reply = server.invoke("echo", event);
    let id = reply.header("x-amzn-requestid").unwrap().to_owned();
    assert_eq!(
        (reply.status, reply.header("x-amz-function-error")),
        (200, Some("Unhandled")),
        "{reply:?}"
    );
    assert_eq!(reply.text(), payload(&id));
    let next = server.invoke("echo", r#""still alive""#);
    assert_eq!(
        (next.status, next.text().as_str()),
        (200, r#""still alive""#),
        "after {event}"
    );
    reply
}

fn exit_error(reason: &str) -> impl Fn(&str) -> String {
    move |id| {
        format!(
            r#"{{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {id} Error: {reason}"}}"#
        )
    }
}

#[test]
fn an_error_reported_by_the_function_reaches_the_caller_unchanged() {
    let server = Project::echo("").serve();
    fails_with(&server, r#"{"error":"no luck"}"#, |_| {
        r#"{"errorMessage":"no luck","errorType":"Fixture.Ordered","stackTrace":[]}"#.to_owned()
    });
    let log = server.log_with("REPORT");
    assert!(
        !log.contains("Status: error"),
        "a handler's error is no platform error: {log}"
    );
}

#[test]
fn exit_statuses_and_signals_have_awss_error_messages() {
    let server = Project::echo("").serve();
    fails_with(&server, r#"{"exit":0}"#, |id| {
        exit_error("Runtime exited without providing a reason")(id)
    });
    fails_with(&server, r#"{"exit":3}"#, |id| {
        exit_error("Runtime exited with error: exit status 3")(id)
    });
    let reply = fails_with(&server, r#"{"abort":true}"#, |id| {
        exit_error("Runtime exited with error: signal: aborted")(id)
    });
    let id = reply.header("x-amzn-requestid").unwrap();
    let log = server.log_with(&format!("REPORT RequestId: {id}"));
    assert!(log.contains(&format!(
        "RequestId: {id} Error: Runtime exited with error: signal: aborted\nRuntime.ExitError\n"
    )));
    assert!(
        log.contains("\tStatus: error\tError Type: Runtime.ExitError"),
        "{log}"
    );
}

#[test]
fn a_timeout_is_answered_in_time_and_kills_the_process() {
    let server = Project::echo("timeout = 0.5").serve();
    let pid = server.invoke("echo", r#"{"tell":"pid"}"#).text();
    let began = Instant::now();
    let reply = fails_with(&server, r#"{"sleep_ms":60000}"#, |id| {
        format!(
            r#"{{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: {id} Error: Task timed out after 0.50 seconds"}}"#
        )
    });
    assert!(began.elapsed().as_secs_f64() < 30.0);
    let id = reply.header("x-amzn-requestid").unwrap();
    let log = server.log_with(&format!("REPORT RequestId: {id}"));
    assert!(
        log.contains(&format!(
            "Z {id} Task timed out after 0.50 seconds\nEND RequestId: {id}\nREPORT "
        )),
        "{log}"
    );
    assert!(log.contains("\tStatus: timeout"), "{log}");
    eventually("the end of the process", || {
        !std::path::Path::new(&format!("/proc/{pid}")).exists()
    });
}

#[test]
fn a_response_over_the_limit_is_an_error_and_the_runtime_keeps_running() {
    let server = Project::echo("timeout = 10").serve();
    let at_limit = server.invoke("echo", r#"{"size":6291556}"#);
    assert_eq!((at_limit.status, at_limit.body.len()), (200, 6_291_556));
    let pid = server.invoke("echo", r#"{"tell":"pid"}"#).text();
    fails_with(&server, r#"{"size":6291557}"#, |_| {
        r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#.to_owned()
    });
    assert_eq!(
        server.invoke("echo", r#"{"tell":"pid"}"#).text(),
        pid,
        "the same process serves on"
    );
}

#[test]
fn an_init_error_is_returned_to_every_caller() {
    let server =
        Project::echo("environment = { RAW_BOOTSTRAP_INIT = '{\"error\":\"no module\"}' }").serve();
    for _ in 0..2 {
        let reply = server.invoke("echo", "1");
        assert_eq!(
            (reply.status, reply.header("x-amz-function-error")),
            (200, Some("Unhandled"))
        );
        assert_eq!(
            reply.text(),
            r#"{"errorMessage":"no module","errorType":"Fixture.Ordered","stackTrace":[]}"#
        );
    }
    let log = server.log_with("\tPhase: invoke\tStatus: error");
    assert!(
        log.contains("\tPhase: init\tStatus: error")
            && log.contains("\tPhase: invoke\tStatus: error"),
        "{log}"
    );
}

#[test]
fn a_process_that_dies_in_init_is_started_twice_before_the_call_fails() {
    let server = Project::echo(
        "environment = { RAW_BOOTSTRAP_INIT = '{\"print\":\"starting\",\"exit\":7}' }",
    )
    .serve();
    let reply = server.invoke("echo", "1");
    let id = reply.header("x-amzn-requestid").unwrap();
    assert_eq!(
        reply.text(),
        exit_error("Runtime exited with error: exit status 7")(id)
    );
    let log = server.log_with(&format!("REPORT RequestId: {id}"));
    assert_eq!(log.matches("starting\n").count(), 2, "{log}");
    assert!(log.contains("INIT_REPORT Init Duration: "), "{log}");
}

#[test]
fn a_hang_in_init_times_out_after_the_init_limit_and_then_the_function_timeout() {
    // As on AWS, init has ten seconds; when it is repeated as part of the call, it has the function's timeout.
    let server = Project::echo(
        "timeout = 0.5\nenvironment = { RAW_BOOTSTRAP_INIT = '{\"sleep_ms\":60000}' }",
    )
    .serve();
    let began = Instant::now();
    let reply = server.invoke("echo", "1");
    let seconds = began.elapsed().as_secs_f64();
    assert!((10.0..40.0).contains(&seconds), "{seconds}");
    assert!(
        reply.text().contains("Task timed out after 0.50 seconds"),
        "{}",
        reply.text()
    );
    assert!(
        server
            .log_with("Phase: invoke")
            .contains("\tPhase: init\tStatus: timeout")
    );
}

#[test]
fn a_process_that_exits_after_its_response_fails_no_call() {
    let server = Project::echo("").serve();
    for _ in 0..3 {
        let reply = server.invoke("echo", r#"{"then_exit":1,"n":1}"#);
        assert_eq!(
            (reply.status, reply.header("x-amz-function-error")),
            (200, None)
        );
        assert_eq!(reply.text(), r#"{"then_exit":1,"n":1}"#);
    }
    assert_eq!(
        server.invoke("echo", r#"{"tell":"served"}"#).text(),
        "1",
        "a fresh process"
    );
}

#[test]
fn work_after_the_response_does_not_delay_the_response() {
    let server = Project::echo("").serve();
    server.invoke("echo", "1");
    let began = Instant::now();
    assert_eq!(
        server.invoke("echo", r#"{"then_sleep_ms":30000}"#).status,
        200
    );
    assert!(
        began.elapsed().as_secs_f64() < 15.0,
        "answered after {:?}",
        began.elapsed()
    );
    // Meanwhile another environment serves the next call.
    assert_eq!(server.invoke("echo", "2").text(), "2");
    assert!(
        began.elapsed().as_secs_f64() < 15.0,
        "served after {:?}",
        began.elapsed()
    );
}

#[test]
fn a_failing_function_does_not_affect_another() {
    let bootstrap = crate::support::RAW_BOOTSTRAP;
    let server = Project::new(&format!(
        "[functions.good]\ncode = \"{bootstrap}\"\n\
         [functions.bad]\ncode = \"{bootstrap}\"\nenvironment = {{ RAW_BOOTSTRAP_INIT = '{{\"exit\":1}}' }}\n"
    ))
    .serve();
    let pid = server.invoke("good", r#"{"tell":"pid"}"#).text();
    for _ in 0..5 {
        assert_eq!(
            server.invoke("bad", "1").header("x-amz-function-error"),
            Some("Unhandled")
        );
        assert_eq!(server.invoke("good", r#"{"tell":"pid"}"#).text(), pid);
    }
    eventually("a line that names its function", || {
        server
            .log()
            .lines()
            .any(|line| line.starts_with("bad | REPORT"))
    });
}
