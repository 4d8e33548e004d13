//! The execution environment: variables, headers, and the number of processes.

use std::collections::BTreeSet;
use std::thread;

use serde_json::json;

use crate::support::{Project, RAW_BOOTSTRAP, Server};

#[test]
fn a_runtime_gets_awss_variables_and_none_of_the_hosts() {
    let project = Project::echo(
        "handler = \"app.handler\"\nmemory = 256\nenvironment = { GREETING = \"hi=ho\", TZ = \"Europe/Berlin\" }",
    );
    let server = project.serve();
    let variables = server.invoke("echo", r#"{"tell":"environment"}"#).json();
    let root = std::path::Path::new(RAW_BOOTSTRAP)
        .parent()
        .unwrap()
        .canonicalize()
        .unwrap();
    for (key, value) in [
        ("_HANDLER", "app.handler"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "echo"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/echo"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LANG", "en_US.UTF-8"),
        ("GREETING", "hi=ho"),
        ("TZ", "Europe/Berlin"),
        ("LAMBDA_TASK_ROOT", root.to_str().unwrap()),
        ("PWD", root.to_str().unwrap()),
    ] {
        assert_eq!(variables[key], value, "{key}");
    }
    assert!(
        variables["AWS_LAMBDA_RUNTIME_API"]
            .as_str()
            .unwrap()
            .starts_with("127.")
    );
    assert!(
        variables["AWS_LAMBDA_LOG_STREAM_NAME"]
            .as_str()
            .unwrap()
            .contains("/[$LATEST]")
    );
    for key in ["LAMBKIN_CACHE_DIR", "CARGO", "AWS_EXECUTION_ENV"] {
        assert_eq!(variables.get(key), None, "{key}");
    }
    assert_eq!(
        server.invoke("echo", r#"{"tell":"cwd"}"#).json(),
        root.to_str().unwrap()
    );
}

#[test]
fn every_event_carries_its_id_deadline_arn_and_trace() {
    let server = Project::echo("timeout = 5").serve();
    let before = now_ms();
    let reply = server.invoke("echo", r#"{"tell":"headers"}"#);
    let headers = reply.json();
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(
        headers["lambda-runtime-aws-request-id"],
        reply.header("x-amzn-requestid").unwrap()
    );
    assert_eq!(
        headers["lambda-runtime-invoked-function-arn"],
        "arn:aws:lambda:us-east-1:123456789012:function:echo"
    );
    let trace = headers["lambda-runtime-trace-id"].as_str().unwrap();
    assert!(
        trace.starts_with("Root=1-") && trace.contains(";Parent=") && trace.contains(";Sampled=0"),
        "{trace}"
    );
    let deadline: u128 = headers["lambda-runtime-deadline-ms"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        (before + 5000..=now_ms() + 5000).contains(&deadline),
        "{deadline}"
    );

    let reply = server.invoke("echo:$LATEST", r#"{"tell":"headers"}"#);
    assert_eq!(
        reply.json()["lambda-runtime-invoked-function-arn"],
        "arn:aws:lambda:us-east-1:123456789012:function:echo:$LATEST"
    );
}

fn now_ms() -> u128 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis()
}

#[test]
fn sequential_calls_share_one_process() {
    let server = Project::echo("").serve();
    let pids: BTreeSet<String> = (0..50)
        .map(|_| server.invoke("echo", r#"{"tell":"pid"}"#).text())
        .collect();
    assert_eq!(pids.len(), 1, "{pids:?}");
    assert_eq!(server.invoke("echo", r#"{"tell":"served"}"#).text(), "51");
}

#[test]
fn concurrent_calls_get_a_process_each() {
    let server = Project::echo("").serve();
    let event = json!({ "sleep_ms": 300, "tell": "pid" }).to_string();
    let pids = at_once(&server, 4, &event);
    assert_eq!(
        pids.iter()
            .map(|(_, pid)| pid)
            .collect::<BTreeSet<_>>()
            .len(),
        4,
        "{pids:?}"
    );
}

#[test]
fn calls_beyond_the_concurrency_limit_queue_and_calls_beyond_the_queue_are_throttled() {
    let server = Project::echo("concurrency = 1\nqueue = 2").serve();
    let event = json!({ "sleep_ms": 200, "tell": "pid" }).to_string();
    let answers = at_once(&server, 8, &event);
    let served: Vec<_> = answers
        .iter()
        .filter(|(status, _)| *status == 200)
        .collect();
    let throttled: Vec<_> = answers
        .iter()
        .filter(|(status, _)| *status == 429)
        .collect();
    assert_eq!((served.len(), throttled.len()), (3, 5), "{answers:?}");
    assert!(
        served.iter().all(|(_, pid)| *pid == served[0].1),
        "one process served all"
    );
    assert_eq!(
        throttled[0].1,
        r#"{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#
    );
    assert_eq!(
        server.invoke("echo", "1").status,
        200,
        "and then it goes on"
    );
}

#[test]
fn a_queue_of_zero_throttles_at_once_as_aws_does() {
    let server = Project::echo("concurrency = 1\nqueue = 0").serve();
    let answers = at_once(&server, 3, r#"{"sleep_ms":200}"#);
    let mut statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429, 429]);
}

fn at_once(server: &Server, count: usize, event: &str) -> Vec<(u16, String)> {
    thread::scope(|scope| {
        let calls: Vec<_> = (0..count)
            .map(|_| scope.spawn(|| server.invoke("echo", event)))
            .collect();
        calls
            .into_iter()
            .map(|call| call.join().unwrap())
            .map(|reply| (reply.status, reply.text()))
            .collect()
    })
}

#[test]
fn variables_come_from_env_files_the_host_and_the_configuration() {
    let project = Project::echo(
        "env-file = [\"a.env\", \"b.env\"]\npass-environment = [\"PASSED\", \"UNSET\", \"IN_BOTH\"]\nenvironment = { OWN = \"own\", IN_ALL = \"own\" }",
    );
    project.file("a.env", "A=a\nIN_FILES=a\nIN_ALL=a\n");
    project.file(
        "b.env",
        "# comment\nexport B='b c'\nIN_FILES=b\nIN_BOTH=file\nMANY=\"one\ntwo\"\n",
    );
    let host = [
        ("PASSED", "host"),
        ("NOT_NAMED", "host"),
        ("IN_BOTH", "host"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", ""),
    ];
    let server = project.serve_with(&[], &host);
    let variables = server.invoke("echo", r#"{"tell":"environment"}"#).json();
    for (key, value) in [
        ("A", Some("a")),
        ("B", Some("b c")),
        ("IN_FILES", Some("b")),
        ("IN_ALL", Some("own")),
        ("OWN", Some("own")),
        ("PASSED", Some("host")),
        ("IN_BOTH", Some("host")),
        ("MANY", Some("one\ntwo")),
        ("UNSET", None),
        ("NOT_NAMED", None),
        ("AWS_ACCESS_KEY_ID", Some("AKIDEXAMPLE")),
        // An empty or invented credential would break the SDKs' own credential search.
        ("AWS_SECRET_ACCESS_KEY", None),
        ("AWS_SESSION_TOKEN", None),
    ] {
        assert_eq!(variables[key].as_str(), value, "{key}");
    }
}

#[test]
fn an_invalid_env_file_is_reported_with_the_line() {
    let project = Project::echo("env-file = \".env\"");
    let text = project.refusal();
    assert!(
        text.contains("lambkin.toml:3:12: functions.echo.env-file: cannot read "),
        "{text}"
    );
    assert!(text.contains(".env: No such file"), "{text}");

    project.file(".env", "A=1\n\nAWS_REGION=x\nB=2\nnot a variable\n");
    let text = project.refusal();
    assert!(
        text.contains(".env:3: AWS_REGION is reserved by Lambda"),
        "{text}"
    );
    assert!(text.contains(".env:5: is not `KEY=VALUE`"), "{text}");

    let project = Project::echo("env-file = \".env\"\nenvironment = { A = \"1\" }");
    project.file(".env", format!("B={}\n", "x".repeat(4094)));
    let text = project.refusal();
    assert!(
        text.contains("the variables are 4097 bytes, more than Lambda's limit"),
        "{text}"
    );

    let text = Project::echo("pass-environment = [\"AWS_REGION\"]").refusal();
    assert!(
        text.contains("functions.echo.pass-environment: AWS_REGION is reserved"),
        "{text}"
    );
}
