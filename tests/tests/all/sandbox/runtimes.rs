//! Managed runtimes in a sandbox: the interpreter is visible wherever it is installed, and nothing around it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{As, command, give, namespaces};
use crate::support::{Project, installed, interpreter, tool};

const PYTHON: &str = "import os, sys\ndef handler(event, context):\n    return {'event': event, 'code': __file__, \
                      'uid': os.getuid(), 'prefix': sys.prefix, 'client': os.path.abspath(sys.argv[0]), \
                      'layer': __import__('of_layer').NAME, 'path': os.environ['PATH']}\n";

const NODE: &str = "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\n\
                    export const handler = async (event) => ({ event, code: import.meta.url, uid: process.getuid(), \
                    layer: require('of-layer') });\n";

/// The result of a function with this runtime, whose layers have a module for it.
fn result(
    host: As,
    settings: &str,
    files: &[(&str, &str)],
    prepare: impl Fn(&Path),
) -> Option<Value> {
    namespaces(host).ok()?;
    let project = Project::new(&format!(
        "[functions.f]\ncode = \"code\"\nhandler = \"app.handler\"\nsandbox = \"namespace\"\ntimeout = 30\n\
         memory = 512\nlayers = [\"first\", \"second\"]\n{settings}\n"
    ));
    for (name, text) in files {
        project.file(name, text);
    }
    prepare(project.path());
    if host == As::User && rustix::process::geteuid().is_root() {
        give(project.path());
    }
    let mut command = command(host, project.path());
    // In a sandbox, the project's own is not taken.
    let esbuild = project.path().join("esbuild");
    if esbuild.exists() {
        command.env("LAMBKIN_ESBUILD", esbuild);
    }
    let server = project.serve_by(command, &[]);
    let reply = server.invoke("f", r#"{"a":1}"#);
    let value: Value = serde_json::from_str(&reply.text()).unwrap();
    assert_eq!(value["event"], json!({"a": 1}), "{value} {}", server.log());
    assert_eq!(value["uid"], 993);
    Some(value)
}

#[test]
fn a_python_handler_runs_with_its_layers_and_with_the_client_in_var_runtime() {
    if interpreter("/usr/bin/python3").is_err() {
        return;
    }
    for host in As::all() {
        let files = [
            ("code/app.py", PYTHON),
            ("first/python/of_layer.py", "NAME = 'first'\n"),
            ("second/python/of_layer.py", "NAME = 'second'\n"),
        ];
        let settings =
            "runtime = \"python3.13\"\ninterpreter = \"/usr/bin/python3\"\nversion-check = \"off\"";
        let Some(value) = result(host, settings, &files, |_| {}) else {
            return;
        };
        assert_eq!(value["code"], "/var/task/app.py");
        assert_eq!(value["client"], "/var/runtime/python/bootstrap.py");
        assert_eq!(value["layer"], "second");
        assert_eq!(value["path"], "/usr/local/bin:/usr/bin:/bin:/opt/bin");
    }
}

#[test]
fn a_virtual_environment_of_the_project_is_visible() {
    let mut probe = Command::new("/usr/bin/python3");
    probe.args(["-c", "import venv"]);
    if tool("python3 with venv", probe).is_err() {
        return;
    }
    for host in As::all() {
        let files = [
            ("code/app.py", PYTHON),
            ("first/python/of_layer.py", "NAME = 'first'\n"),
            ("second/readme", ""),
            ("unrelated", "not for functions"),
        ];
        let settings = "runtime = \"python3.13\"\nversion-check = \"off\"";
        let Some(value) = result(host, settings, &files, |project| {
            let made = Command::new("/usr/bin/python3")
                .args(["-m", "venv", "--without-pip", ".venv"])
                .current_dir(project)
                .status()
                .unwrap();
            assert!(made.success());
        }) else {
            return;
        };
        let prefix = value["prefix"].as_str().unwrap();
        assert!(prefix.ends_with("/.venv"), "{value}");
        let bin = format!("{prefix}/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin");
        assert_eq!(value["path"], bin);
    }
}

#[test]
fn an_interpreter_of_a_version_manager_is_visible() {
    if interpreter("/usr/bin/node").is_err() {
        return;
    }
    for host in As::all() {
        let files = [
            ("code/app.mjs", NODE),
            (
                "first/nodejs/node_modules/of-layer/index.js",
                "module.exports = 'first';\n",
            ),
            (
                "second/nodejs/node_modules/of-layer/index.js",
                "module.exports = 'second';\n",
            ),
        ];
        let settings = "runtime = \"nodejs22.x\"\nversion-check = \"off\"\ninterpreter = \"versions/22/bin/node\"";
        let Some(value) = result(host, settings, &files, |project| {
            fs::create_dir_all(project.join("versions/22/bin")).unwrap();
            fs::copy("/usr/bin/node", project.join("versions/22/bin/node")).unwrap();
        }) else {
            return;
        };
        assert_eq!(value["code"], "file:///var/task/app.mjs");
        assert_eq!(value["layer"], "second");
    }
}

#[test]
fn an_interpreter_of_the_project_is_not_run_outside_of_the_sandbox() {
    if namespaces(As::User).is_err() {
        return;
    }
    let project = Project::new(
        "[functions.f]\ncode = \"code\"\nhandler = \"app.handler\"\nruntime = \"nodejs22.x\"\n",
    );
    project.file("code/app.mjs", NODE);
    project.file(
        "code/node_modules/node/package.json",
        "{\"version\":\"22.9.0\"}",
    );
    let trace = project.path().join("ran");
    let script = format!("#!/bin/sh\ntouch '{}'\necho v22.9.0\n", trace.display());
    project.executable("code/node_modules/node/bin/node", script);
    let check = |mode| {
        let mut check = command(As::User, project.path());
        check.args(["check", "--sandbox", mode]);
        let output = check.current_dir(project.path()).output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(out.contains("node_modules/node/bin/node"), "{mode} {out}");
        trace.exists()
    };
    assert!(!check("namespace"));
    assert!(!check("auto"));
    assert!(check("process"));
}

#[test]
fn a_bundle_is_the_task_root_and_its_stack_traces_name_the_source() {
    let Ok(esbuild) =
        installed("examples/plugins/javascript/webhook/node_modules/esbuild/bin/esbuild")
    else {
        return;
    };
    if interpreter("node").is_err() {
        return;
    }
    let text = "import * as outside from 'outside';\nenum Kind { Code = 'code' }\n\
                export const handler = async (event: object) => ({ event, uid: process.getuid!(), \
                [Kind.Code]: __filename, outside: outside.NAME, files: require('node:fs').readdirSync('.'), \
                stack: new Error('here').stack });\n";
    for host in As::all() {
        let files = [
            ("code/app.ts", text),
            ("code/unused.txt", ""),
            (
                "node_modules/outside/index.js",
                "exports.NAME = 'outside';\n",
            ),
            ("first/x", ""),
            ("second/x", ""),
        ];
        let settings = "version-check = 'off'\nbundle = { external = ['outside'] }";
        let value = result(host, settings, &files, |project| {
            // A copy: the user may not read the folder of the tests.
            fs::copy(&esbuild, project.join("esbuild")).unwrap();
        });
        let Some(value) = value else {
            continue;
        };
        assert_eq!(value["code"], "/var/task/app.js");
        assert_eq!(value["outside"], "outside");
        assert_eq!(value["files"], json!(["app.js", "app.js.map"]));
        let stack = value["stack"].as_str().unwrap();
        assert!(stack.contains("/code/app.ts:3:"), "{stack}");
    }
}
