//! Functions from container images: which program is started and how, what it sees, and what an image cannot do.
//!
//! Images are made here, as archives of `docker save` and as OCI layouts. Most tests run with a host that is root and with
//! one that is an ordinary user, if the tests run as root.

mod contained;
mod debugging;
mod entry_points;
mod exec;
mod refused;
mod reload;
mod view;

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::sandbox::{As, command, namespaces};
use crate::support::{Image, Missing, Project, Server};

/// Runs the script in the image that the event names, and responds with its output.
const RUNS_SCRIPTS: &str = r#"
cd /tmp
while next; do
  set -- ${event:1:-1}
  output=$(. "/scripts/$1" 2>&1 | tr '\t' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g' | awk '{ printf "%s\\n", $0 }')
  respond "\"$output\""
done
"#;

const RUNTIME_API: &str = include_str!("../../fixtures/bootstrap/runtime-api.sh");

/// A project whose function `echo` is an image, `app.tar`.
fn project(image: &Image, settings: &str) -> Project {
    let project = Project::new(&format!(
        "[functions.echo]\nimage = \"app.tar\"\ntimeout = 30\n{settings}"
    ));
    image.save(&project.path().join("app.tar"));
    project
}

/// An image that runs these scripts.
#[track_caller]
fn scripts(scripts: &[(&str, &str)]) -> Result<Image, Missing> {
    let program = format!("{RUNTIME_API}{RUNS_SCRIPTS}");
    let mut image = Image::bash()?
        .executable("var/task/bootstrap", program)
        .entry_point(&["/var/task/bootstrap"])
        .env(&["PATH=/usr/bin:/bin"]);
    for (name, script) in scripts {
        image = image.file(&format!("scripts/{name}"), script);
    }
    Ok(image)
}

/// Serves a project as this user.
#[track_caller]
fn serve(project: &Project, host: As) -> Result<Server, Missing> {
    namespaces(host)?;
    Ok(project.serve_by(command(host, project.path()), &[]))
}

/// Serves an image as this user.
#[track_caller]
fn served(image: &Image, host: As, settings: &str) -> Result<(Project, Server), Missing> {
    let project = project(image, settings);
    let server = serve(&project, host)?;
    Ok((project, server))
}

/// The output of a script, with the words that follow its name.
#[track_caller]
fn run(server: &Server, script: &str) -> String {
    serde_json::from_str(&answer(server, &format!("\"{script}\""))).unwrap()
}

/// What the function `echo` says of itself.
#[track_caller]
fn tell(server: &Server, fact: &str) -> Value {
    serde_json::from_str(&answer(server, &format!(r#"{{"tell": "{fact}"}}"#))).unwrap()
}

/// The result of the function `echo`, which is no error.
#[track_caller]
fn answer(server: &Server, event: &str) -> String {
    let reply = server.invoke("echo", event);
    let text = reply.text();
    assert_eq!(
        reply.header("x-amz-function-error"),
        None,
        "{text}\n{}",
        server.log()
    );
    text
}

/// Runs lambkin in a project's folder.
fn lambkin(project: &Project, host: As, arguments: &[&str]) -> Output {
    command(host, project.path())
        .args(arguments)
        .current_dir(project.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Checks for a program.
#[track_caller]
fn program(name: &str) -> Result<(), Missing> {
    let mut probe = Command::new(name);
    probe.arg("--version");
    crate::support::tool(name, probe)
}
