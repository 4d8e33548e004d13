//! `lambkin rie`, a drop-in replacement for AWS's Runtime Interface Emulator: what is the same, and what differs on
//! purpose.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use rustix::process::Signal;
use serde_json::json;

use crate::support::{
    EmulatorProcess, Project, RAW_BOOTSTRAP, Reply, eventually, free_port, lambkin_alone, request,
};

const TEXT: Option<&str> = Some("text/plain; charset=utf-8");

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Status, content type and body.
fn seen(reply: &Reply) -> (u16, Option<&str>, String) {
    (reply.status, reply.header("content-type"), reply.text())
}

#[test]
fn the_binary_named_aws_lambda_rie_accepts_ries_flags_anywhere() {
    let folder = folder();
    let mut command = lambkin_alone();
    command
        .arg0("/usr/local/bin/aws-lambda-rie")
        .args([RAW_BOOTSTRAP, "-q", "--log-level=info", "--mine"])
        .args(["--runtime-interface-emulator-address", "127.0.0.1:0"])
        .args(["--", "--log-level", "app.handler"])
        .current_dir(folder.path());
    let server = EmulatorProcess::start(command, "listening on http://127.0.0.1:");
    assert_eq!(
        server.invoke(r#"{"tell":"args"}"#).json(),
        json!([
            RAW_BOOTSTRAP,
            "-q",
            "--mine",
            "--",
            "--log-level",
            "app.handler"
        ])
    );
    assert_eq!(
        server.invoke(r#"{"env":"_HANDLER"}"#).text(),
        "\"app.handler\""
    );
    let here = folder.path().canonicalize().unwrap();
    assert_eq!(
        server.invoke(r#"{"tell":"cwd"}"#).json(),
        here.to_str().unwrap()
    );
    let log = server.stderr();
    let line = format!(
        "exec '{RAW_BOOTSTRAP}' (cwd={}, handler=app.handler)",
        here.display()
    );
    assert!(log.contains(&line), "{log}");
}

#[test]
fn each_outcome_gets_the_same_response_as_from_rie() {
    let folder = folder();
    let server = EmulatorProcess::rie(folder.path(), &[("AWS_LAMBDA_FUNCTION_TIMEOUT", "1")]);
    let plain = server.call("DELETE", &[], "no JSON");
    assert_eq!(seen(&plain), (200, TEXT, "no JSON".to_owned()));
    assert!(plain.header("x-amzn-requestid").is_none(), "{plain:?}");
    assert_eq!(
        seen(&server.call("GET", &[], "")),
        (200, None, String::new())
    );

    let error = r#"{"errorMessage":"no luck","errorType":"Fixture.Ordered","stackTrace":[]}"#;
    let reply = server.invoke(r#"{"error":"no luck"}"#);
    assert_eq!(seen(&reply), (200, TEXT, error.to_owned()));
    assert!(reply.header("x-amz-function-error").is_none(), "{reply:?}");

    let reply = server.invoke(r#"{"sleep_ms":60000}"#);
    let timed_out = "Task timed out after 1.00 seconds".to_owned();
    assert_eq!(seen(&reply), (200, TEXT, timed_out));

    let reply = server.invoke(r#"{"exit":3}"#);
    assert_eq!((reply.status, reply.header("content-type")), (502, TEXT));
    let text = reply.text();
    let id = &text.split_once("RequestId: ").unwrap().1[..36];
    assert_eq!(
        text,
        format!(
            r#"{{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {id} Error: Runtime exited with error: exit status 3"}}"#
        )
    );
    eventually("the same id in the log", || {
        server.stdout().contains(&format!("START RequestId: {id} "))
    });

    let reply = server.invoke(r#"{"size":6291557}"#);
    let too_large = r#"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}"#;
    assert_eq!(seen(&reply), (200, TEXT, too_large.to_owned()));

    let bad_context = server.call("POST", &[("x-amz-client-context", "!!")], "1");
    assert_eq!(seen(&bad_context), (500, None, String::new()));
    for path in ["/", "/2015-03-31/functions/other/invocations"] {
        let reply = request(server.url(), "POST", path, &[], b"1");
        assert_eq!(seen(&reply), (404, TEXT, "404 page not found\n".to_owned()));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn the_function_can_also_be_called_by_its_own_name() {
    let folder = folder();
    let server = EmulatorProcess::rie(folder.path(), &[("AWS_LAMBDA_FUNCTION_NAME", "mine")]);
    for name in ["function", "mine", "mine:$LATEST"] {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        assert_eq!(request(server.url(), "POST", &path, &[], b"1").text(), "1");
    }
}

#[test]
fn init_failures_are_bad_gateway_responses_with_the_reason() {
    let folder = folder();
    let init = |orders: &'static str| {
        EmulatorProcess::rie(folder.path(), &[("RAW_BOOTSTRAP_INIT", orders)])
    };
    let server = init(r#"{"error":"no module"}"#);
    for _ in 0..2 {
        let reply = server.invoke("1");
        let reported =
            r#"{"errorMessage":"no module","errorType":"Fixture.Ordered","stackTrace":[]}"#;
        assert_eq!(seen(&reply), (502, TEXT, reported.to_owned()));
    }
    // RIE leaves the body of these two empty.
    let reply = init(r#"{"exit":4}"#).invoke("1");
    assert_eq!(
        (reply.status, reply.json()["errorType"].as_str()),
        (502, Some("Runtime.ExitError"))
    );

    let mut command = lambkin_alone();
    command
        .args(["rie", "--runtime-interface-emulator-address=127.0.0.1:0"])
        .arg("./absent")
        .current_dir(folder.path());
    let server = EmulatorProcess::start(command, "listening on http://127.0.0.1:");
    assert!(
        server.stderr().contains("absent: does not exist"),
        "{}",
        server.stderr()
    );
    let reply = server.invoke("1");
    let error_type = reply.json()["errorType"].clone();
    assert_eq!(
        (reply.status, error_type),
        (502, json!("Runtime.InvalidEntrypoint"))
    );
}

#[test]
fn concurrent_calls_wait_for_the_only_environment() {
    let folder = folder();
    let server = EmulatorProcess::rie(folder.path(), &[]);
    let pids: Vec<String> = std::thread::scope(|scope| {
        let call = || server.invoke(r#"{"sleep_ms":50,"tell":"pid"}"#);
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(call)).collect();
        calls
            .into_iter()
            .map(|call| call.join().unwrap().text())
            .collect()
    });
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
    assert_eq!(server.invoke(r#"{"tell":"served"}"#).text(), "9");
}

#[test]
fn a_response_is_neither_changed_nor_delayed_by_later_work() {
    let folder = folder();
    let server = EmulatorProcess::rie(folder.path(), &[]);
    let event = r#"{"then_exit":1}"#;
    assert_eq!(seen(&server.invoke(event)), (200, TEXT, event.to_owned()));
    let began = std::time::Instant::now();
    assert_eq!(server.invoke(r#"{"then_sleep_ms":60000}"#).status, 200);
    assert!(began.elapsed().as_secs() < 50);
}

#[test]
fn an_event_that_is_too_large_is_refused_rather_than_truncated() {
    let folder = folder();
    let server = EmulatorProcess::rie(folder.path(), &[]);
    let largest = vec![b'x'; 6_291_556];
    let reply = server.invoke(&largest);
    assert_eq!((reply.status, reply.body.len()), (200, largest.len()));
    let reply = server.invoke([&largest[..], b"x"].concat());
    assert_eq!(reply.status, 413);
    assert_eq!(reply.text(), "The event is larger than 6291556 bytes.\n");
}

#[test]
fn the_runtime_gets_ries_environment_without_empty_credentials() {
    let folder = folder();
    let variables = [
        ("FOO", "a=b"),
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SESSION_TOKEN", "token"),
        ("_HANDLER", "mine.handler"),
    ];
    let server = EmulatorProcess::rie(folder.path(), &variables);
    let mut reported = server.invoke(r#"{"tell":"environment"}"#).json();
    let reported = reported.as_object_mut().unwrap();
    let api = reported.remove("AWS_LAMBDA_RUNTIME_API").unwrap();
    assert!(api.as_str().unwrap().starts_with("127."), "{api}");
    reported.remove("PATH");
    // The variables of the metadata API and the address of the Invoke API are additions of Lambkin.
    reported.retain(|key, _| !key.starts_with("AWS_LAMBDA_METADATA_"));
    assert!(reported.remove("AWS_ENDPOINT_URL_LAMBDA").is_some());
    let expected = json!({
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
        "AWS_LAMBDA_FUNCTION_NAME": "test_function",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/Functions",
        "AWS_LAMBDA_LOG_STREAM_NAME": "$LATEST",
        "AWS_SESSION_TOKEN": "token",
        "FOO": "a=b",
        "_HANDLER": "mine.handler",
    });
    assert_eq!(*reported, *expected.as_object().unwrap());
}

#[test]
fn the_runtime_gets_ries_arn_a_trace_and_the_client_context() {
    let folder = folder();
    let server = EmulatorProcess::rie(folder.path(), &[]);
    let event = r#"{"tell":"headers"}"#;
    let reported = server.invoke(event).json();
    let arn = "arn:aws:lambda:us-east-1:012345678912:function:test_function";
    assert_eq!(reported["lambda-runtime-invoked-function-arn"], arn);
    let trace = reported["lambda-runtime-trace-id"].as_str().unwrap();
    assert!(trace.starts_with("Root=1-"), "{trace}");
    let headers = [
        ("x-amz-client-context", "eyJhIjogMX0="),
        ("x-amzn-trace-id", "Root=1-a-b"),
    ];
    let reported = server.call("POST", &headers, event).json();
    assert_eq!(reported["lambda-runtime-client-context"], r#"{"a":1}"#);
    assert_eq!(reported["lambda-runtime-trace-id"], "Root=1-a-b");
}

#[test]
fn every_restarted_process_uses_the_same_runtime_api_address() {
    let folder = folder();
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = lambkin_alone();
    command
        .args(["rie", "--runtime-interface-emulator-address", "127.0.0.1:0"])
        .args(["--runtime-api-address", &address, RAW_BOOTSTRAP])
        .current_dir(folder.path());
    let server = EmulatorProcess::start(command, "listening on http://127.0.0.1:");
    for _ in 0..3 {
        let reported = server.invoke(r#"{"env":"AWS_LAMBDA_RUNTIME_API"}"#);
        assert_eq!(reported.json(), address.as_str());
        assert_eq!(server.invoke(r#"{"exit":1}"#).status, 502);
    }
}

#[test]
fn logs_and_output_go_to_stdout_and_only_errors_to_stderr() {
    let folder = folder();
    let server = EmulatorProcess::rie(folder.path(), &[]);
    server.invoke(r#"{"print":"printed","eprint":"complained"}"#);
    eventually("the whole log", || {
        server.stdout().contains("REPORT ") && server.stderr().contains("complained\n")
    });
    let out = server.stdout();
    let lines: Vec<&str> = out
        .lines()
        .map(|line| line.split([' ', '\t']).next().unwrap())
        .collect();
    assert_eq!(lines, ["START", "printed", "END", "REPORT"], "{out}");
    assert!(!server.stderr().contains("START"));
}

#[test]
fn a_signal_stops_the_server_at_once_during_a_call() {
    let folder = folder();
    let mut server = EmulatorProcess::rie(folder.path(), &[]);
    let url = server.url().to_owned();
    std::thread::scope(|scope| {
        let call = scope.spawn(move || {
            let head = "POST /2015-03-31/functions/function/invocations HTTP/1.1\r\nhost: x\r\n\
                        connection: close\r\ncontent-length: 34\r\n\r\n";
            let event = r#"{"print":"here","sleep_ms":600000}"#;
            let mut stream =
                std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
            std::io::Write::write_all(&mut stream, format!("{head}{event}").as_bytes()).unwrap();
            std::io::Read::read_to_end(&mut stream, &mut Vec::new())
        });
        eventually("the call", || server.stdout().contains("here"));
        server.signal(Signal::TERM);
        assert_eq!(server.wait().code(), Some(0));
        let _ = call.join().unwrap(); // the connection may be reset
    });
}

#[test]
fn invalid_arguments_are_reported_before_anything_runs() {
    let run = |args: &[&str], variable: (&str, &str)| -> Output {
        let mut command = lambkin_alone();
        command
            .arg0("aws-lambda-rie")
            .args(args)
            .env(variable.0, variable.1);
        command.output().unwrap()
    };
    let none = ("NONE", "");
    for (args, variable, words) in [
        (
            &["x"][..],
            ("AWS_LAMBDA_FUNCTION_TIMEOUT", "3s"),
            "a whole number of seconds, not \"3s\"",
        ),
        (
            &["--log-level", "loud", "x"],
            none,
            "\"loud\" is not a log level",
        ),
        (
            &["--runtime-api-address", "nope", "x"],
            none,
            "must be an address and a port",
        ),
        (
            &["x"],
            ("AWS_LAMBDA_MAX_CONCURRENCY", "2"),
            "Managed Instances",
        ),
    ] {
        let output = run(args, variable);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            text.starts_with("error: ") && text.contains(words),
            "{text}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn serve_responds_like_rie_on_request() {
    let project = Project::echo("timeout = 1");
    let server = project.serve_with(&["--compat", "rie"], &[]);
    let reply = server.invoke("echo", "no JSON");
    assert_eq!(seen(&reply), (200, TEXT, "no JSON".to_owned()));
    assert_eq!(server.invoke("function", "1").text(), "1");
    assert_eq!(server.invoke("echo", r#"{"exit":1}"#).status, 502);
    let reply = server.invoke("echo", r#"{"sleep_ms":60000}"#);
    assert_eq!(reply.text(), "Task timed out after 1.00 seconds");
    assert_eq!(server.invoke("other", "1").text(), "404 page not found\n");
}

/// The original RIE, if the benchmarks have downloaded it.
fn real_rie() -> Option<EmulatorProcess> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench-tools/aws-lambda-rie");
    if !path.exists() {
        let line = "SKIPPED: RIE itself is missing; tests/benches/tools.sh gets it\n";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()); // standard error may be closed
        return None;
    }
    let port = free_port();
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("AWS_LAMBDA_FUNCTION_TIMEOUT", "1")
        .arg("--runtime-interface-emulator-address")
        .arg(format!("127.0.0.1:{port}"))
        .arg(format!("--runtime-api-address=127.0.0.1:{}", free_port()))
        .args([RAW_BOOTSTRAP, "app.handler"]);
    Some(EmulatorProcess::start_silent(&mut command, port))
}

#[test]
fn the_original_rie_gives_the_same_responses() {
    let Some(theirs) = real_rie() else { return };
    let folder = folder();
    let mut command = lambkin_alone();
    command
        .env("AWS_LAMBDA_FUNCTION_TIMEOUT", "1")
        .args(["rie", "--runtime-interface-emulator-address", "127.0.0.1:0"])
        .args([RAW_BOOTSTRAP, "app.handler"])
        .current_dir(folder.path());
    let ours = EmulatorProcess::start(command, "listening on http://127.0.0.1:");
    // Method, headers and event.
    type Call<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let calls: [Call<'_>; 12] = [
        ("POST", &[], r#"{"a":1}"#),
        ("GET", &[], ""),
        ("PUT", &[], "no JSON"),
        ("POST", &[], "\u{1}\u{2}"),
        ("POST", &[], r#"{"error":"no luck"}"#),
        ("POST", &[], r#"{"exit":3}"#),
        ("POST", &[], r#"{"abort":true}"#),
        ("POST", &[], r#"{"sleep_ms":60000}"#),
        ("POST", &[], r#"{"size":6291557}"#),
        ("POST", &[("x-amz-client-context", "!!")], "1"),
        ("POST", &[("x-amz-invocation-type", "Event")], "1"),
        ("POST", &[], r#"{"env":"_HANDLER"}"#),
    ];
    for (method, headers, event) in calls {
        let [ours, theirs] =
            [&ours, &theirs].map(|server| normalized(&server.call(method, headers, event)));
        assert_eq!(ours, theirs, "{method} {event}");
    }
    let [ours, theirs] = [&ours, &theirs]
        .map(|server| normalized(&request(server.url(), "POST", "/elsewhere", &[], b"1")));
    assert_eq!(ours, theirs);
}

/// A response without the date and the request id, for comparison.
fn normalized(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<(String, String)> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .filter(|(name, _)| name != "date")
        .collect();
    headers.sort();
    let body = match reply.text().split_once("RequestId: ") {
        Some((before, rest)) => format!("{before}RequestId: …{}", &rest[36..]),
        None => reply.text(),
    };
    (reply.status, headers, body)
}
