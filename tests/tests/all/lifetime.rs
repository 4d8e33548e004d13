//! No process outlives the host, however the host ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Missing, Project, Server, eventually, lambkin};

/// A function that leaves child processes behind: one in its process group, one in its own session, and one whose
/// parent has exited.
fn littering() -> Result<(Project, Server, Vec<String>), Missing> {
    let project = Project::bash(
        "timeout = 1\nconcurrency = 1\n",
        r#"
sleep 1000 & echo $! >> pids
setsid sleep 1001 & echo $! >> pids
(setsid sh -c 'sleep 1002 & echo $! >> pids') &
echo $$ >> pids
while next; do
  [ "$event" = '"hang"' ] && sleep 1003
  [ "$event" = '"exit"' ] && exit 4
  respond 1
done
"#,
    )?;
    let server = project.serve();
    assert_eq!(server.invoke("echo", "1").text(), "1");
    let file = project.path().join("code/pids");
    let read = || {
        fs::read_to_string(&file)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    eventually("four processes", || read().len() == 4);
    let pids = read();
    assert!(pids.iter().all(|pid| alive(pid)), "{pids:?}");
    Ok((project, server, pids))
}

fn alive(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

#[track_caller]
fn wait_until_gone(pids: &[String]) {
    eventually("the processes to be gone", || {
        !pids.iter().any(|pid| alive(pid))
    });
}

#[test]
fn a_graceful_stop_leaves_nothing_behind() {
    for signal in [Signal::INT, Signal::TERM] {
        let Ok((_project, mut server, pids)) = littering() else {
            return;
        };
        server.signal(signal);
        assert!(server.wait().success());
        assert!(
            !pids.iter().any(|pid| alive(pid)),
            "all are gone before the host is"
        );
    }
}

#[test]
fn a_killed_host_leaves_nothing_behind() {
    let Ok((_project, mut server, pids)) = littering() else {
        return;
    };
    server.signal(Signal::KILL);
    server.wait();
    wait_until_gone(&pids);
}

#[test]
fn a_timeout_and_a_crash_kill_all_descendants() {
    for event in [r#""hang""#, r#""exit""#] {
        let Ok((_project, server, pids)) = littering() else {
            return;
        };
        assert_eq!(
            server.invoke("echo", event).header("x-amz-function-error"),
            Some("Unhandled")
        );
        wait_until_gone(&pids);
        assert_eq!(server.invoke("echo", "1").text(), "1");
    }
}

#[test]
fn a_graceful_stop_lets_running_calls_finish() {
    let project = Project::echo("");
    let mut server = project.serve();
    server.invoke("echo", "1");
    let pid = server.pid();
    let call = server.invoke_meanwhile("echo", r#"{"print":"begun","sleep_ms":700}"#);
    server.log_with("begun");
    server.signal(Signal::TERM);
    assert_eq!(call.join().unwrap().status, 200);
    assert!(server.wait().success(), "{pid}");
    server.log_with("END RequestId");
}

#[test]
fn an_unread_log_delays_neither_calls_nor_shutdown() {
    let project = Project::echo("");
    let mut child = lambkin()
        .args(["serve", "--json"])
        .current_dir(project.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let event = serde_json::json!({ "print": "x".repeat(300_000), "n": 1 }).to_string();
    for _ in 0..5 {
        let path = "/2015-03-31/functions/echo/invocations";
        let reply = crate::support::request(
            ready["invoke"].as_str().unwrap(),
            "POST",
            path,
            &[],
            event.as_bytes(),
        );
        assert_eq!(reply.status, 200);
    }
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let began = Instant::now();
    assert!(child.wait().unwrap().success());
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}
