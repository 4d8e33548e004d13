//! `lambkin exec`: commands in the environment of a function, with and without a sandbox.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{As, command, namespaces};
use crate::support::{Project, tool};

const MODES: [&str; 2] = ["process", "namespace"];

/// A project with a function `f`, whose code has a bootstrap and a tool.
fn project() -> Project {
    let project = Project::new("[functions.f]\ncode = 'code'\nenvironment = { OWN = 'mine' }\n");
    project.executable("code/bootstrap", "#!/bin/sh\n");
    project.executable("code/tools/hello", "#!/bin/sh\necho hello \"$@\"\n");
    // What the tests' user may read in any case.
    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o755)).unwrap();
    project
}

fn exec(project: &Project, host: As, arguments: &[&str]) -> Command {
    let mut exec = command(host, project.path());
    exec.arg("exec").args(arguments).current_dir(project.path());
    exec
}

fn run(project: &Project, host: As, arguments: &[&str], input: &str) -> Output {
    let mut child = exec(project, host, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()); // the command may not read it
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    if !error.is_empty() {
        eprintln!("{error}");
    }
    text
}

/// Who can use which mode here.
fn modes() -> Vec<(As, &'static str)> {
    let all = As::all().into_iter();
    let all = all.flat_map(|host| MODES.map(|mode| (host, mode)));
    all.filter(|(host, mode)| *mode == "process" || namespaces(*host).is_ok())
        .collect()
}

#[test]
fn a_command_has_the_functions_environment_and_lambkins_streams_and_exit_code() {
    let project = project();
    let script = "echo $OWN $AWS_LAMBDA_FUNCTION_NAME ${AWS_LAMBDA_RUNTIME_API-unset}; pwd; cat; echo oops >&2; exit 5";
    let code = project.path().canonicalize().unwrap().join("code");
    for (host, mode) in modes() {
        let arguments = ["f", "--sandbox", mode, "--", "sh", "-c", script];
        let output = run(&project, host, &arguments, "typed\n");
        let folder = match mode {
            "process" => code.display().to_string(),
            _ => "/var/task".to_owned(),
        };
        assert_eq!(
            out(&output),
            format!("mine f unset\n{folder}\ntyped\n"),
            "{host:?} {mode}"
        );
        assert!(output.stderr.ends_with(b"oops\n"), "{host:?} {mode}");
        assert_eq!(output.status.code(), Some(5), "{host:?} {mode}");
        let output = run(
            &project,
            host,
            &["f", "--sandbox", mode, "--", "tools/hello", "-x", "a b"],
            "",
        );
        assert_eq!(out(&output), "hello -x a b\n", "{host:?} {mode}");
    }
}

#[test]
fn commands_that_are_missing_refused_or_killed_have_the_exit_codes_of_a_shell() {
    let project = project();
    project.file("code/text", "no program\n");
    for (host, mode) in modes() {
        for (words, code) in [
            (&["no-such-command-here"][..], 127),
            (&["./missing"], 127),
            (&["./text"], 126),
            (&["sh", "-c", "kill -9 $$"], 137),
        ] {
            let arguments = [&["f", "--sandbox", mode, "--"], words].concat();
            let status = run(&project, host, &arguments, "").status;
            // Without a sandbox, the command is lambkin's process.
            let found = status.code().or(Some(137));
            assert_eq!(found, Some(code), "{host:?} {mode} {words:?}");
        }
    }
}

#[test]
fn the_code_is_read_only_in_a_sandbox_unless_something_is_built() {
    for host in As::all() {
        if namespaces(host).is_err() {
            return;
        }
        let project = project();
        let write = "echo new > made && echo $HOME && echo x > /usr/x";
        let arguments = ["f", "--sandbox", "namespace", "--", "sh", "-c", write];
        let output = run(&project, host, &arguments, "");
        assert_ne!(output.status.code(), Some(0));
        assert_eq!(out(&output), "", "{host:?}");
        let made = project.path().join("code/made");
        assert!(!made.exists(), "{host:?}");
        let arguments = [&["f", "--build"], &arguments[1..]].concat();
        let output = run(&project, host, &arguments, "");
        assert_eq!(out(&output), "/tmp\n", "{host:?}");
        assert_ne!(output.status.code(), Some(0), "/usr is written to");
        let owner = |file: &str| fs::metadata(project.path().join(file)).unwrap().uid();
        assert_eq!(owner("code/made"), owner("code"), "{host:?}");
        assert_eq!(fs::read_to_string(&made).unwrap(), "new\n");
    }
}

#[test]
fn what_root_builds_belongs_to_the_owner_of_the_code_and_cannot_reach_the_kernels_settings() {
    if !As::all().contains(&As::Root) || namespaces(As::Root).is_err() {
        return;
    }
    let project = project();
    let script = "echo new > made; cat /proc/sys/kernel/hostname > /proc/sys/kernel/hostname";
    let arguments = [
        "f",
        "--build",
        "--sandbox",
        "namespace",
        "--",
        "sh",
        "-c",
        script,
    ];
    let output = run(&project, As::Root, &arguments, "");
    assert_ne!(output.status.code(), Some(0));
    out(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("Read-only file system"));
    // The code of another user.
    super::give(project.path());
    fs::remove_file(project.path().join("code/made")).unwrap();
    let code = project.path().join("code");
    fs::set_permissions(&code, fs::Permissions::from_mode(0o700)).unwrap();
    let output = run(&project, As::Root, &arguments, "");
    out(&output);
    let made = fs::metadata(code.join("made")).unwrap();
    assert_eq!(made.uid(), super::USER);
}

#[test]
fn a_signal_for_lambkin_reaches_the_command() {
    let project = project();
    let script = "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.05; done";
    for (host, mode) in modes() {
        if host == As::User && As::all().len() > 1 {
            continue; // root's helper between would be signalled
        }
        let mut child = exec(
            &project,
            host,
            &["f", "--sandbox", mode, "--", "sh", "-c", script],
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "caught", "{mode}");
        assert_eq!(child.wait().unwrap().code(), Some(9), "{mode}");
    }
}

#[test]
fn a_handler_in_a_folder_is_enough_and_an_archive_is_not_built_in() {
    let mut python = Command::new("python3");
    python.arg("--version");
    if tool("python3", python).is_err() {
        return;
    }
    let project = Project::new("[functions.zip]\ncode = 'code.zip'\n");
    let mut archive =
        zip::ZipWriter::new(fs::File::create(project.path().join("code.zip")).unwrap());
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    archive.start_file("bootstrap", options).unwrap();
    archive.write_all(b"#!/bin/sh\n").unwrap();
    archive.finish().unwrap();
    let output = run(&project, As::User, &["zip", "--build", "--", "true"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("which --build does not change"));
    fs::remove_file(project.path().join("lambkin.toml")).unwrap();
    project.file("app.py", "def handler(event, context):\n    return 1\n");
    let words = [
        "python3",
        "-c",
        "import app, os; print(app.handler(0, 0), os.environ['_HANDLER'])",
    ];
    let arguments = [&["app.handler", "--"], &words[..]].concat();
    assert_eq!(
        out(&run(&project, As::User, &arguments, "")),
        "1 app.handler\n"
    );
}

/// Runs a shell in a terminal: waits for texts and types others.
const TYPIST: &str = r#"
import os, pty, select, sys, time, fcntl, struct, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
seen = b""
def read(limit):
    global seen
    if not select.select([fd], [], [], limit)[0]:
        return True
    try:
        piece = os.read(fd, 4096)
    except OSError:
        return False
    seen += piece
    return bool(piece)
def expect(text):
    global seen
    end = time.time() + 60
    while text not in seen:
        if time.time() > end or not read(1):
            sys.exit("no %r in %r" % (text, seen))
    seen = seen.split(text, 1)[1]
def type(text):
    os.write(fd, text)
expect(b"ready>")
type(b"stty size; tty; echo size-$((1+1))\n")
expect(b"33 77")
expect(b"/dev/pts/")
expect(b"size-2")
type(b"echo started-$((1+2)); cat\n")
expect(b"started-3")
type(b"line\n")
expect(b"line")
expect(b"line")
type(b"\x03")
expect(b"ready>")
type(b"echo interrupted-$?\n")
expect(b"interrupted-130")
type(b"sleep 100 &\n")
type(b"jobs; kill %1; wait; echo waited-$((2+2))\n")
expect(b"sleep 100 &")
expect(b"waited-4")
type(b"exit 7\n")
while read(60):
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn an_interactive_shell_has_job_control_interrupts_the_size_and_its_exit_code() {
    let mut python = Command::new("python3");
    python.args(["-c", "import pty"]);
    let mut bash = Command::new("bash");
    bash.arg("--version");
    if tool("python3", python).is_err() || tool("bash", bash).is_err() {
        return;
    }
    let project = project();
    let typist = project.file("typist.py", TYPIST);
    project.file(
        "code/prompt",
        "PS1='ready>'; PS2=; bind 'set enable-bracketed-paste off'\n",
    );
    for (host, mode) in modes() {
        let inner = exec(
            &project,
            host,
            &[
                "f",
                "--sandbox",
                mode,
                "--",
                "bash",
                "--rcfile",
                "prompt",
                "-i",
            ],
        );
        let mut outer = Command::new("python3");
        outer
            .arg(&typist)
            .arg(inner.get_program())
            .args(inner.get_args());
        outer.current_dir(project.path()).stdin(Stdio::null());
        for (key, value) in inner.get_envs() {
            outer.env(key, value.unwrap_or_default());
        }
        let output = outer.env("TERM", "dumb").output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(7), "{host:?} {mode}: {text}");
    }
}
