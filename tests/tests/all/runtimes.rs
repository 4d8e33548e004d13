//! AWS's own runtime clients, as published, and bash: success, and every kind of failure.
//!
//! The functions are in `fixtures/runtimes`, one for each language. Each does what an event's `do` says: `fail`,
//! `exit`, `hang`, or return a `large` result. Any other event is returned. Their runtimes are started as in the
//! examples.

pub mod examples;

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Missing, Project, Reply, Server, curl, eventually, installed};

/// The properties of a runtime.
struct Runtime {
    /// Creates a project with the function's code in `hello`.
    project: fn() -> Result<Project, Missing>,
    /// The setting of a function that works.
    works: &'static str,
    /// Timeout of a hanging function in seconds: long enough for a process to start even on a busy machine.
    timeout: u32,
    /// The type of the error that `fail` raises.
    error_type: &'static str,
    /// The ways in which init can fail.
    broken: &'static [FailingInit],
}

/// A function whose init fails.
struct FailingInit {
    setting: &'static str,
    error_type: &'static str,
    /// How the error's message begins; `ID` stands for the request's.
    message: &'static str,
}

#[test]
fn python() {
    check(&Runtime {
        project: || example_with("python", "hello/package", &["faults.py", "broken.py"]),
        works: "handler = 'faults.handler'",
        timeout: 2,
        error_type: "ValueError",
        broken: &[
            FailingInit {
                setting: "handler = 'missing.handler'",
                error_type: "Runtime.ImportModuleError",
                message: "Unable to import module 'missing': No module named 'missing'",
            },
            FailingInit {
                setting: "handler = 'faults.missing'",
                error_type: "Runtime.HandlerNotFound",
                message: "Handler 'missing' missing on module 'faults'",
            },
            FailingInit {
                setting: "handler = 'broken.handler'",
                error_type: "ValueError",
                message: "broken at import",
            },
        ],
    });
}

#[test]
fn node() {
    check(&Runtime {
        project: || example_with("node", "hello/node_modules", &["faults.mjs", "broken.mjs"]),
        works: "handler = 'faults.handler'",
        timeout: 2,
        error_type: "RangeError",
        broken: &[
            FailingInit {
                setting: "handler = 'missing.handler'",
                error_type: "Runtime.ImportModuleError",
                message: "Error: Cannot find module 'missing'",
            },
            FailingInit {
                setting: "handler = 'faults.missing'",
                error_type: "Runtime.HandlerNotFound",
                message: "faults.missing is undefined or not exported",
            },
            FailingInit {
                setting: "handler = 'broken.handler'",
                error_type: "RangeError",
                message: "broken at import",
            },
        ],
    });
}

/// The runtimes for Rust and Go and the bash fixture do not report a failed init: they exit.
const EXITS_AT_START: FailingInit = FailingInit {
    setting: "environment = { BROKEN = 'yes' }",
    error_type: "Runtime.ExitError",
    message: "RequestId: ID Error: Runtime exited with error: exit status 1",
};

#[test]
fn rust() {
    check(&Runtime {
        project: || installed_as_code("examples/rust/target/release/faults"),
        works: "",
        timeout: 2,
        // The runtime reports the Rust type name of the error.
        error_type: "&alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>",
        broken: &[EXITS_AT_START],
    });
}

#[test]
fn go() {
    check(&Runtime {
        project: || installed_as_code("runtimes/go"),
        works: "",
        timeout: 2,
        error_type: "errorString",
        broken: &[EXITS_AT_START],
    });
}

#[test]
fn java() {
    check(&Runtime {
        project: java_project,
        works: "handler = 'Faults'",
        // Starting two JVMs at once on two busy processors takes this long.
        timeout: 5,
        error_type: "java.lang.IllegalStateException",
        broken: &[FailingInit {
            setting: "handler = 'Broken'",
            error_type: "java.lang.IllegalStateException",
            message: "broken at start",
        }],
    });
}

#[test]
fn bash() {
    check(&Runtime {
        project: bash_project,
        works: "",
        timeout: 2,
        error_type: "Bash.Failure",
        broken: &[EXITS_AT_START],
    });
}

pub fn bash_project() -> Result<Project, Missing> {
    curl()?;
    let project = Project::new("");
    project.executable(
        "hello/bootstrap",
        include_bytes!("../../fixtures/runtimes/bash/bootstrap"),
    );
    Ok(project)
}

/// A project whose code was built by `tests/tools/install`.
pub fn installed_as_code(what: &str) -> Result<Project, Missing> {
    let code = installed(what)?;
    let project = Project::new("");
    std::os::unix::fs::symlink(code, project.path().join("hello")).unwrap();
    Ok(project)
}

/// Classes, libraries and the bootstrap that starts a JVM with them.
fn java_project() -> Result<Project, Missing> {
    let built = installed("runtimes/java")?;
    let project = Project::new("");
    project.executable(
        "hello/bootstrap",
        include_bytes!("../../fixtures/runtimes/java/bootstrap"),
    );
    for name in ["Faults.class", "Broken.class", "lib"] {
        std::os::unix::fs::symlink(built.join(name), project.path().join("hello").join(name))
            .unwrap();
    }
    Ok(project)
}

/// An example with further files beside its handler.
pub fn example_with(example: &str, to_install: &str, files: &[&str]) -> Result<Project, Missing> {
    let project = examples::copy(example, Some(to_install))?;
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/runtimes")
        .join(example);
    for file in files {
        std::fs::copy(fixtures.join(file), project.path().join("hello").join(file)).unwrap();
    }
    Ok(project)
}

#[track_caller]
fn check(runtime: &Runtime) {
    let Ok(project) = (runtime.project)() else {
        return;
    };
    project.file("lambkin.toml", config(runtime));
    let server = project.serve();
    assert_result_returned(&server);
    assert_error_passed_on(&server, runtime);
    assert_exit_is_an_error(&server);
    assert_hang_times_out(&server, runtime);
    assert_large_result_is_complete(&server);
    for (index, broken) in runtime.broken.iter().enumerate() {
        assert_failed_init_is_retried_for_every_call(&server, &format!("broken-{index}"), broken);
    }
}

fn config(runtime: &Runtime) -> String {
    let mut config = "[invoke]\nlisten = '127.0.0.1:0'\n".to_owned();
    let mut function = |name: &str, timeout: u32, setting: &str| {
        writeln!(
            config,
            "[functions.{name}]\ncode = 'hello'\ntimeout = {timeout}\nmemory = 512\n{setting}"
        )
        .unwrap();
    };
    function("good", 30, runtime.works);
    function("hasty", runtime.timeout, runtime.works);
    for (index, broken) in runtime.broken.iter().enumerate() {
        function(&format!("broken-{index}"), 30, broken.setting);
    }
    config
}

#[track_caller]
fn assert_result_returned(server: &Server) {
    let reply = works(server, "good");
    let report = report(server, "good", &reply);
    assert!(
        report.contains("\tInit Duration: ") && !report.contains("Status"),
        "{report}"
    );
    assert!(server.log().contains("echoing\n"), "{}", server.log());
}

#[track_caller]
fn assert_error_passed_on(server: &Server, runtime: &Runtime) {
    let (reply, error) = fails(server, "good", &json!({ "do": "fail" }));
    assert_eq!(
        (error["errorMessage"].as_str(), error["errorType"].as_str()),
        (Some("no luck"), Some(runtime.error_type))
    );
    let report = report(server, "good", &reply);
    assert!(
        !report.contains("Status"),
        "a handler's error is no platform error: {report}"
    );
    works(server, "good");
}

#[track_caller]
fn assert_exit_is_an_error(server: &Server) {
    let (reply, error) = fails(server, "good", &json!({ "do": "exit" }));
    let words = format!(
        "RequestId: {} Error: Runtime exited with error: exit status 3",
        id(&reply)
    );
    assert_eq!(
        error,
        json!({ "errorType": "Runtime.ExitError", "errorMessage": words })
    );
    let report = report(server, "good", &reply);
    assert!(
        report.contains("\tStatus: error\tError Type: Runtime.ExitError"),
        "{report}"
    );
    assert!(
        server.log().contains(&format!("good | {words}\n")),
        "{}",
        server.log()
    );
    works(server, "good");
}

#[track_caller]
fn assert_hang_times_out(server: &Server, runtime: &Runtime) {
    works(server, "hasty");
    let (reply, error) = fails(server, "hasty", &json!({ "do": "hang" }));
    let words = format!(
        "RequestId: {} Error: Task timed out after {}.00 seconds",
        id(&reply),
        runtime.timeout
    );
    assert_eq!(
        error,
        json!({ "errorType": "Sandbox.Timedout", "errorMessage": words })
    );
    let report = report(server, "hasty", &reply);
    assert!(report.contains("\tStatus: timeout"), "{report}");
    // The new process starts within the call and its timeout, which on a busy machine may be too short for it.
    eventually("a new process", || {
        let reply = server.invoke("hasty", "{}");
        reply.header("x-amz-function-error").is_none()
    });
    works(server, "hasty");
}

#[track_caller]
fn assert_large_result_is_complete(server: &Server) {
    let reply = server.invoke("good", json!({ "do": "large" }).to_string());
    assert_eq!(
        (reply.status, reply.header("x-amz-function-error")),
        (200, None)
    );
    assert_eq!(reply.body.len(), 5_000_002);
    assert!(
        reply
            .json()
            .as_str()
            .unwrap()
            .bytes()
            .all(|byte| byte == b'x')
    );
    works(server, "good");
}

#[track_caller]
fn assert_failed_init_is_retried_for_every_call(
    server: &Server,
    function: &str,
    broken: &FailingInit,
) {
    for _ in 0..2 {
        let (reply, error) = fails(server, function, &json!({}));
        assert_eq!(error["errorType"], broken.error_type);
        let message = error["errorMessage"].as_str().unwrap();
        assert!(
            message.starts_with(&broken.message.replace("ID", id(&reply))),
            "{message}"
        );
        report(server, function, &reply);
    }
    let log = server.log();
    assert!(
        log.lines().any(
            |line| line.starts_with(&format!("{function} | INIT_REPORT "))
                && line.contains("Status: error")
        ),
        "{log}"
    );
}

/// Asserts that a function returns its event.
#[track_caller]
fn works(server: &Server, function: &str) -> Reply {
    let event = json!({ "n": 1, "text": "ü\u{1f411}\n", "list": [null, true, 1.5] });
    let reply = server.invoke(function, event.to_string());
    assert_eq!(
        (reply.status, reply.header("x-amz-function-error")),
        (200, None),
        "{}\n{}",
        reply.text(),
        server.log()
    );
    assert_eq!(reply.json(), event);
    reply
}

/// Asserts that a function fails, and returns the reply and the error.
#[track_caller]
fn fails(server: &Server, function: &str, event: &Value) -> (Reply, Value) {
    let reply = server.invoke(function, event.to_string());
    let failed = (reply.status, reply.header("x-amz-function-error"));
    assert_eq!(
        failed,
        (200, Some("Unhandled")),
        "{}\n{}",
        reply.text(),
        server.log()
    );
    let error = reply.json();
    (reply, error)
}

fn id(reply: &Reply) -> &str {
    reply.header("x-amzn-requestid").unwrap()
}

/// The REPORT line of a call; asserts that START and END precede it.
#[track_caller]
fn report(server: &Server, function: &str, reply: &Reply) -> String {
    let id = id(reply);
    let log = server.log_with(&format!("{function} | REPORT RequestId: {id}\t"));
    let at = |line: &str| {
        log.find(&format!("{function} | {line} RequestId: {id}"))
            .unwrap_or_else(|| panic!("no {line}: {log}"))
    };
    assert!(at("START") < at("END") && at("END") < at("REPORT"), "{log}");
    log[at("REPORT")..].lines().next().unwrap().to_owned()
}
