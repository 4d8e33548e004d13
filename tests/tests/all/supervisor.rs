//! The supervisor, the process between the host and a bootstrap. The tests send it what the host sends: a launch, then
//! commands of one byte each.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::support::{eventually, lambkin};

const FREEZE: u8 = b'f';
const THAW: u8 = b't';
const TERMINATE: u8 = b'q';

/// A supervisor whose bootstrap is a shell script.
struct Supervisor {
    process: Child,
    host: UnixStream,
    lines: BufReader<UnixStream>,
    folder: TempDir,
}

impl Supervisor {
    fn start(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (host, theirs) = UnixStream::pair().unwrap();
        let process = lambkin()
            .arg("__supervise")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .unwrap();
        let launch = json!({
            "program": "/bin/bash",
            "arguments": ["-c", script],
            "variables": { "PATH": std::env::var("PATH").unwrap() },
            "directory": folder.path(),
        })
        .to_string();
        let length = u32::try_from(launch.len()).unwrap().to_be_bytes();
        let mut supervisor = Self {
            process,
            lines: BufReader::new(host.try_clone().unwrap()),
            host,
            folder,
        };
        supervisor.host.write_all(&length).unwrap();
        supervisor.host.write_all(launch.as_bytes()).unwrap();
        assert!(supervisor.line().starts_with("started "));
        supervisor
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    fn send(&mut self, command: u8) {
        self.host.write_all(&[command]).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = self.host.shutdown(Shutdown::Both); // already closed
        let _ = self.process.wait(); // already waited for
    }
}

/// Three processes that count: the bootstrap, a child in its group, and an orphan in a session of its own.
const COUNTING: &str = r#"
count() { echo $BASHPID >> pids; while :; do echo x >> $1; read -t 0.005 -u 9; done; }
export -f count
mkfifo never; exec 9<>never
count child &
(setsid bash -c 'count session' &)
count bootstrap
"#;

fn counting() -> (Supervisor, Vec<String>) {
    let supervisor = Supervisor::start(COUNTING);
    assert_counting(&supervisor);
    let pids: Vec<String> = supervisor.text("pids").lines().map(str::to_owned).collect();
    assert_eq!(pids.len(), 3);
    (supervisor, pids)
}

fn counts(supervisor: &Supervisor) -> Vec<usize> {
    ["bootstrap", "child", "session"]
        .map(|name| supervisor.text(name).len())
        .to_vec()
}

#[track_caller]
fn assert_counting(supervisor: &Supervisor) {
    let before = counts(supervisor);
    eventually("all three to continue counting", || {
        counts(supervisor)
            .iter()
            .zip(&before)
            .all(|(now, before)| now > before)
    });
}

fn state(pid: &str) -> Option<char> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[track_caller]
fn assert_stopped(supervisor: &Supervisor, pids: &[String]) {
    eventually("all three to be stopped", || {
        pids.iter().all(|pid| state(pid) == Some('T'))
    });
    assert!(is_quiet(supervisor));
}

/// Whether nothing is written for some time, within which a process that is not stopped would count.
fn is_quiet(supervisor: &Supervisor) -> bool {
    let before = counts(supervisor);
    thread::sleep(Duration::from_millis(50));
    counts(supervisor) == before
}

#[test]
fn frozen_processes_are_stopped_until_they_are_thawed_even_outside_the_process_group() {
    let (mut supervisor, pids) = counting();
    for _ in 0..3 {
        supervisor.send(FREEZE);
        assert_stopped(&supervisor, &pids);
        supervisor.send(THAW);
        assert_counting(&supervisor);
    }
    // Only the last command counts, however quickly they follow each other.
    for _ in 0..200 {
        supervisor.send(FREEZE);
        supervisor.send(THAW);
    }
    assert_counting(&supervisor);
    supervisor.send(FREEZE);
    // On a busy machine the supervisor has not read all of them yet, and stops the processes only for moments.
    eventually("the commands to be carried out", || is_quiet(&supervisor));
    assert_stopped(&supervisor, &pids);
}

#[test]
fn children_started_in_quick_succession_are_frozen() {
    let script =
        "while :; do (echo x >> bootstrap; echo x >> child; echo x >> session) & wait; done";
    let mut supervisor = Supervisor::start(script);
    for _ in 0..20 {
        assert_counting(&supervisor);
        supervisor.send(FREEZE);
        // The test does not know the shell's process id, but sees what its children write.
        eventually("no more children", || is_quiet(&supervisor));
        assert!(is_quiet(&supervisor));
        supervisor.send(THAW);
    }
}

#[test]
fn frozen_processes_can_be_killed() {
    let (mut supervisor, pids) = counting();
    supervisor.send(FREEZE);
    assert_stopped(&supervisor, &pids);
    supervisor.host.shutdown(Shutdown::Write).unwrap();
    assert_eq!(
        supervisor.line(),
        "",
        "the supervisor exits without a report"
    );
    supervisor.process.wait().unwrap();
    assert!(pids.iter().all(|pid| state(pid).is_none()), "{pids:?}");
}

#[test]
fn a_bootstrap_can_clean_up_when_it_is_terminated_even_if_it_was_frozen() {
    for frozen in [false, true] {
        let mut supervisor = Supervisor::start(
            "trap 'echo cleaned > cleaned; exit 7' TERM\necho ready > ready\nwhile :; do sleep 60; done",
        );
        eventually("the trap to be set", || {
            supervisor.text("ready") == "ready\n"
        });
        if frozen {
            supervisor.send(FREEZE);
        }
        supervisor.send(TERMINATE);
        assert_eq!(supervisor.line(), "exited 7\n");
        assert_eq!(supervisor.text("cleaned"), "cleaned\n");
    }
}

#[test]
fn a_function_can_open_as_many_files_as_on_lambda() {
    let mut supervisor = Supervisor::start("ulimit -n > files");
    assert_eq!(supervisor.line(), "exited 0\n");
    let files: u64 = supervisor.text("files").trim().parse().unwrap();
    assert!(files <= 1024, "{files}");
}
