//! `lambkin docker-lambda`, a drop-in replacement for docker-lambda: one event, or a server that stays open.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;
use serde_json::json;

use crate::support::{
    EmulatorProcess, RAW_BOOTSTRAP, eventually, free_port, lambkin_alone, request,
};

/// `lambkin docker-lambda` with the raw bootstrap.
fn docker_lambda(folder: &Path) -> Command {
    let mut command = lambkin_alone();
    command
        .args(["docker-lambda", "--bootstrap", RAW_BOOTSTRAP])
        .env("LAMBDA_TASK_ROOT", folder)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

/// Runs `lambkin docker-lambda` with one event until it exits.
fn once(event: &str, variables: &[(&str, &str)]) -> Output {
    let folder = folder();
    let mut command = docker_lambda(folder.path());
    let command = command.args(["app.handler", event]);
    command.envs(variables.iter().copied()).output().unwrap()
}

/// Starts `lambkin docker-lambda` as a server; dropping it kills it.
fn stay_open(folder: &Path, variables: &[(&str, &str)]) -> EmulatorProcess {
    let mut command = docker_lambda(folder);
    command
        .env("DOCKER_LAMBDA_STAY_OPEN", "1")
        .env("DOCKER_LAMBDA_API_PORT", "0")
        .envs(variables.iter().copied());
    EmulatorProcess::start(command, "Lambda API listening on port ")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_result_is_the_last_line_of_stdout_and_everything_else_goes_to_stderr() {
    let output = once(r#"{"print":"printed","eprint":"complained"}"#, &[]);
    assert_eq!(
        out(&output),
        "\n{\"print\":\"printed\",\"eprint\":\"complained\"}\n"
    );
    assert_eq!(output.status.code(), Some(0));
    let log = err(&output);
    assert!(log.starts_with("\x1b[32mSTART RequestId: "), "{log}");
    assert!(log.contains(" Version: $LATEST\x1b[0m\n"), "{log}");
    assert!(
        log.contains("printed\n") && log.contains("complained\n"),
        "{log}"
    );
    assert!(log.contains("\tMemory Size: 1536 MB\t"), "{log}");
    assert!(log.ends_with(" ms\t\x1b[0m\n"), "{log}");
}

#[test]
fn json_on_several_lines_is_printed_on_one() {
    assert_eq!(out(&once("[1,\n 2]", &[])), "\n[1, 2]\n");
    assert_eq!(out(&once("no JSON", &[])), "\nno JSON\n");
}

#[test]
fn the_exit_code_distinguishes_function_errors_from_other_errors() {
    let failed = once(r#"{"error":"no luck"}"#, &[]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(out(&failed).contains(r#""errorMessage":"no luck""#));
    let crashed = once(r#"{"exit":3}"#, &[]);
    assert_eq!(crashed.status.code(), Some(1));
    assert!(out(&crashed).contains("Runtime exited with error: exit status 3"));
    let timed_out = once(
        r#"{"sleep_ms":600000}"#,
        &[("AWS_LAMBDA_FUNCTION_TIMEOUT", "1")],
    );
    assert_eq!(timed_out.status.code(), Some(1));
    assert!(out(&timed_out).contains("Task timed out after 1.00 seconds"));

    for (variable, words) in [
        (
            ("DOCKER_LAMBDA_NO_BOOTSTRAP", "1"),
            "lambkin cannot wait for a runtime that it has not started",
        ),
        (
            ("AWS_LAMBDA_FUNCTION_TIMEOUT", "3s"),
            "a whole number of seconds",
        ),
        (
            ("AWS_LAMBDA_FUNCTION_INVOKED_ARN", "x"),
            "arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME",
        ),
    ] {
        let trouble = once("1", &[variable]);
        assert_eq!(trouble.status.code(), Some(2));
        assert!(err(&trouble).contains(words), "{}", err(&trouble));
        assert!(trouble.stdout.is_empty());
    }
}

#[test]
fn the_event_can_come_from_a_variable_or_stdin() {
    let folder = folder();
    let mut command = docker_lambda(folder.path());
    command.env("AWS_LAMBDA_EVENT_BODY", "[1]");
    assert_eq!(out(&command.output().unwrap()), "\n[1]\n");
    assert_eq!(
        out(&docker_lambda(folder.path()).output().unwrap()),
        "\n{}\n"
    );

    let mut command = docker_lambda(folder.path());
    let mut child = command
        .env("DOCKER_LAMBDA_USE_STDIN", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"\"piped\"").unwrap();
    assert_eq!(out(&child.wait_with_output().unwrap()), "\n\"piped\"\n");
}

#[test]
fn the_function_environment_follows_the_variables() {
    let variables = [
        ("AWS_LAMBDA_FUNCTION_NAME", "mine"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCOUNT_ID", "210987654321"),
        ("AWS_LAMBDA_CLIENT_CONTEXT", r#"{"a":1}"#),
        ("_X_AMZN_TRACE_ID", "Root=1-a-b"),
        ("FOO", "bar"),
        ("AWS_SECRET_ACCESS_KEY", ""),
    ];
    let reported = |event: &str| -> serde_json::Value {
        serde_json::from_str(out(&once(event, &variables)).trim()).unwrap()
    };
    let headers = reported(r#"{"tell":"headers"}"#);
    for (name, value) in [
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:210987654321:function:mine",
        ),
        ("lambda-runtime-client-context", r#"{"a":1}"#),
        ("lambda-runtime-trace-id", "Root=1-a-b"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let environment = reported(r#"{"tell":"environment"}"#);
    for (name, value) in [
        ("_HANDLER", "app.handler"),
        ("FOO", "bar"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "mine"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/mine"),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }
    assert!(environment.get("AWS_SECRET_ACCESS_KEY").is_none());
    let stream = environment["AWS_LAMBDA_LOG_STREAM_NAME"].as_str().unwrap();
    assert!(stream.contains("/[7]"), "{stream}");
    assert!(err(&once("1", &variables)).contains(" Version: 7\x1b[0m\n"));
}

#[test]
fn the_bootstrap_is_found_beside_the_code_and_can_have_arguments() {
    let folder = folder();
    let bootstrap = folder.path().join("bootstrap");
    std::fs::copy(RAW_BOOTSTRAP, &bootstrap).unwrap();
    let mut command = lambkin_alone();
    command
        .args([
            "docker-lambda",
            "--bootstrap-args",
            r#"["--inspect","a b"]"#,
        ])
        .args(["app.handler", r#"{"tell":"args"}"#])
        .env("LAMBDA_TASK_ROOT", ".")
        .current_dir(folder.path());
    if Path::new("/var/runtime/bootstrap").exists() {
        // The bootstrap of the runtime takes precedence, so this one has to be named.
        command.args(["--bootstrap", "bootstrap"]);
    }
    let output = command.output().unwrap();
    let words: Vec<String> = serde_json::from_str(out(&output).trim()).unwrap();
    assert!(words[0].ends_with("/bootstrap"), "{words:?}");
    assert_eq!(words[1..], ["--inspect", "a b"]);
}

#[test]
fn carriage_returns_are_kept_on_request() {
    let event = r#"{"print":"50 %\r100 %"}"#;
    assert!(err(&once(event, &[])).contains("50 %\n100 %\n"));
    let kept = once(event, &[("DOCKER_LAMBDA_NO_MODIFY_LOGS", "1")]);
    assert!(err(&kept).contains("50 %\r100 %\n"));
}

#[test]
fn the_cognito_identity_is_passed_on() {
    let identity = r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#;
    let output = once(
        r#"{"tell":"headers"}"#,
        &[("AWS_LAMBDA_COGNITO_IDENTITY", identity)],
    );
    let headers: serde_json::Value = serde_json::from_str(out(&output).trim()).unwrap();
    assert_eq!(headers["lambda-runtime-cognito-identity"], identity);
}

#[test]
fn a_code_change_restarts_the_bootstrap_on_request() {
    let folder = folder();
    let server = stay_open(folder.path(), &[("DOCKER_LAMBDA_WATCH", "1")]);
    let first = server.invoke(r#"{"tell":"pid"}"#).text();
    std::fs::write(folder.path().join("app.py"), "changed").unwrap();
    eventually("another process", || {
        server.invoke(r#"{"tell":"pid"}"#).text() != first
    });
}

#[test]
fn colours_can_be_switched_off() {
    assert!(!err(&once("1", &[("NO_COLOR", "1")])).contains('\x1b'));
}

#[test]
fn stay_open_answers_any_name_with_lambdas_headers() {
    let folder = folder();
    let server = stay_open(folder.path(), &[]);
    for name in ["function", "whatever", "arn:aws:lambda:x"] {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let reply = request(server.url(), "POST", &path, &[], b"no JSON");
        assert_eq!((reply.status, reply.text().as_str()), (200, "no JSON"));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("x-amzn-remapped-content-length"), Some("0"));
        assert_eq!(reply.header("x-amz-executed-version"), Some("$LATEST"));
        assert_eq!(reply.header("x-amzn-requestid").unwrap().len(), 36);
        assert!(reply.header("x-amzn-trace-id").is_some());
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    assert_eq!(server.invoke("").text(), "{}");
    let failed = server.invoke(r#"{"exit":3}"#);
    assert_eq!(
        (failed.status, failed.header("x-amz-function-error")),
        (200, Some("Unhandled"))
    );
    assert_eq!(failed.json()["errorType"], "Runtime.ExitError");
    assert_eq!(request(server.url(), "POST", "/", &[], b"1").status, 404);
    assert_eq!(server.call("GET", &[], "").status, 405);
}

#[test]
fn stay_open_supports_invocation_types_log_types_and_client_contexts() {
    let folder = folder();
    let server = stay_open(folder.path(), &[]);
    let dry = server.call(
        "POST",
        &[("x-amz-invocation-type", "DryRun")],
        r#"{"print":"dry"}"#,
    );
    assert_eq!((dry.status, dry.body.len()), (204, 0));
    let event = server.call(
        "POST",
        &[("x-amz-invocation-type", "Event")],
        r#"{"print":"event"}"#,
    );
    assert_eq!((event.status, event.body.len()), (202, 0));
    eventually("the event", || server.stdout().contains("event\n"));
    assert!(!server.stdout().contains("dry"));

    let tail = server.call(
        "POST",
        &[("x-amz-log-type", "Tail")],
        r#"{"print":"hello"}"#,
    );
    let tail = tail.header("x-amz-log-result").unwrap().to_owned();
    // "START RequestId: " in base64.
    assert!(tail.starts_with("U1RBUlQgUmVxdWVzdElkOi"), "{tail}");

    let context = [("x-amz-client-context", "eyJhIjogMX0=")];
    let reported = server
        .call("POST", &context, r#"{"tell":"headers"}"#)
        .json();
    assert_eq!(reported["lambda-runtime-client-context"], r#"{"a":1}"#);
    let refused = server.call("POST", &[("x-amz-client-context", "!!")], "1");
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["errorType"], "ClientContextDecodingError");
    let large = server.invoke(vec![b'x'; 6 * 1024 * 1024 + 1]);
    assert_eq!(
        (large.status, large.json()["errorType"].clone()),
        (413, json!("RequestEntityTooLargeException"))
    );
}

#[test]
fn stay_open_answers_cors_requests() {
    let folder = folder();
    let server = stay_open(folder.path(), &[]);
    assert_eq!(request(server.url(), "OPTIONS", "/x", &[], b"").status, 403);
    let headers = [
        ("origin", "http://localhost:3000"),
        ("access-control-request-headers", "x-a,x-b"),
        ("access-control-request-method", "POST"),
    ];
    let preflight = request(server.url(), "OPTIONS", "/x", &headers, b"");
    assert_eq!(preflight.status, 200);
    let exposed = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date,x-amz-log-result,x-amz-function-error";
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", exposed),
        ("access-control-max-age", "172800"),
        ("access-control-allow-headers", "x-a,x-b"),
        ("access-control-allow-methods", "POST"),
    ] {
        assert_eq!(preflight.header(name), Some(value), "{name}");
    }
    let reply = server.call("POST", &headers[..1], "1");
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn stay_open_keeps_stdout_and_stderr_of_the_function_apart() {
    let folder = folder();
    let server = stay_open(folder.path(), &[]);
    server.invoke(r#"{"print":"printed","eprint":"complained"}"#);
    eventually("the whole log", || {
        server.stderr().contains("REPORT ") && server.stdout() == "printed\n"
    });
    assert!(
        server.stderr().contains("\ncomplained\n"),
        "{}",
        server.stderr()
    );
    assert!(!server.stderr().contains("printed"));
}

#[test]
fn stay_open_restarts_the_bootstrap_on_sighup_and_ends_on_sigint() {
    let folder = folder();
    let mut server = stay_open(folder.path(), &[]);
    let pid = || server.invoke(r#"{"tell":"pid"}"#).text();
    let first = pid();
    assert_eq!(pid(), first);
    server.signal(Signal::HUP);
    let said = "SIGHUP received, restarting bootstrap...\n";
    eventually("the word", || server.stderr().contains(said));
    eventually("a new process", || pid() != first);
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn the_runtime_api_uses_the_configured_port() {
    let port = free_port().to_string();
    let variables = [("DOCKER_LAMBDA_RUNTIME_PORT", port.as_str())];
    let reported = once(r#"{"env":"AWS_LAMBDA_RUNTIME_API"}"#, &variables);
    assert_eq!(out(&reported), format!("\n\"127.0.0.1:{port}\"\n"));

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let refused = once("1", &[("DOCKER_LAMBDA_RUNTIME_PORT", &port)]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        err(&refused).contains("which DOCKER_LAMBDA_RUNTIME_PORT asks for"),
        "{}",
        err(&refused)
    );
}
