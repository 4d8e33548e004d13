//! Functions that are a handler: the runtime's interpreter is found on the machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    Project, Server, cache_folder, eventually, interpreter, lambkin, lambkin_alone,
};

/// A handler in each language that returns its event and what it knows about its runtime.
const PYTHON: &str = "import os\ndef handler(event, context):\n    return {'event': event, 'name': \
                      context.function_name, 'runtime': os.environ.get('AWS_EXECUTION_ENV')}\n";
const NODE: &str = "export const handler = async (event, context) => ({ event, name: context.functionName, runtime: \
                    process.env.AWS_EXECUTION_ENV });\n";
const RUBY: &str = "def handler(event:, context:)\n  { event: event, name: context.function_name, runtime: \
                    ENV['AWS_EXECUTION_ENV'] }\nend\n";

/// Runs a command of lambkin in a folder, with these variables.
fn run_in(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    lambkin_alone()
        .args(arguments)
        // Interpreters of version managers are there.
        .env("HOME", std::env::var_os("HOME").unwrap_or_default())
        .env("LAMBKIN_CACHE_DIR", cache_folder())
        .envs(variables.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn result(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", out(output), err(output)))
}

/// A folder with one file.
fn folder_with(name: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    folder
}

/// The one-liners of a handler in a folder with nothing else.
#[track_caller]
fn check_one_liners(file: &str, text: &str, runtime: &str) {
    let folder = folder_with(file, text);
    let stem = file.split_once('.').unwrap().0;
    let handler = format!("{stem}.handler");
    for (target, arguments) in [
        (handler.clone(), vec![]),
        (format!("./{file}"), vec![]),
        (".".to_owned(), vec!["--handler", handler.as_str()]),
    ] {
        let mut all = vec!["invoke", &target, r#"{"some":"event"}"#];
        all.extend(arguments);
        let output = run_in(folder.path(), &all, &[]);
        let result = result(&output);
        assert_eq!(result["event"], json!({"some": "event"}), "{target}");
        let found = result["runtime"].as_str().unwrap();
        assert!(
            found.starts_with(&format!("AWS_Lambda_{runtime}")),
            "{found}"
        );
        assert!(err(&output).contains(&format!("{file} runs as runtime {runtime}")));
        assert_eq!(err(&output).matches("REPORT RequestId").count(), 1);
    }
    let output = run_in(
        folder.path(),
        &["docker-lambda", &handler, r#"{"a":1}"#],
        &[],
    );
    let text = out(&output);
    let last: Value = serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {text} {}", err(&output)));
    assert_eq!(last["event"], json!({"a": 1}));
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
    let names: Vec<_> = names.iter().map(|entry| entry.file_name()).collect();
    let of_interpreters =
        |name: &&std::ffi::OsString| *name != "__pycache__" && *name != ".lambkin";
    assert_eq!(names.iter().filter(of_interpreters).count(), 1, "{names:?}");
}

#[test]
fn a_python_handler_is_invoked_with_one_line() {
    if interpreter("python3").is_ok() {
        check_one_liners("app.py", PYTHON, "python3.");
    }
}

#[test]
fn a_node_handler_is_invoked_with_one_line() {
    if interpreter("node").is_ok() {
        check_one_liners("index.mjs", NODE, "nodejs");
    }
}

#[test]
fn a_ruby_handler_is_invoked_with_one_line() {
    if interpreter("ruby").is_ok() {
        check_one_liners("app.rb", RUBY, "ruby");
    }
}

/// Serves the function `f` of `code`, with these settings.
fn serve(settings: &str, file: &str, text: &str) -> (Project, Server) {
    let config = format!("[functions.f]\ncode = \"code\"\n{settings}\n");
    let project = Project::new(&config);
    project.file(&format!("code/{file}"), text);
    let server = project.serve();
    (project, server)
}

#[test]
fn serve_in_a_folder_with_nothing_but_a_handler_serves_it() {
    if interpreter("python3").is_err() {
        return;
    }
    let project = Project::new("");
    fs::remove_file(project.path().join("lambkin.toml")).unwrap();
    project.file("app.py", PYTHON);
    let output = run_in(project.path(), &["check"], &[]);
    assert!(
        out(&output).contains("handler app.handler"),
        "{}{}",
        out(&output),
        err(&output)
    );
    assert!(err(&output).contains("there is no lambkin.toml: app.py is function "));
}

#[test]
fn a_saved_handler_is_the_next_calls_code() {
    if interpreter("python3").is_err() {
        return;
    }
    let handler = |text: &str| format!("def handler(event, context):\n    return '{text}'\n");
    let (project, server) = serve(
        "handler = 'app.handler'\nwatch = true",
        "app.py",
        &handler("one"),
    );
    assert_eq!(server.invoke("f", "{}").json(), "one");
    // As editors save: a temporary file that is renamed.
    project.file("code/sedAbC123", handler("two"));
    fs::rename(
        project.path().join("code/sedAbC123"),
        project.path().join("code/app.py"),
    )
    .unwrap();
    let saved = Instant::now();
    server.log_with("function f restarts: ");
    let took = saved.elapsed();
    assert!(
        server.log().contains("app.py has changed"),
        "{}",
        server.log()
    );
    eventually("the new answer", || {
        server.invoke("f", "{}").json() == "two"
    });
    // What the interpreter writes itself is no change.
    assert_eq!(server.log().matches("function f restarts").count(), 1);
    // 25 ms, and what a busy machine adds.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_handler_that_cannot_be_imported_says_so_in_its_one_report() {
    if interpreter("python3").is_err() {
        return;
    }
    let folder = folder_with("app.py", "import boto3_of_nobody\n");
    let output = run_in(folder.path(), &["invoke", "app.handler"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let result = result(&output);
    assert_eq!(result["errorType"], "Runtime.ImportModuleError");
    assert_eq!(
        result["errorMessage"],
        "Unable to import module 'app': No module named 'boto3_of_nobody'"
    );
    assert_eq!(
        err(&output).matches("REPORT RequestId").count(),
        1,
        "{}",
        err(&output)
    );
    assert_eq!(err(&output).matches("START RequestId").count(), 1);
}

#[test]
fn a_bundled_sdk_that_is_missing_is_named_with_the_command_that_installs_it() {
    if interpreter("node").is_err() {
        return;
    }
    let folder = folder_with(
        "index.mjs",
        "import '@aws-sdk/client-nothing'\nexport const handler = 1\n",
    );
    let output = run_in(folder.path(), &["invoke", "index.handler"], &[]);
    let text = err(&output);
    assert!(
        text.contains("npm install @aws-sdk/client-nothing"),
        "{text}"
    );
}

/// A fake interpreter: a script that prints this version.
fn fake(path: &Path, version: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\necho \"{version}\"\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What `lambkin check` says about a function with these settings, on a machine whose home folder and `PATH` are below
/// the project's folder.
fn checked(project: &Project) -> String {
    let home = project.path().join("home");
    fs::create_dir_all(&home).unwrap();
    let bin = project.path().join("bin");
    let output = lambkin()
        .arg("check")
        .env_clear()
        .env("HOME", &home)
        .env(
            "PATH",
            format!("{}:{}", home.join(".pyenv/shims").display(), bin.display()),
        )
        .current_dir(project.path())
        .output()
        .unwrap();
    format!("{}{}", out(&output), err(&output))
        .replace(&format!("{}/", project.path().display()), "")
}

fn of_runtime(runtime: &str) -> Project {
    let project = Project::new(&format!(
        "[functions.f]\ncode = 'code'\nhandler = 'app.handler'\nruntime = '{runtime}'\n"
    ));
    project.file("code/app.py", PYTHON);
    project.file("code/app.js", "exports.handler = 1\n");
    project
}

#[test]
fn interpreters_are_found_where_version_managers_keep_them_and_shims_are_never_run() {
    let project = of_runtime("python3.13");
    let home = project.path().join("home");
    // It would be found first in PATH.
    fake(
        &home.join(".pyenv/shims/python3.13"),
        "Python 3.13.0\n$(touch shim-was-run)",
    );
    fake(&project.path().join("bin/python3"), "Python 3.11.2");
    let text = checked(&project);
    assert!(
        text.contains(
            "runtime python3.13 needs Python 3.13; found Python 3.11.2 at bin/python3 (PATH)"
        ),
        "{text}"
    );
    assert!(
        text.contains("install it: uv python install 3.13 | "),
        "{text}"
    );
    fake(
        &home.join(".pyenv/versions/3.12.9/bin/python"),
        "no version",
    );
    fake(
        &home.join(".pyenv/versions/3.13.1/bin/python"),
        "no version",
    );
    let text = checked(&project);
    assert!(
        text.contains("function f: home/.pyenv/versions/3.13.1/bin/python, handler"),
        "{text}"
    );
    fake(
        &home.join(".local/share/uv/python/cpython-3.13.4-linux/bin/python3"),
        "no version",
    );
    assert!(checked(&project).contains("uv/python/cpython-3.13.4-linux/bin/python3, handler"));
    project.file(".python-version", "3.13.1\n");
    assert!(checked(&project).contains(".pyenv/versions/3.13.1/bin/python, handler"));
    assert!(!project.path().join("shim-was-run").exists());
}

#[test]
fn the_projects_environment_is_preferred_to_the_default_of_a_version_manager() {
    let project = Project::new("[functions.f]\ncode = 'code'\nhandler = 'app.handler'\n");
    project.file("code/app.py", PYTHON);
    let pyenv = project.path().join("home/.pyenv");
    fake(&pyenv.join("versions/3.11.7/bin/python"), "Python 3.11.7");
    fs::write(pyenv.join("version"), "3.11.7\n").unwrap();
    let text = checked(&project);
    assert!(
        text.contains("versions/3.11.7/bin/python, handler"),
        "{text}"
    );
    fake(&project.path().join(".venv/bin/python"), "no version");
    project.file(".venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.12.1\n");
    let text = checked(&project);
    assert!(
        text.contains("function f: .venv/bin/python, handler"),
        "{text}"
    );
    // A file of the project is a wish that the environment has to meet.
    project.file(".python-version", "3.11.7\n");
    let text = checked(&project);
    assert!(
        text.contains("needs Python 3.11; found Python 3.12.1 at .venv"),
        "{text}"
    );
}

#[test]
fn the_projects_environment_is_taken_and_a_wrong_version_of_it_is_not_passed_over() {
    let project = of_runtime("python3.13");
    fake(&project.path().join("bin/python3.13"), "Python 3.13.0");
    fake(&project.path().join(".venv/bin/python"), "no version");
    project.file(".venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.13.2\n");
    let text = checked(&project);
    assert!(
        text.contains("function f: .venv/bin/python, handler"),
        "{text}"
    );
    project.file(
        ".venv/pyvenv.cfg",
        "home = /usr/bin\nversion_info = 3.12.2\n",
    );
    let text = checked(&project);
    assert!(
        text.contains(
            "runtime python3.13 needs Python 3.13; found Python 3.12.2 at .venv/bin/python (.venv)"
        ),
        "{text}"
    );
    assert!(
        text.contains("make it anew: uv venv --python 3.13 .venv"),
        "{text}"
    );
    assert!(text.contains("version-check = \"off\""), "{text}");
}

#[test]
fn node_may_be_newer_with_a_note_and_not_older() {
    let project = of_runtime("nodejs22.x");
    fake(&project.path().join("bin/node"), "v20.20.2");
    let text = checked(&project);
    assert!(
        text.contains("needs Node 22; found Node 20.20.2 at bin/node (PATH)"),
        "{text}"
    );
    fake(
        &project
            .path()
            .join("home/.nvm/versions/node/v24.1.0/bin/node"),
        "no version",
    );
    let text = checked(&project);
    assert!(
        text.contains("runtime nodejs22.x runs with Node 24.1.0"),
        "{text}"
    );
    fake(
        &project
            .path()
            .join("home/.nvm/versions/node/v22.9.0/bin/node"),
        "no version",
    );
    let text = checked(&project);
    assert!(
        text.contains("versions/node/v22.9.0/bin/node, handler"),
        "{text}"
    );
    assert!(!text.contains("runs with"), "{text}");
}

#[test]
fn unknown_runtimes_are_refused_with_the_nearest_name_and_deprecated_ones_are_noted() {
    let project = of_runtime("python3.31");
    let text = checked(&project);
    assert!(
        text.contains(
            "\"python3.31\" is not the id of a runtime of AWS Lambda; did you mean `python3.1"
        ),
        "{text}"
    );
    let project = of_runtime("python3.9");
    fake(&project.path().join("bin/python3.9"), "Python 3.9.18");
    let text = checked(&project);
    assert!(
        text.contains("AWS has not supported runtime python3.9 since 2025-12-15"),
        "{text}"
    );
}

#[test]
fn calls_of_a_function_without_an_interpreter_say_what_is_missing_and_others_run() {
    if interpreter("node").is_err() {
        return;
    }
    let project = Project::new(
        "[functions.f]\ncode = 'code'\nhandler = 'app.handler'\nruntime = 'python3.13'\ninterpreter = 'no-such'\n\
         [functions.n]\ncode = 'code'\nhandler = 'index.handler'\n",
    );
    project.file("code/app.py", PYTHON);
    project.file("code/index.mjs", NODE);
    let server = project.serve();
    let error = server.invoke("f", "{}").json();
    assert_eq!(error["errorType"], "Runtime.InvalidEntrypoint");
    let message = error["errorMessage"].as_str().unwrap();
    assert!(
        message.contains("interpreter = \"no-such\": there is no such program"),
        "{message}"
    );
    assert_eq!(server.invoke("n", "{}").json()["name"], "n");
}

#[test]
fn command_overrides_the_runtime() {
    let project = Project::new(
        "[functions.f]\ncode = 'code'\nhandler = 'app.handler'\nruntime = 'python3.13'\ncommand = ['/bin/sh']\n",
    );
    project.file("code/app.py", PYTHON);
    let text = checked(&project);
    assert!(text.contains("function f: /bin/sh, handler"), "{text}");
}

#[test]
fn layers_and_the_sdk_folder_are_searched_by_node_and_python() {
    if interpreter("node").is_err() || interpreter("python3").is_err() {
        return;
    }
    let project = Project::new(
        "[functions.p]\ncode = 'code'\nhandler = 'app.handler'\nlayers = ['layer']\nsdk = 'sdk'\n\
         [functions.n]\ncode = 'code'\nhandler = 'index.handler'\nlayers = ['layer']\nsdk = 'sdk'\n",
    );
    project.file(
        "code/app.py",
        "import in_layer, in_sdk\ndef handler(e, c): return [in_layer.x, in_sdk.x]\n",
    );
    project.file("layer/python/in_layer.py", "x = 'layer'\n");
    project.file("sdk/in_sdk.py", "x = 'sdk'\n");
    project.file(
        "code/index.mjs",
        "import l from 'in-layer'; import s from 'in-sdk'; export const handler = async () => [l, s];\n",
    );
    for (folder, value) in [
        ("layer/nodejs/node_modules/in-layer", "layer"),
        ("sdk/node_modules/in-sdk", "sdk"),
    ] {
        project.file(
            &format!("{folder}/index.js"),
            format!("module.exports = '{value}'\n"),
        );
    }
    let server = project.serve();
    assert_eq!(server.invoke("p", "{}").json(), json!(["layer", "sdk"]));
    assert_eq!(server.invoke("n", "{}").json(), json!(["layer", "sdk"]));
}

#[test]
fn docker_lambda_takes_the_runtimes_of_its_images() {
    let folder = folder_with("app.py", PYTHON);
    let arguments = [
        "docker-lambda",
        "--runtime",
        "lambci/lambda:pyton3.8",
        "app.handler",
    ];
    let output = run_in(folder.path(), &arguments, &[]);
    let text = err(&output);
    assert!(text.contains("did you mean `python3.8`?"), "{text}");
}

#[test]
fn code_of_another_language_than_the_runtimes_is_said_once() {
    for (file, arguments, expected) in [
        (
            "index.mjs",
            ["index.handler", "--runtime", "python3.12"],
            "index.mjs is JavaScript, but the runtime is python3.12",
        ),
        (
            "app.py",
            ["./app.py", "--runtime", "nodejs22.x"],
            "app.py is Python, but the runtime is nodejs22.x",
        ),
    ] {
        let text = if file == "app.py" { PYTHON } else { NODE };
        let folder = folder_with(file, text);
        let output = run_in(
            folder.path(),
            &[&["invoke"], arguments.as_slice()].concat(),
            &[],
        );
        let said = err(&output);
        assert_eq!(said.matches(expected).count(), 1, "{said}");
        assert!(
            !said.contains("did you mean") && !said.contains("install"),
            "{said}"
        );
        assert!(!output.status.success());
    }
    let folder = folder_with("index.mjs", NODE);
    let arguments = ["docker-lambda", "--runtime", "python3.12", "index.handler"];
    let said = err(&run_in(folder.path(), &arguments, &[]));
    assert_eq!(
        said.matches("index.mjs is JavaScript, but the runtime is python3.12")
            .count(),
        1,
        "{said}"
    );
}
