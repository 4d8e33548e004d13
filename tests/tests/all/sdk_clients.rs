//! The Invoke API through AWS's own clients: boto3, the SDK for JavaScript v3 and the AWS CLI.
//!
//! Both SDKs make the same calls and must get the same results; the program for each is in `fixtures/clients`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Missing, Project, Server, installed, lambkin};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:echo";
const MIB: usize = 1024 * 1024;

/// Runs a fixture program that uses an SDK.
type With = fn(&str, &Server, &[Value]) -> Result<Vec<Value>, Missing>;

/// An SDK: makes a list of calls to a server.
type Sdk = fn(&Server, &[Value]) -> Result<Vec<Value>, Missing>;

fn boto3(server: &Server, calls: &[Value]) -> Result<Vec<Value>, Missing> {
    with_python("invoke.py", server, calls)
}

fn javascript(server: &Server, calls: &[Value]) -> Result<Vec<Value>, Missing> {
    with_node("invoke.cjs", server, calls)
}

pub fn with_python(program: &str, server: &Server, calls: &[Value]) -> Result<Vec<Value>, Missing> {
    let mut python = python()?;
    python.arg(fixture(program));
    Ok(answers(python, server, calls))
}

pub fn with_node(program: &str, server: &Server, calls: &[Value]) -> Result<Vec<Value>, Missing> {
    let mut node = javascript_client()?;
    node.arg(fixture(program));
    Ok(answers(node, server, calls))
}

pub fn javascript_client() -> Result<Command, Missing> {
    let mut node = client("node");
    node.env("NODE_PATH", installed("clients/node/node_modules")?)
        .env("NODE_NO_WARNINGS", "1");
    Ok(node)
}

pub fn python() -> Result<Command, Missing> {
    let mut python = client("python3");
    python.env("PYTHONPATH", installed("clients/python")?);
    Ok(python)
}

/// A command with made-up credentials that does not see the developer's own configuration.
pub fn client(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    // Version managers for Python and Node.js need HOME.
    for key in ["PATH", "HOME"] {
        command.env(key, std::env::var_os(key).unwrap_or_default());
    }
    command.envs([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ]);
    command
}

pub fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/clients")
        .join(name)
}

#[track_caller]
fn answers(mut program: Command, server: &Server, calls: &[Value]) -> Vec<Value> {
    program.arg(server.invoke_url());
    let output = feed(program, calls);
    let printed = serde_json::from_slice(&output.stdout);
    printed.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Runs a program with a list of calls on its standard input.
#[track_caller]
pub fn feed(mut program: Command, calls: &[Value]) -> Output {
    let pipes = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    let calls = serde_json::to_vec(calls).unwrap();
    child.stdin.take().unwrap().write_all(&calls).unwrap();
    child.wait_with_output().unwrap()
}

/// Makes calls and compares each result with the expected one, key by key.
#[track_caller]
fn check(sdk: Sdk, server: &Server, table: &[(Value, Value)]) {
    let calls: Vec<Value> = table.iter().map(|(call, _)| call.clone()).collect();
    let Ok(answers) = sdk(server, &calls) else {
        return;
    };
    assert_eq!(answers.len(), table.len());
    for ((call, expected), answer) in table.iter().zip(&answers) {
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&answer[key], value, "{key} of {call}: {answer}");
        }
    }
}

/// Each test, once for each SDK.
macro_rules! for_each_sdk {
    ($($test:ident),* $(,)?) => {
        mod with_boto3 { $(#[test] fn $test() { super::$test(super::boto3); })* }
        mod with_javascript { $(#[test] fn $test() { super::$test(super::javascript); })* }
    };
}

for_each_sdk!(
    a_call_returns_the_result,
    every_form_of_the_name_reaches_the_function,
    a_log_tail_is_valid_base64,
    a_client_context_reaches_the_function,
    a_function_error_is_distinguishable_from_a_result,
    each_refusal_raises_its_exception,
    throttling_raises_its_exception_with_the_reason,
    six_mib_are_accepted_and_one_byte_more_is_refused,
);

fn a_call_returns_the_result(sdk: Sdk) {
    let project = Project::echo("");
    let server = project.serve();
    let ran = json!({ "print": "ran in the background" }).to_string();
    check(
        sdk,
        &server,
        &[
            (
                json!({ "FunctionName": "echo", "Payload": "{\"n\": 1, \"text\": \"Zoë\"}" }),
                json!({ "status": 200, "payload": "{\"n\": 1, \"text\": \"Zoë\"}", "function_error": null, "version": "$LATEST" }),
            ),
            (
                json!({ "FunctionName": "echo", "InvocationType": "RequestResponse" }),
                json!({ "status": 200, "payload": "{}", "log": null }),
            ),
            (
                json!({ "FunctionName": "echo", "InvocationType": "DryRun", "Payload": "{\"print\":\"never\"}" }),
                json!({ "status": 204, "payload": "", "function_error": null }),
            ),
            (
                json!({ "FunctionName": "echo", "InvocationType": "Event", "Payload": ran }),
                json!({ "status": 202, "payload": "", "function_error": null }),
            ),
        ],
    );
}

fn every_form_of_the_name_reaches_the_function(sdk: Sdk) {
    let server = Project::echo("").serve();
    let named = |name: &str| {
        (
            json!({ "FunctionName": name }),
            json!({ "status": 200, "version": "$LATEST" }),
        )
    };
    let qualified = |name: &str, qualifier: &str| {
        (
            json!({ "FunctionName": name, "Qualifier": qualifier }),
            json!({ "status": 200, "version": "$LATEST" }),
        )
    };
    check(
        sdk,
        &server,
        &[
            named("echo"),
            named(ARN),
            named("123456789012:function:echo"),
            named("echo:$LATEST"),
            qualified("echo", "$LATEST"),
            qualified(ARN, "$LATEST"),
        ],
    );
}

fn a_log_tail_is_valid_base64(sdk: Sdk) {
    let server = Project::echo("").serve();
    let call =
        json!({ "FunctionName": "echo", "LogType": "Tail", "Payload": "{\"print\":\"a line\"}" });
    let Ok(answers) = sdk(&server, &[call]) else {
        return;
    };
    let mut base64 = Command::new("base64");
    let mut decoder = base64
        .arg("-d")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    decoder
        .stdin
        .take()
        .unwrap()
        .write_all(answers[0]["log"].as_str().unwrap().as_bytes())
        .unwrap();
    let log = String::from_utf8(decoder.wait_with_output().unwrap().stdout).unwrap();
    assert!(
        log.starts_with("START RequestId: ")
            && log.contains("\na line\nEND ")
            && log.contains("\nREPORT "),
        "{log}"
    );
}

fn a_client_context_reaches_the_function(sdk: Sdk) {
    let server = Project::echo("").serve();
    // {"custom":{"key":"value"}}
    let context = "eyJjdXN0b20iOnsia2V5IjoidmFsdWUifX0=";
    let call = json!({ "FunctionName": "echo", "ClientContext": context, "Payload": "{\"tell\":\"headers\"}" });
    let Ok(answers) = sdk(&server, &[call]) else {
        return;
    };
    let headers: Value = serde_json::from_str(answers[0]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(
        headers["lambda-runtime-client-context"],
        r#"{"custom":{"key":"value"}}"#
    );
}

fn a_function_error_is_distinguishable_from_a_result(sdk: Sdk) {
    let server = Project::echo("").serve();
    let error = r#"{"errorMessage":"no luck","errorType":"Fixture.Ordered","stackTrace":[]}"#;
    let too_large = r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#;
    check(
        sdk,
        &server,
        &[
            (
                json!({ "FunctionName": "echo", "Payload": "{\"error\":\"no luck\"}" }),
                json!({ "status": 200, "function_error": "Unhandled", "payload": error, "version": "$LATEST" }),
            ),
            (
                json!({ "FunctionName": "echo", "Payload": "{\"exit\":1}" }),
                json!({ "status": 200, "function_error": "Unhandled" }),
            ),
            (
                json!({ "FunctionName": "echo", "Payload": "{\"size\":6291557}" }),
                json!({ "status": 200, "function_error": "Unhandled", "payload": too_large }),
            ),
        ],
    );
}

fn each_refusal_raises_its_exception(sdk: Sdk) {
    let server = Project::echo("").serve();
    let not_found = |arn: &str| {
        let message =
            format!("Function not found: arn:aws:lambda:us-east-1:123456789012:function:{arn}");
        json!({ "exception": "ResourceNotFoundException", "code": "ResourceNotFoundException", "status": 404, "message": message })
    };
    check(
        sdk,
        &server,
        &[
            (
                json!({ "FunctionName": "nobody" }),
                not_found("nobody:$LATEST"),
            ),
            (
                json!({ "FunctionName": "nobody", "InvocationType": "Event" }),
                not_found("nobody:$LATEST"),
            ),
            (
                json!({ "FunctionName": "echo", "Qualifier": "live" }),
                not_found("echo:live"),
            ),
            (
                json!({ "FunctionName": "echo", "Payload": "{broken" }),
                json!({ "exception": "InvalidRequestContentException", "status": 400 }),
            ),
            (
                json!({ "FunctionName": "echo:live", "Qualifier": "test" }),
                json!({ "exception": "InvalidParameterValueException", "status": 400 }),
            ),
            (
                json!({ "FunctionName": "ec ho" }),
                json!({ "code": "ValidationException", "status": 400 }),
            ),
        ],
    );
}

fn throttling_raises_its_exception_with_the_reason(sdk: Sdk) {
    let project = Project::echo("concurrency = 1\nqueue = 0\ntimeout = 60");
    let server = project.serve();
    let busy = server.invoke_with(
        "echo",
        r#"{"print":"busy","sleep_ms":60000}"#,
        &[("x-amz-invocation-type", "Event")],
    );
    assert_eq!(busy.status, 202);
    server.log_with("busy");
    check(
        sdk,
        &server,
        &[(
            json!({ "FunctionName": "echo" }),
            json!({
                "exception": "TooManyRequestsException",
                "status": 429,
                "message": "Rate Exceeded.",
                "reason": "ConcurrentInvocationLimitExceeded",
            }),
        )],
    );
}

fn six_mib_are_accepted_and_one_byte_more_is_refused(sdk: Sdk) {
    let project = Project::echo("timeout = 30");
    let server = project.serve();
    let call = |kind: &str, bytes: usize| json!({ "FunctionName": "echo", "InvocationType": kind, "Payload": format!("\"{}\"", "x".repeat(bytes - 2)) });
    let calls = [
        call("RequestResponse", 6 * MIB),
        call("RequestResponse", 6 * MIB + 1),
        call("Event", MIB),
        call("Event", MIB + 1),
    ];
    let Ok(answers) = sdk(&server, &calls) else {
        return;
    };
    assert_eq!(
        (
            &answers[0]["status"],
            answers[0]["payload"].as_str().map(str::len)
        ),
        (&json!(200), Some(6 * MIB))
    );
    assert_eq!(answers[2]["status"], 202);
    for (answer, message) in [
        (
            &answers[1],
            "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
        ),
        (
            &answers[3],
            "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
        ),
    ] {
        // The name that AWS sends; neither SDK has a class of that name.
        assert_eq!(
            (&answer["code"], &answer["status"]),
            (&json!("RequestEntityTooLargeException"), &json!(413)),
            "{answer}"
        );
        assert_eq!(answer["message"], message);
    }
}

#[test]
fn both_sdks_can_pass_a_tenant_and_use_the_deprecated_operation() {
    let server = Project::echo("tenant-isolation = true").serve();
    let plain = Project::echo("").serve();
    let tenant = json!({ "FunctionName": "echo", "TenantId": "blue", "Payload": "[1]" });
    let with_tenant = [json!({ "operation": "Invoke", "input": tenant })];
    let event = json!({ "FunctionName": "echo", "InvokeArgs": "{\"print\":\"an old event\"}" });
    let deprecated = [json!({ "operation": "InvokeAsync", "input": event })];
    for (with, program) in [
        (with_python as With, "operations.py"),
        (with_node, "operations.cjs"),
    ] {
        let Ok(answers) = with(program, &server, &with_tenant) else {
            continue;
        };
        assert_eq!(answers[0]["Payload"], "[1]", "{answers:?}");
        let Ok(answers) = with(program, &plain, &[&with_tenant[..], &deprecated].concat()) else {
            continue;
        };
        assert_eq!(answers[0]["code"], "InvalidParameterValueException");
        assert_eq!(answers[1]["Status"], 202, "{answers:?}");
        plain.log_with("an old event");
    }
}

/// Runs `aws lambda invoke` and returns its output and the file it writes the payload to.
fn aws(server: &Server, args: &[&str]) -> Result<(Output, String), Missing> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payload");
    let mut aws = python()?;
    aws.args([
        "-m",
        "awscli",
        "lambda",
        "invoke",
        "--endpoint-url",
        server.invoke_url(),
    ])
    .args(args)
    .arg(&file);
    let output = aws.stdin(Stdio::null()).output().unwrap();
    Ok((output, std::fs::read_to_string(file).unwrap_or_default()))
}

#[test]
fn the_cli_prints_the_response_and_writes_the_payload() {
    let server = Project::echo("").serve();
    for credentials in [&["--no-sign-request"][..], &[]] {
        let args = [
            &["--function-name", "echo", "--payload", r#"{"n": 1}"#],
            credentials,
        ]
        .concat();
        let Ok((output, payload)) = aws(&server, &args) else {
            return;
        };
        let answer: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        assert_eq!(
            answer,
            json!({ "StatusCode": 200, "ExecutedVersion": "$LATEST" })
        );
        assert_eq!(payload, r#"{"n": 1}"#);
    }
}

#[test]
fn the_cli_accepts_an_arn_a_qualifier_and_a_log_type() {
    let server = Project::echo("").serve();
    let args = [
        "--function-name",
        ARN,
        "--qualifier",
        "$LATEST",
        "--log-type",
        "Tail",
        "--query",
        "LogResult",
    ];
    let Ok((output, payload)) = aws(&server, &args) else {
        return;
    };
    // "START RequestId" in base64.
    assert!(
        output.stdout.starts_with(b"\"U1RBUlQgUmVxdWVzdElk"),
        "{output:?}"
    );
    assert_eq!(payload, "{}");
}

#[test]
fn the_cli_shows_a_failed_function_and_fails_for_an_unknown_one() {
    let server = Project::echo("").serve();
    let Ok((output, payload)) = aws(
        &server,
        &[
            "--function-name",
            "echo",
            "--payload",
            r#"{"error":"no luck"}"#,
        ],
    ) else {
        return;
    };
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&answer["FunctionError"], output.status.code()),
        (&json!("Unhandled"), Some(0))
    );
    assert!(payload.contains(r#""errorMessage":"no luck""#), "{payload}");

    let Ok((output, _)) = aws(&server, &["--function-name", "nobody"]) else {
        return;
    };
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = "An error occurred (ResourceNotFoundException) when calling the Invoke operation: Function not found: ";
    assert!(complaint.contains(expected), "{complaint}");
    assert!(!output.status.success());
}

/// A project with the function `echo` and a function `caller`, a program in `fixtures/clients` that invokes it.
fn project_with_caller(command: &str, program: &str, library: &str, path: &Path) -> Project {
    let (program, path) = (fixture(program), path.display());
    Project::echo(&format!(
        "[functions.caller]\ncode = '.'\ncommand = ['{command}', '{}']\ntimeout = 60\nmemory = 1024\n\
         environment = {{ {library} = '{path}' }}",
        program.display()
    ))
}

fn python_caller() -> Result<Project, Missing> {
    python()?;
    let libraries = installed("clients/python")?;
    Ok(project_with_caller(
        "python3",
        "caller.py",
        "PYTHONPATH",
        &libraries,
    ))
}

fn javascript_caller() -> Result<Project, Missing> {
    javascript_client()?;
    let libraries = installed("clients/node/node_modules")?;
    Ok(project_with_caller(
        "node",
        "caller.cjs",
        "NODE_PATH",
        &libraries,
    ))
}

#[test]
fn a_function_invokes_another_one_here_with_boto3_and_with_javascript() {
    for project in [python_caller(), javascript_caller()] {
        let Ok(project) = project else {
            continue;
        };
        let reply = project.serve().invoke("caller", r#"{"n":1}"#);
        assert_eq!(reply.text(), r#"{"n":1}"#, "{reply:?}");

        let output = lambkin()
            .args(["invoke", "caller", r#"{"n":2}"#])
            .current_dir(project.path())
            .output()
            .unwrap();
        let (out, log) = (&output.stdout, &output.stderr);
        let [out, log] = [out, log].map(|text| String::from_utf8_lossy(text));
        assert_eq!(out, "{\"n\":2}\n", "{log}");
    }
}
