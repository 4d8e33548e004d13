//! The command line: what it prints to stdout and stderr, and its exit codes.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::support::{Project, RAW_BOOTSTRAP, lambkin};

fn run(project: &Project, args: &[&str]) -> Output {
    lambkin()
        .args(args)
        .current_dir(project.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn invoke_prints_the_result_on_stdout_and_logs_on_stderr() {
    let project = Project::echo("");
    let output = run(&project, &["invoke", "echo", r#"{"print":"hello","n":1}"#]);
    assert_eq!(out(&output), "{\"print\":\"hello\",\"n\":1}\n");
    let log = err(&output);
    assert!(log.starts_with("START RequestId: "), "{log}");
    assert!(
        log.contains("\nhello\n") && log.contains("\nREPORT RequestId: "),
        "{log}"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_reader_that_closes_the_output_early_causes_no_error() {
    let project = Project::new("");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = lambkin();
    command.args(["completions", "bash"]).stdout(writer);
    let output = command.current_dir(project.path()).output().unwrap();
    assert_eq!(err(&output), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn invoke_reads_its_event_from_a_file_or_stdin_and_defaults_to_an_empty_one() {
    let project = Project::echo("");
    project.file("event.json", "[1,2]");
    assert_eq!(
        out(&run(&project, &["invoke", "echo", "-e", "event.json"])),
        "[1,2]\n"
    );
    assert_eq!(out(&run(&project, &["invoke", "echo"])), "{}\n");

    let mut command = lambkin();
    command
        .args(["invoke", "echo", "-e", "-"])
        .current_dir(project.path());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"\"piped\"").unwrap();
    assert_eq!(out(&child.wait_with_output().unwrap()), "\"piped\"\n");
}

#[test]
fn invoke_runs_a_bootstrap_without_any_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let output = lambkin()
        .args(["invoke", RAW_BOOTSTRAP, "7"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(
        (out(&output).as_str(), output.status.code()),
        ("7\n", Some(0)),
        "{}",
        err(&output)
    );
}

#[test]
fn the_exit_code_of_invoke_distinguishes_success_function_errors_and_other_errors() {
    let project = Project::echo("");
    let failed = run(&project, &["invoke", "echo", r#"{"error":"no luck"}"#]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(out(&failed).contains(r#""errorMessage":"no luck""#));
    assert_eq!(
        run(&project, &["invoke", "echo", r#"{"exit":9}"#])
            .status
            .code(),
        Some(1)
    );

    let unknown = run(&project, &["invoke", "ehco"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        err(&unknown).contains(r#"defines no function "ehco"; did you mean `echo`?"#),
        "{}",
        err(&unknown)
    );

    let broken = run(&project, &["invoke", "echo", "{nope"]);
    assert_eq!(broken.status.code(), Some(2));
    assert!(
        err(&broken).contains("the event is not JSON: {nope"),
        "{}",
        err(&broken)
    );

    let missing = run(&project, &["invoke", "echo", "-e", "nowhere.json"]);
    assert!(
        err(&missing).contains("cannot read the event from nowhere.json"),
        "{}",
        err(&missing)
    );
}

#[test]
fn invoke_passes_a_client_context_on() {
    let project = Project::echo("");
    let output = run(
        &project,
        &[
            "invoke",
            "echo",
            r#"{"tell":"headers"}"#,
            "--client-context",
            r#"{"a": 1}"#,
        ],
    );
    assert!(
        out(&output).contains(r#""lambda-runtime-client-context":"{\"a\":1}""#),
        "{}",
        out(&output)
    );
}

#[test]
fn serve_prints_the_address_of_every_listener() {
    let project = Project::gateway("routes = { \"GET /hello/{name}\" = \"echo\" }");
    let server = project.serve();
    let ready = server.ready();
    assert_eq!(ready["event"], "ready");
    for url in [&ready["invoke"], &ready["triggers"]["web"]] {
        let port = url
            .as_str()
            .and_then(|url| url.strip_prefix("http://127.0.0.1:"))
            .unwrap();
        assert_ne!(port.parse::<u16>().unwrap(), 0);
    }
}

#[test]
fn check_prints_the_functions_and_triggers_that_serve_would_start() {
    let project =
        Project::gateway("routes = { \"GET /hello/{name}\" = \"echo\", \"$default\" = \"echo\" }");
    let output = run(&project, &["check"]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(
        text.contains("function echo: ") && text.contains("3 s, 128 MB"),
        "{text}"
    );
    assert!(
        text.contains("trigger web: api-gateway-http on 127.0.0.1:0"),
        "{text}"
    );
    assert!(text.contains("    GET /hello/{name} -> echo\n"), "{text}");
}

#[test]
fn shape_prints_the_event_of_a_request() {
    let project = Project::gateway("routes = { \"POST /hello/{name}\" = \"echo\" }");
    let output = run(
        &project,
        &[
            "shape",
            "web",
            "POST",
            "/hello/ada?x=1",
            "-H",
            "Content-Type: application/json",
            "-d",
            r#"{"a":1}"#,
        ],
    );
    let event: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(event["routeKey"], "POST /hello/{name}");
    assert_eq!(event["pathParameters"]["name"], "ada");
    assert_eq!(event["queryStringParameters"]["x"], "1");
    assert_eq!(event["body"], r#"{"a":1}"#);
    assert!(err(&output).contains("invokes echo"));

    let reply = run(&project, &["shape", "web", "GET", "/nowhere"]);
    assert!(
        out(&reply).starts_with("HTTP/1.1 404\n")
            && out(&reply).ends_with("{\"message\":\"Not Found\"}\n"),
        "{}",
        out(&reply)
    );
}

#[test]
fn completions_are_generated_for_every_shell() {
    let project = Project::new("");
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&project, &["completions", shell]);
        assert!(
            output.status.success() && out(&output).contains("lambkin"),
            "{shell}"
        );
    }
}
