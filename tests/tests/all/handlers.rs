//! Handlers that are named in other ways than on AWS, or wrongly: what is meant is run, and everything else is explained.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::support::{
    EmulatorProcess, Project, cache_folder, eventually, interpreter, lambkin_alone,
};

const PYTHON: &str = "def handler(event, context):\n    return [event, context.function_name]\n";

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = lambkin_alone();
    command
        .args(arguments)
        .env("HOME", std::env::var_os("HOME").unwrap_or_default())
        .env("LAMBKIN_CACHE_DIR", cache_folder())
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder `task` with these files.
fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("task").tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

#[test]
fn a_file_is_meant_before_a_handler_and_beside_a_configuration_as_well() {
    if interpreter("python3").is_err() {
        return;
    }
    let config = "[functions.other]\ncode = '.'\nhandler = 'app.handler'\n";
    let files = [
        ("app.py", PYTHON),
        ("p/app.py", PYTHON),
        ("lambkin.toml", config),
    ];
    for files in [&files[..], &files[..2]] {
        let folder = folder_with(files);
        for target in ["app.py", "./app.py", "p/app.py", "./p/app.py"] {
            let output = run(folder.path(), &["invoke", target, "7"]);
            assert!(
                out(&output).starts_with("[7,"),
                "{target}: {}",
                err(&output)
            );
            assert!(
                !out(&output).contains("other"),
                "{target}: {}",
                out(&output)
            );
        }
    }
}

#[test]
fn a_handler_can_be_named_in_several_ways_and_the_function_has_one_name() {
    if interpreter("python3").is_err() {
        return;
    }
    let folder = folder_with(&[("app.py", PYTHON)]);
    let name = folder
        .path()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .replace('.', "-");
    for target in [
        "app.handler",
        "app:handler",
        "app.py:handler",
        "app",
        "./app.py",
        ".",
        name.as_str(),
    ] {
        let output = run(folder.path(), &["invoke", target, "[]"]);
        assert_eq!(
            out(&output),
            json!([[], name]).to_string().replace(',', ", "),
            "{target} {}",
            err(&output)
        );
    }
}

#[test]
fn a_wrong_handler_without_a_configuration_is_explained_with_those_that_are_there() {
    let folder = folder_with(&[
        ("app.py", PYTHON),
        ("lib.py", "def helper():\n    return 1\n"),
    ]);
    for (target, hint) in [
        ("apq.handler", "; did you mean `app.handler`?"),
        ("apq:handler", "; did you mean `app.handler`?"),
        ("quite.different", ""),
    ] {
        let output = run(folder.path(), &["invoke", target, "[]"]);
        assert_eq!(output.status.code(), Some(2));
        let text = err(&output);
        let expected = format!(
            "{target:?} is no handler and no path, and there is no lambkin.toml whose function it could be: no file in this \
             folder has the module of handler {target:?}{hint}\nthe handlers here are: app.handler (app.py)"
        );
        assert!(text.contains(&expected), "{text}");
    }
}

#[test]
fn a_target_that_is_nothing_is_explained_with_what_could_have_been_meant() {
    let nothing = "this folder has no lambkin.toml, no file or folder of that name, and no file with a handler\n";
    let project = folder_with(&[
        ("lambkin.toml", ""),
        ("below/empty/readme", ""),
        ("below/near/app.tar", ""),
        ("below/built/bootstrap", ""),
    ]);
    let alone = folder_with(&[]);
    let below = |name: &str| project.path().join("below").join(name);
    for (folder, target, hint) in [
        (
            alone.path().to_owned(),
            "app.handler",
            "run lambkin in the folder of a lambkin.toml, or name one with --config\nwithout one: `lambkin invoke \
             app.handler` in the folder of app.py, or `lambkin invoke PATH` with a folder, ",
        ),
        (
            below("empty"),
            "orders",
            "there is ../../lambkin.toml: run the command in its folder, or add --config ../../lambkin.toml",
        ),
        (below("near"), "apq.tar", "did you mean ./app.tar?"),
        (
            below("built"),
            "orders",
            "to run the bootstrap in this folder: lambkin invoke .",
        ),
    ] {
        let output = run(&folder, &["invoke", target]);
        assert_eq!(output.status.code(), Some(2));
        let text = err(&output);
        let expected = format!("error: {target:?} cannot be run: {nothing}{hint}");
        assert!(text.contains(&expected), "{text}");
    }
    let named = run(
        alone.path(),
        &["invoke", "orders", "--config", "other.toml"],
    );
    assert!(
        err(&named).contains("cannot find function \"orders\": there is no other.toml"),
        "{}",
        err(&named)
    );
    for image in ["registry.example.com/team/orders", "team/orders:2"] {
        let text = err(&run(alone.path(), &["invoke", image]));
        let expected =
            format!("{image} does not exist; if it is a container image of a registry, ");
        assert!(text.contains(&expected), "{text}");
        assert!(
            text.contains(&format!("[functions.NAME]\nimage = {image:?}")),
            "{text}"
        );
    }
    for path in ["./orders", "team/orders", "../a/b:c"] {
        let text = err(&run(alone.path(), &["invoke", path]));
        assert!(
            text.contains(&format!("error: {path} does not exist\n")),
            "{text}"
        );
    }
}

#[test]
fn advice_without_a_configuration_names_options_of_the_command_line() {
    let folder = folder_with(&[
        ("one.py", PYTHON),
        ("two.py", PYTHON),
        ("java/Hello.jar", ""),
    ]);
    for (arguments, advice) in [
        (
            &["invoke", "."][..],
            "\nname one of them: --handler HANDLER",
        ),
        (
            &["invoke", "java"][..],
            "has to be named, a class and its method: --handler example.Hello::handleRequest",
        ),
        (
            &["invoke", "one.handler", "--runtime", "python3.7"][..],
            "LAMBKIN_PYTHON=/path/to/python3 lambkin …",
        ),
    ] {
        let mut command = command(folder.path(), arguments);
        // Neither a version manager's interpreters nor those of PATH are of that version.
        command.env("HOME", folder.path());
        let text = err(&command.output().unwrap());
        assert!(text.contains(advice), "{text}");
        assert!(
            !text.contains("set `handler`") && !text.contains("runtime = "),
            "{text}"
        );
    }
}

#[test]
fn a_failed_start_of_the_only_call_is_not_repeated() {
    if interpreter("python3").is_err() {
        return;
    }
    let folder = folder_with(&[(
        "app.py",
        "import no_such_module\n\ndef handler(event, context):\n    return 1\n",
    )]);
    let output = run(folder.path(), &["invoke", "app.handler"]);
    assert_eq!(output.status.code(), Some(1));
    let text = err(&output);
    for line in [
        "[ERROR] Runtime.ImportModuleError: ",
        "INIT_REPORT ",
        "START ",
        "REPORT ",
    ] {
        let found = text.lines().filter(|found| found.starts_with(line));
        assert_eq!(found.count(), 1, "{line}: {text}");
    }
    assert!(
        out(&output).contains("No module named 'no_such_module'"),
        "{}",
        out(&output)
    );
}

#[test]
fn an_event_that_is_the_name_of_a_file_is_explained() {
    let folder = folder_with(&[("app.py", PYTHON), ("event.json", "{}")]);
    let text = err(&run(
        folder.path(),
        &["invoke", "app.handler", "event.json"],
    ));
    assert!(
        text.contains("the event is not JSON, but the name of a file; to read it: -e event.json"),
        "{text}"
    );
}

#[test]
fn the_only_file_with_a_handler_is_run_and_several_are_listed() {
    if interpreter("python3").is_err() {
        return;
    }
    let folder = folder_with(&[("pkg/foo.py", PYTHON)]);
    let output = run(folder.path(), &["invoke", "./pkg", "1"]);
    assert_eq!(out(&output), r#"[1, "pkg"]"#, "{}", err(&output));
    let package = folder.path().join("pkg");
    let output = run(&package, &["check"]);
    assert!(out(&output).contains("function pkg: "), "{}", err(&output));
    assert!(
        out(&output).contains("handler foo.handler"),
        "{}",
        out(&output)
    );
    fs::write(package.join("bar.py"), PYTHON).unwrap();
    // `serve` says the same as `invoke`.
    let text = err(&run(&package, &["serve"]));
    assert!(
        text.contains(
            "there is no lambkin.toml, and several files in this folder have a handler\n"
        ) && text.contains("the handlers here are: bar.handler (bar.py), foo.handler (foo.py)"),
        "{text}"
    );
    let text = err(&run(folder.path(), &["invoke", "./pkg", "1"]));
    assert!(
        text.contains(
            "have a handler\nthe handlers here are: bar.handler (bar.py), foo.handler (foo.py)"
        ),
        "{text}"
    );
}

#[test]
fn check_names_a_handler_without_a_file_with_the_nearest_one() {
    if interpreter("python3").is_err()
        || interpreter("node").is_err()
        || interpreter("ruby").is_err()
    {
        return;
    }
    let project = Project::new(
        "[functions.p]\ncode = 'code'\nhandler = 'apq.handler'\n\
         [functions.r]\ncode = 'code'\nhandler = 'lib/main.handler'\n\
         [functions.typed]\ncode = 'code'\nhandler = 'apq.handler'\nruntime = 'nodejs18.x'\n\
         [functions.layered]\ncode = 'code'\nhandler = 'of_layer.handler'\nruntime = 'python3.9'\n\
         version-check = 'off'\nlayers = ['layer']\n",
    );
    project.file("code/app.py", PYTHON);
    project.file("layer/python/of_layer.py", PYTHON);
    let output = run(project.path(), &["check"]);
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    let text = err(&output);
    for (function, handler, hint) in [
        ("p", "apq.handler", "; did you mean `app.handler`?"),
        ("r", "lib/main.handler", ""),
        ("typed", "apq.handler", "; did you mean `app.handler`?"),
    ] {
        let start = format!("error: function {function}: no file in ");
        let line = text.lines().find(|line| line.starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("{function}: {text}"));
        assert!(
            line.ends_with(&format!("has the module of handler {handler:?}{hint}")),
            "{line}"
        );
    }
    assert!(!text.contains("error: function layered"), "{text}");
    // A call says the same.
    let output = run(project.path(), &["invoke", "p", "1"]);
    assert!(
        out(&output).contains("did you mean `app.handler`?"),
        "{}",
        out(&output)
    );
}

#[test]
fn rie_runs_a_handler_of_the_current_folder() {
    if interpreter("python3").is_err() {
        return;
    }
    let folder = folder_with(&[("app.py", PYTHON)]);
    let arguments = [
        "rie",
        "--runtime-interface-emulator-address",
        "127.0.0.1:0",
        "app.handler",
    ];
    let server = EmulatorProcess::start(
        command(folder.path(), &arguments),
        "listening on http://127.0.0.1:",
    );
    assert_eq!(server.invoke("7").json(), json!([7, "test_function"]));
    // A program of that name comes first, as with RIE.
    let program = folder.path().join("app.handler");
    fs::write(&program, "#!/bin/sh\nexit 3\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let arguments = [&arguments[..3], &["./app.handler"]].concat();
    let server = EmulatorProcess::start(
        command(folder.path(), &arguments),
        "listening on http://127.0.0.1:",
    );
    assert!(server.invoke("7").text().contains("exit status 3"));
}

#[test]
fn the_place_of_a_syntax_error_in_javascript_is_logged() {
    if interpreter("node").is_err() {
        return;
    }
    let broken = "const a = 1;\nexport const handler = async ( => 1;\n";
    let folder = folder_with(&[
        ("index.mjs", broken),
        (
            "outer.mjs",
            "import './index.mjs';\nexport const handler = 1;\n",
        ),
        (
            "common.js",
            "const a = 1;\nexports.handler = async ( => 1;\n",
        ),
    ]);
    for (handler, file, line) in [
        (
            "index.handler",
            "index.mjs",
            "export const handler = async ( => 1;",
        ),
        (
            "outer.handler",
            "index.mjs",
            "export const handler = async ( => 1;",
        ),
        (
            "common.handler",
            "common.js",
            "exports.handler = async ( => 1;",
        ),
    ] {
        let text = err(&run(folder.path(), &["invoke", handler]));
        let place = folder.path().join(file);
        let expected = format!(
            "lambkin: {}:2: Unexpected token '=>': {line}",
            place.display()
        );
        assert!(text.contains(&expected), "{text}");
    }
}

#[test]
fn a_function_that_is_missing_in_its_module_is_explained_at_the_start() {
    if interpreter("python3").is_err() || interpreter("node").is_err() {
        return;
    }
    let folder = folder_with(&[
        (
            "app.py",
            "import json\ndef handle(event, context):\n    return 1\n",
        ),
        (
            "index.mjs",
            "export const handle = async () => 1;\nexport const value = 2;\n",
        ),
    ]);
    let text = err(&run(folder.path(), &["invoke", "app.handler"]));
    assert!(
        text.contains("lambkin: app defines handle; did you mean the handler app.handle?"),
        "{text}"
    );
    let text = err(&run(folder.path(), &["invoke", "index.handler"]));
    assert!(
        text.contains("lambkin: index exports handle; did you mean the handler index.handle?"),
        "{text}"
    );
}

#[test]
fn version_2_of_the_sdk_is_named_as_no_longer_bundled() {
    if interpreter("node").is_err() {
        return;
    }
    let folder = folder_with(&[("app.js", "require('aws-sdk'); exports.handler = 1;\n")]);
    let text = err(&run(folder.path(), &["invoke", "app.handler"]));
    assert!(
        text.contains("lambkin: aws-sdk is version 2 of the SDK, which AWS Lambda has not shipped since nodejs18.x"),
        "{text}"
    );
    assert!(text.contains("@aws-sdk/client-s3"), "{text}");
}

#[test]
fn typescript_without_a_node_that_strips_types_names_the_way_out() {
    let project = Project::new(
        "[functions.f]\ncode = 'code'\nhandler = 'index.handler'\nruntime = 'nodejs20.x'\ninterpreter = 'node'\n",
    );
    project.file(
        "code/index.ts",
        "export const handler = async (event: object) => event;\n",
    );
    let node = project.executable("bin/node", "#!/bin/sh\necho v20.20.2\n");
    let mut check = command(project.path(), &["check"]);
    check.env("PATH", node.parent().unwrap());
    let text = err(&check.output().unwrap());
    assert!(
        text.contains("index.ts is TypeScript, which Node 20.20.2 at "),
        "{text}"
    );
    assert!(
        text.contains("npx esbuild index.ts --bundle --platform=node --outfile=index.js"),
        "{text}"
    );
    assert!(text.contains("or use Node 22.6 or newer"), "{text}");
}

#[test]
fn a_handler_that_appears_later_is_found_without_a_restart_by_hand() {
    if interpreter("python3").is_err() {
        return;
    }
    let project =
        Project::new("[functions.f]\ncode = 'code'\nhandler = 'app.handler'\nwatch = true\n");
    project.file("code/other.py", PYTHON);
    let server = project.serve();
    let error = server.invoke("f", "1").text();
    assert!(error.contains("no file in "), "{error}");
    project.file("code/app.py", PYTHON);
    // It starts anew, on another port.
    server.log_with("app.py runs as runtime python3.");
}

#[test]
fn without_a_configuration_the_file_of_the_handler_may_be_renamed() {
    if interpreter("python3").is_err() {
        return;
    }
    let project = Project::new("");
    fs::remove_file(project.path().join("lambkin.toml")).unwrap();
    let file = project.file("app.py", PYTHON);
    let mut server = project.serve();
    server.log_with("app.py is function ");
    fs::rename(file, project.path().join("renamed.py")).unwrap();
    server.ready_again();
    server.log_with("renamed.py is function ");
    // A configuration takes the place of what was found without one.
    project.file(
        "lambkin.toml",
        "[functions.configured]\ncode = '.'\n[invoke]\nlisten = '127.0.0.1:0'\n",
    );
    server.ready_again();
    assert_eq!(server.invoke("configured", "[]").status, 200);
}

#[test]
fn a_function_that_writes_into_its_own_code_is_told_once_how_to_ignore_the_file() {
    if interpreter("python3").is_err() {
        return;
    }
    let project =
        Project::new("[functions.f]\ncode = 'code'\nhandler = 'app.handler'\nwatch = true\n");
    project.file(
        "code/app.py",
        "def handler(event, context):\n    open('data.db', 'a').write('x')\n    return 1\n",
    );
    let server = project.serve();
    let hint = "if the function itself writes the file, each call restarts it, unless the file is ignored: watch = { \
                ignore = [\"/data.db\"] }";
    for restarts in 1..=3 {
        assert_eq!(server.invoke("f", "1").json(), 1);
        eventually("a restart", || {
            server.log().matches("f restarts: ").count() >= restarts
        });
    }
    assert_eq!(server.log().matches(hint).count(), 1, "{}", server.log());
    assert!(
        server
            .log()
            .contains("data.db has changed, again during a call; "),
        "{}",
        server.log()
    );
}
