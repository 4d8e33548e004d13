//! Sandbox mode `namespace`: what a function sees of the machine, and what it can do to it.
//!
//! Each test runs with a host that is root and with one that is an ordinary user, if the tests run as root. Functions are
//! scripts in bash, which they find by name in their code.

mod contained;
mod exec;
mod leaks;
mod lifetime;
mod modes;
mod runtimes;
mod starts;
mod strangers;
mod view;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::{Missing, Project, Server, curl, lambkin, tool};

/// The ordinary user. No account needs to exist.
const USER: u32 = 1500;

/// Runs the file in the code that the event names, and responds with its output.
const RUNS_FILES: &str = r#"
cd /tmp
while next; do
  name=${event:1:-1}
  output=$(. "$LAMBDA_TASK_ROOT/$name" 2>&1 | tr '\t' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g' | awk '{ printf "%s\\n", $0 }')
  respond "\"$output\""
done
"#;

/// Who runs the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    Root,
    User,
}

impl As {
    /// Both, as far as the tests can run as them.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        let mut probe = Command::new("sh");
        probe.args(["-c", "test \"$(id -u)\" = 0 && setpriv --version"]);
        if tool("root, and setpriv to become another user", probe).is_ok() {
            all.push(Self::Root);
        }
        all.push(Self::User);
        all
    }
}

/// A project with a function `echo` in a sandbox, which runs the scripts in its code.
struct Inside {
    server: Server,
    project: Project,
}

impl Inside {
    #[track_caller]
    fn new(host: As, settings: &str, scripts: &[(&str, &str)]) -> Result<Self, Missing> {
        let project = project(settings, scripts)?;
        let server = serve(&project, host, &[])?;
        Ok(Self { server, project })
    }

    /// The output of a script.
    #[track_caller]
    fn run(&self, script: &str) -> String {
        let reply = self.server.invoke("echo", format!("\"{script}\""));
        assert_eq!(
            reply.header("x-amz-function-error"),
            None,
            "{}\n{}",
            reply.text(),
            self.server.log()
        );
        serde_json::from_str(&reply.text()).unwrap()
    }
}

/// A project with a function `echo` that runs the scripts in its code. Nothing is started.
#[track_caller]
fn project(settings: &str, scripts: &[(&str, &str)]) -> Result<Project, Missing> {
    curl()?;
    let timeout = match settings.starts_with("timeout") {
        true => "",
        false => "timeout = 30\n",
    };
    let settings = format!("sandbox = \"namespace\"\n{timeout}{settings}");
    let project = Project::bash(&settings, RUNS_FILES)?;
    for (name, script) in scripts {
        project.file(&format!("code/{name}"), script);
    }
    Ok(project)
}

/// Serves a project as this user.
#[track_caller]
fn serve(project: &Project, host: As, arguments: &[&str]) -> Result<Server, Missing> {
    namespaces(host)?;
    Ok(project.serve_by(command(host, project.path()), arguments))
}

/// A command that runs lambkin as this user, which owns the folder then.
pub fn command(host: As, folder: &Path) -> Command {
    let is_root = rustix::process::geteuid().is_root();
    let mut command = match host {
        As::User if is_root => {
            give(folder);
            let mut command = Command::new("setpriv");
            let user = USER.to_string();
            command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
            command.arg(copy_for_everyone());
            command
        }
        _ => Command::new(lambkin().get_program()),
    };
    command.env("HOME", folder);
    command.env("LAMBKIN_CACHE_DIR", folder.join(".cache"));
    command
}

/// Makes the ordinary user the owner of a folder and all that is in it.
fn give(path: &Path) {
    let metadata = path.symlink_metadata().unwrap();
    std::os::unix::fs::lchown(path, Some(USER), Some(USER)).unwrap();
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap().flatten() {
            give(&entry.path());
        }
    }
}

/// The program in a folder that every user can open.
fn copy_for_everyone() -> PathBuf {
    static COPY: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = COPY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(lambkin().get_program(), folder.path().join("lambkin")).unwrap();
        chown(folder.path(), None, None).unwrap();
        folder
    });
    folder.path().join("lambkin")
}

/// Whether a process of the machine has this text in its command line.
pub fn runs(marker: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.into_iter().any(|process| {
        fs::read(process.path().join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(marker))
    })
}

/// Checks whether sandboxes work here. If `CI` is set, they have to.
#[track_caller]
pub fn namespaces(host: As) -> Result<(), Missing> {
    let folder = tempfile::tempdir().unwrap();
    let config = "[functions.f]\ncode = \".\"\ncommand = [\"/bin/sh\"]\nsandbox = \"namespace\"\n\
                  [invoke]\nlisten = \"127.0.0.1:0\"\n";
    fs::write(folder.path().join("lambkin.toml"), config).unwrap();
    let mut probe = command(host, folder.path());
    probe
        .arg("check")
        .current_dir(folder.path())
        .stdin(Stdio::null());
    tool("a system with user namespaces", probe)
}
