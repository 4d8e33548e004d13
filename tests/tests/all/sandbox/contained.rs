//! Hostile functions: what they do stays in their sandbox, and ends with it.

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use super::{As, Inside, runs};
use crate::support::{eventually, tool};

/// A number of seconds that no other test sleeps for.
fn marker(host: As, test: &str) -> String {
    format!("77{}{}{test}", std::process::id(), host as u8)
}

#[test]
fn the_host_and_the_first_process_cannot_be_killed() {
    for host in As::all() {
        let kill = r#"
. "$LAMBDA_TASK_ROOT/pid"
kill -KILL $HOST_PID 2>/dev/null && echo "killed the host"
kill -KILL 1 2>/dev/null; kill -STOP 1 2>/dev/null
kill -0 1 2>/dev/null && echo "may signal the first process"
echo done
"#;
        let Ok(inside) = Inside::new(
            host,
            "",
            &[("kill", kill), ("everything", "kill -KILL -1; sleep 100")],
        ) else {
            return;
        };
        let pid = format!("HOST_PID={}\n", inside.server.pid());
        inside.project.file("code/pid", pid);
        assert_eq!(inside.run("kill"), "done\n", "{host:?}");
        let reply = inside.server.invoke("echo", "\"everything\"");
        assert!(reply.text().contains("signal: killed"), "{}", reply.text());
        assert_eq!(
            inside.run("kill"),
            "done\n",
            "the next call has a new sandbox"
        );
    }
}

#[test]
fn a_fork_bomb_gets_an_error_and_ends_with_its_host() {
    let mut probe = Command::new("/usr/bin/python3");
    probe.arg("--version");
    if tool("/usr/bin/python3", probe).is_err() {
        return;
    }
    for host in As::all() {
        let marker = marker(host, "1");
        let bomb = format!(
            r#"
/usr/bin/python3 -c '
import os
children = []
try:
    while len(children) < 3000:
        child = os.fork()
        if child == 0:
            os.setsid()
            os.execv("/bin/sleep", ["sleep", "{marker}"])
        children.append(child)
except OSError as error:
    print(error.strerror)
print(900 < len(children) < 1024)
for child in children[:100]:
    os.kill(child, 9)
    os.waitpid(child, 0)
' > /tmp/said 2>&1 < /dev/null
cat /tmp/said
"#
        );
        let settings = "enforce-memory = false\n[functions.other]\ncode = \"code\"\n\
                        sandbox = \"namespace\"\ntimeout = 30\n";
        let scripts = [("bomb", bomb.as_str()), ("count", "echo counted")];
        let Ok(inside) = Inside::new(host, settings, &scripts) else {
            return;
        };
        let exploding = inside.server.invoke_meanwhile("echo", "\"bomb\"");
        eventually("many processes", || runs(&marker));
        let other = inside.server.invoke("other", "\"count\"").text();
        assert_eq!(other, "\"counted\\n\"");
        let reply = exploding.join().unwrap().text();
        assert_eq!(
            reply, "\"Resource temporarily unavailable\\nTrue\\n\"",
            "{host:?}"
        );
        assert!(!inside.server.log().contains("was killed"));
        inside.server.signal(Signal::KILL);
        eventually("the processes to be gone", || !runs(&marker));
    }
}

#[test]
fn an_invocation_that_times_out_leaves_nothing_behind() {
    for host in As::all() {
        let marker = marker(host, "2");
        let script = format!(
            "setsid sleep {marker} &\n(setsid sh -c 'trap \"\" TERM HUP; sleep {marker} & sleep {marker}' &)\nsleep {marker}"
        );
        let scripts = [("hang", script.as_str()), ("ok", "echo ok")];
        let Ok(inside) = Inside::new(host, "timeout = 3\n", &scripts) else {
            return;
        };
        let hanging = inside.server.invoke_meanwhile("echo", "\"hang\"");
        eventually("the processes to run", || {
            runs(&marker) || hanging.is_finished()
        });
        let reply = hanging.join().unwrap().text();
        assert!(reply.contains("timed out after 3.00 seconds"), "{reply}");
        eventually("the processes to be gone", || !runs(&marker));
        assert_eq!(inside.run("ok"), "ok\n");
    }
}

#[test]
fn memory_is_limited_and_counts_without_the_hosts_own_processes() {
    for host in As::all() {
        let grow = "x=$(head -c 300m /dev/zero | tr '\\0' x); echo ${#x}";
        let Ok(inside) = Inside::new(host, "", &[("grow", grow), ("ok", "echo ok")]) else {
            return;
        };
        assert_eq!(inside.run("ok"), "ok\n");
        let log = inside.server.log_with("REPORT");
        let used = log.split("Max Memory Used: ").nth(1).unwrap();
        let used: u64 = used.split(' ').next().unwrap().parse().unwrap();
        // A shell and curl, as opposed to the first process of the sandbox, which is lambkin.
        assert!((1..=16).contains(&used), "{used} MB");
        let reply = inside.server.invoke("echo", "\"grow\"").text();
        assert!(reply.contains("signal: killed"), "{reply}");
        inside.server.log_with("more than its memory of 128 MB");
    }
}

#[test]
fn processes_are_frozen_between_invocations_even_in_sessions_of_their_own() {
    for host in As::all() {
        let script = "setsid bash -c 'while :; do echo x >> /tmp/count; sleep 0.01; done' > /dev/null 2>&1 & \
                      until [ -s count ]; do sleep 0.01; done; echo started";
        let Ok(inside) = Inside::new(host, "", &[("start", script), ("ok", "echo ok")]) else {
            return;
        };
        assert_eq!(inside.run("start"), "started\n");
        let stopped = || {
            let mut found = 0;
            let mut all_stopped = true;
            for process in fs::read_dir("/proc").unwrap().flatten() {
                let read = |name| fs::read_to_string(process.path().join(name)).unwrap_or_default();
                if read("cmdline").contains("/tmp/count") {
                    found += 1;
                    let stat = read("stat");
                    all_stopped &= stat
                        .rsplit_once(") ")
                        .is_some_and(|(_, rest)| rest.starts_with('T'));
                }
            }
            found > 0 && all_stopped
        };
        eventually("all of them to be stopped", stopped);
        assert_eq!(inside.run("ok"), "ok\n");
        eventually("all of them to be stopped again", stopped);
    }
}
