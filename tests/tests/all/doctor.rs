//! `lambkin doctor FUNCTION`: whether a function starts, and what would be started, without invoking it.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::support::{Project, interpreter, lambkin};

fn doctor(folder: &Path, arguments: &[&str]) -> Output {
    lambkin()
        .arg("doctor")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_function_that_starts_is_described_without_being_invoked() {
    let project = Project::echo(
        "layers = ['layer']\nenvironment = { SECRET = 'hunter2', RAW_BOOTSTRAP_INIT = '{\"append\":[\"started\",\"x\"]}' }",
    );
    fs::create_dir(project.path().join("layer")).unwrap();
    let output = doctor(project.path(), &["echo"]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.starts_with("function echo\n  yes  it starts and asks for an event, in "),
        "{text}"
    );
    let layer = project.path().canonicalize().unwrap().join("layer");
    for line in [
        format!("       layer: {}\n", layer.display()),
        "       sandbox: process: it sees the whole machine\n".to_owned(),
        "       program: /".to_owned(),
        "       variables of its own: RAW_BOOTSTRAP_INIT, SECRET\n".to_owned(),
        "AWS_LAMBDA_FUNCTION_NAME".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_handler_that_cannot_be_imported_is_the_first_thing_that_is_said() {
    if interpreter("python3").is_err() {
        return;
    }
    let project = Project::new("[functions.f]\ncode = 'code'\nhandler = 'app.handler'\n");
    project.file("code/app.py", "print('loading')\nimport no_such_module\n");
    let output = doctor(project.path(), &["f"]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let start = "function f\n  no   it starts and asks for an event\n       Runtime.ImportModuleError: Unable to import module \
                 'app': No module named 'no_such_module'\n";
    assert!(text.starts_with(start), "{text}");
    assert!(
        text.contains("       printed while it started:\n         loading\n"),
        "{text}"
    );
    assert!(text.contains("       interpreter: Python 3."), "{text}");
    assert!(!text.contains("START RequestId"), "{text}");
    // It is corrected, and named as `invoke` takes it.
    fs::remove_file(project.path().join("lambkin.toml")).unwrap();
    project.file(
        "code/app.py",
        "def handler(event, context):\n    raise RuntimeError('invoked')\n",
    );
    for target in ["code/app.py", "code"] {
        let output = doctor(project.path(), &[target]);
        assert_eq!(output.status.code(), Some(0), "{target}: {}", out(&output));
    }
}

#[test]
fn a_function_without_a_program_is_explained_and_an_unknown_one_is_an_error() {
    let project = Project::new(
        "[functions.f]\ncode = 'code'\n[functions.none]\ncode = 'code'\nreserved-concurrency = 0\n",
    );
    fs::create_dir(project.path().join("code")).unwrap();
    let output = doctor(project.path(), &["f"]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.starts_with(
            "function f\n  no   it can be started\n       no bootstrap and no handler found\n         "
        ),
        "{text}"
    );
    let output = doctor(project.path(), &["g"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("defines no function \"g\"; "), "{text}");
    project.executable("code/bootstrap", "#!/bin/sh\n");
    let text = out(&doctor(project.path(), &["none"]));
    assert!(text.contains("the function's concurrency is 0"), "{text}");
}
