//! Starts that fail because of the sandbox: what it hides from a function is named.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::{As, command, namespaces};
use crate::support::{Project, tool};

/// What lambkin says on standard error.
fn said(project: &Project, host: As, arguments: &[&str]) -> String {
    let output = command(host, project.path())
        .args(arguments)
        .current_dir(project.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_bootstrap_that_only_root_may_read_is_named_with_its_mode() {
    if !As::all().contains(&As::Root) || namespaces(As::Root).is_err() {
        return;
    }
    let project = Project::new("sandbox = 'namespace'\n[functions.f]\ncode = 'code'\n");
    let program = project.executable("code/bootstrap", "#!/bin/sh\nexit 3\n");
    let set_mode = |mode| fs::set_permissions(&program, fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o700);
    let text = said(&project, As::Root, &["check"]);
    let shown = program.canonicalize().unwrap();
    let expected = format!(
        "{0}: cannot be read and executed, because it has the mode 0700 and belongs to user 0, while in sandbox \
         \"namespace\", with root as lambkin's user, functions run as user 993, as on AWS; `chmod o+rx {0}`",
        shown.display()
    );
    assert!(text.contains(&expected), "{text}");
    set_mode(0o755);
    let text = said(&project, As::Root, &["check"]);
    assert!(!text.contains("error:"), "{text}");
    // What the program reads is found out when it has failed.
    fs::write(&program, "#!/bin/sh\n. ./closed.sh\n").unwrap();
    let other = project.file("code/closed.sh", "");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    let text = said(&project, As::Root, &["invoke", "f", "1"]);
    let expected = "lambkin: in its sandbox, the function is user 993, as on AWS, and cannot read closed.sh, which only \
                    their owner may read: `chmod -R a+rX ";
    assert_eq!(text.matches(expected).count(), 1, "{text}");
}

#[test]
fn a_package_above_the_code_is_named() {
    let mut node = Command::new("node");
    node.arg("--version");
    if tool("node", node).is_err() || namespaces(As::User).is_err() {
        return;
    }
    let project = Project::new(
        "sandbox = 'namespace'\n[functions.f]\ncode = 'functions/f'\nhandler = 'index.handler'\n",
    );
    project.file("node_modules/left-pad/index.js", "module.exports = 1\n");
    project.file(
        "functions/f/index.js",
        "require('left-pad'); exports.handler = async () => 1\n",
    );
    let text = said(&project, As::User, &["invoke", "f", "1"]);
    let root = project.path().canonicalize().unwrap();
    let expected = format!(
        "lambkin: {0}/node_modules/left-pad is not in the function's sandbox, which has the code in {0}/functions/f and the \
         layers: copy it there",
        root.display()
    );
    assert_eq!(text.matches(&expected).count(), 1, "{text}");
}
