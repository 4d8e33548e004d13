//! The process between the host and a bootstrap, spoken to as the host does: an order, then commands of a byte each.

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

/// A guard with a shell script as its bootstrap.
struct Guard {
    process: Child,
    host: UnixStream,
    said: BufReader<UnixStream>,
    folder: TempDir,
}

impl Guard {
    fn start(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (host, theirs) = UnixStream::pair().unwrap();
        let process = lambkin()
            .arg("__supervise")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .unwrap();
        let order = json!({
            "program": "/bin/bash",
            "arguments": ["-c", script],
            "variables": { "PATH": std::env::var("PATH").unwrap() },
            "directory": folder.path(),
        })
        .to_string();
        let length = u32::try_from(order.len()).unwrap().to_be_bytes();
        let mut guard = Self {
            process,
            said: BufReader::new(host.try_clone().unwrap()),
            host,
            folder,
        };
        guard.host.write_all(&length).unwrap();
        guard.host.write_all(order.as_bytes()).unwrap();
        assert!(guard.line().starts_with("started "));
        guard
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }

    fn say(&mut self, command: u8) {
        self.host.write_all(&[command]).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _already_closed = self.host.shutdown(Shutdown::Both);
        let _already_waited_for = self.process.wait();
    }
}

/// Three processes that count: the bootstrap, a child of its group, and one in a session of its own whose parent is gone.
const COUNTING: &str = r#"
count() { echo $BASHPID >> pids; while :; do echo x >> $1; read -t 0.005 -u 9; done; }
export -f count
mkfifo never; exec 9<>never
count child &
(setsid bash -c 'count session' &)
count bootstrap
"#;

fn counting() -> (Guard, Vec<String>) {
    let guard = Guard::start(COUNTING);
    grows(&guard);
    let pids: Vec<String> = guard.text("pids").lines().map(str::to_owned).collect();
    assert_eq!(pids.len(), 3);
    (guard, pids)
}

fn counted(guard: &Guard) -> Vec<usize> {
    ["bootstrap", "child", "session"]
        .map(|name| guard.text(name).len())
        .to_vec()
}

#[track_caller]
fn grows(guard: &Guard) {
    let before = counted(guard);
    eventually("all three to count on", || {
        counted(guard)
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
fn stand_still(guard: &Guard, pids: &[String]) {
    eventually("all three to be stopped", || {
        pids.iter().all(|pid| state(pid) == Some('T'))
    });
    let before = counted(guard);
    thread::sleep(Duration::from_millis(50)); // the time in which something that moves would be seen
    assert_eq!(counted(guard), before);
}

#[test]
fn what_is_frozen_stands_still_until_it_is_thawed_wherever_it_went() {
    let (mut guard, pids) = counting();
    for _ in 0..3 {
        guard.say(FREEZE);
        stand_still(&guard, &pids);
        guard.say(THAW);
        grows(&guard);
    }
    // Only the last word counts, however quickly they follow each other.
    for _ in 0..200 {
        guard.say(FREEZE);
        guard.say(THAW);
    }
    grows(&guard);
    guard.say(FREEZE);
    stand_still(&guard, &pids);
}

#[test]
fn children_that_come_thick_and_fast_are_caught() {
    let script =
        "while :; do (echo x >> bootstrap; echo x >> child; echo x >> session) & wait; done";
    let mut guard = Guard::start(script);
    for _ in 0..20 {
        grows(&guard);
        guard.say(FREEZE);
        // The shell itself is known to the guard alone; what it does is known to everybody.
        let quiet = || {
            let before = counted(&guard);
            thread::sleep(Duration::from_millis(20)); // the time in which a child would be seen
            counted(&guard) == before
        };
        eventually("no more children", quiet);
        assert!(quiet());
        guard.say(THAW);
    }
}

#[test]
fn what_is_frozen_can_be_killed() {
    let (mut guard, pids) = counting();
    guard.say(FREEZE);
    stand_still(&guard, &pids);
    guard.host.shutdown(Shutdown::Write).unwrap();
    assert_eq!(guard.line(), "", "the guard goes without a word");
    guard.process.wait().unwrap();
    assert!(pids.iter().all(|pid| state(pid).is_none()), "{pids:?}");
}

#[test]
fn a_bootstrap_asked_to_terminate_may_clean_up_even_if_it_was_frozen() {
    for frozen in [false, true] {
        let mut guard = Guard::start(
            "trap 'echo cleaned > cleaned; exit 7' TERM\necho ready > ready\nwhile :; do sleep 60; done",
        );
        eventually("the trap to be set", || guard.text("ready") == "ready\n");
        if frozen {
            guard.say(FREEZE);
        }
        guard.say(TERMINATE);
        assert_eq!(guard.line(), "exited 7\n");
        assert_eq!(guard.text("cleaned"), "cleaned\n");
    }
}

#[test]
fn a_function_may_open_as_many_files_as_on_lambda() {
    let mut guard = Guard::start("ulimit -n > files");
    assert_eq!(guard.line(), "exited 0\n");
    let files: u64 = guard.text("files").trim().parse().unwrap();
    assert!(files <= 1024, "{files}");
}
