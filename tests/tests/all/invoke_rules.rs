//! Well-formed calls that are refused: tenants, durable executions, recursive loops, reserved concurrency.

use crate::support::{Project, Reply, Server};

#[track_caller]
fn assert_refused(reply: &Reply, status: u16, error_type: &str) {
    let got = (reply.status, reply.header("x-amzn-errortype"));
    assert_eq!(got, (status, Some(error_type)), "{}", reply.text());
}

#[test]
fn a_tenant_id_is_required_with_tenant_isolation_and_refused_without() {
    let server = Project::echo("tenant-isolation = true").serve();
    let tenant = [("x-amz-tenant-id", "blue tenant/1")];
    assert_eq!(server.invoke_with("echo", "1", &tenant).status, 200);
    let reply = server.invoke("echo", "1");
    assert_refused(&reply, 400, "InvalidParameterValueException");
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("Add a valid tenant ID"), "{message}");

    let server = Project::echo("").serve();
    let reply = server.invoke_with("echo", "1", &tenant);
    assert_refused(&reply, 400, "InvalidParameterValueException");
}

#[test]
fn a_durable_execution_needs_a_durable_function() {
    let server = Project::echo("").serve();
    let named = [("x-amz-durable-execution-name", "order-1")];
    let reply = server.invoke_with("echo", "1", &named);
    assert_refused(&reply, 400, "InvalidParameterValueException");
    assert!(!server.log().contains("START"));
}

/// Calls a function with the trace header of an earlier call, as an SDK does inside a function.
fn call_again(server: &Server, function: &str, trace: &str) -> Reply {
    let event = r#"{"tell":"headers"}"#;
    server.invoke_with(function, event, &[("x-amzn-trace-id", trace)])
}

fn trace_of(reply: &Reply) -> String {
    let trace = &reply.json()["lambda-runtime-trace-id"];
    trace.as_str().expect("a trace").to_owned()
}

#[test]
fn a_function_that_calls_itself_is_stopped_at_the_seventeenth_call() {
    let server = Project::echo("").serve();
    let mut reply = server.invoke("echo", r#"{"tell":"headers"}"#);
    for call in 2..=16 {
        reply = call_again(&server, "echo", &trace_of(&reply));
        assert_eq!(reply.status, 200, "call {call}");
    }
    let trace = trace_of(&reply);
    assert_refused(
        &call_again(&server, "echo", &trace),
        400,
        "RecursiveInvocationException",
    );
    let log = server.log_with("was called more than 16 times");
    assert!(log.contains("recursive-loop"), "{log}");
    // A call without a trace header starts a new chain.
    assert_eq!(server.invoke("echo", "1").status, 200);
}

#[test]
fn a_recursive_loop_can_be_allowed() {
    let server = Project::echo("recursive-loop = \"Allow\"").serve();
    let mut reply = server.invoke("echo", r#"{"tell":"headers"}"#);
    for _ in 0..20 {
        reply = call_again(&server, "echo", &trace_of(&reply));
        assert_eq!(reply.status, 200);
    }
}

#[test]
fn a_reserved_concurrency_of_zero_throttles_every_call() {
    let server = Project::echo("reserved-concurrency = 0").serve();
    let reply = server.invoke("echo", "1");
    assert_refused(&reply, 429, "TooManyRequestsException");
    assert_eq!(
        reply.text(),
        r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#
    );
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[test]
fn calls_beyond_the_reserved_concurrency_are_throttled_at_once() {
    let server = Project::echo("reserved-concurrency = 1\ntimeout = 60").serve();
    let busy = r#"{"print":"busy","sleep_ms":60000}"#;
    server.invoke_with("echo", busy, &[("x-amz-invocation-type", "Event")]);
    server.log_with("busy");
    let reply = server.invoke("echo", "1");
    assert_refused(&reply, 429, "TooManyRequestsException");
}

#[test]
fn the_tenant_id_is_passed_to_the_runtime() {
    let server = Project::echo("tenant-isolation = true").serve();
    let event = r#"{"tell":"headers"}"#;
    let reply = server.invoke_with("echo", event, &[("x-amz-tenant-id", "blue")]);
    assert_eq!(reply.json()["lambda-runtime-aws-tenant-id"], "blue");
}
