//! Nothing of a sandbox outlives the host, however the host or one of its processes ends.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::{As, Inside};
use crate::support::eventually;

/// Starts processes that would outlive their parents, and returns their ids outside of the sandbox.
fn start(inside: &Inside, marker: &str) -> Vec<i32> {
    assert_eq!(inside.run("start"), "started\n");
    let found = || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let ids = processes.filter_map(|process| {
            let line = fs::read(process.path().join("cmdline")).ok()?;
            let is_meant = String::from_utf8_lossy(&line).starts_with(&format!("sleep\0{marker}"));
            is_meant.then(|| process.file_name().to_str()?.parse().ok())?
        });
        ids.collect::<Vec<i32>>()
    };
    eventually("three processes", || found().len() == 3);
    found()
}

fn scripts(marker: &str) -> String {
    format!(
        "(sleep {marker} & setsid sleep {marker} & (setsid sh -c 'sleep {marker} &' &)) > /dev/null 2>&1\n\
         until [ $(cat /proc/[0-9]*/comm 2>/dev/null | grep -cx sleep) = 3 ]; do :; done; echo started\n"
    )
}

fn marker(host: As, test: &str) -> String {
    format!("99{}{}{test}", std::process::id(), host as u8)
}

fn wait_until_gone(pids: &[i32]) {
    eventually("the processes to be gone", || {
        !pids
            .iter()
            .any(|pid| fs::exists(format!("/proc/{pid}")).unwrap())
    });
}

fn parent(pid: i32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1;
    fields.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The children of a process that run lambkin.
fn own_children(pid: i32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    ids.filter(|child: &i32| {
        fs::read(format!("/proc/{child}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains("__supervise"))
            && parent(*child) == pid
    })
    .collect()
}

#[test]
fn a_host_that_ends_or_is_killed_leaves_nothing_behind() {
    for host in As::all() {
        for signal in [Signal::TERM, Signal::KILL] {
            let marker = marker(host, "1");
            let script = scripts(&marker);
            let Ok(mut inside) = Inside::new(host, "", &[("start", &script)]) else {
                return;
            };
            let mut pids = start(&inside, &marker);
            let launchers = own_children(i32::try_from(inside.server.pid()).unwrap());
            assert_eq!(launchers.len(), 1);
            let inits = own_children(launchers[0]);
            assert_eq!(inits.len(), 1);
            pids.extend([launchers[0], inits[0]]);
            inside.server.signal(signal);
            inside.server.wait();
            wait_until_gone(&pids);
        }
    }
}

#[test]
fn the_end_of_one_of_the_hosts_own_processes_ends_the_sandbox_and_the_next_call_gets_another() {
    for host in As::all() {
        for kills_launcher in [true, false] {
            let marker = marker(host, "2");
            let script = scripts(&marker);
            let Ok(inside) = Inside::new(host, "", &[("start", &script), ("ok", "echo ok")]) else {
                return;
            };
            let pids = start(&inside, &marker);
            let launcher = own_children(i32::try_from(inside.server.pid()).unwrap())[0];
            let init = own_children(launcher)[0];
            let killed = if kills_launcher { launcher } else { init };
            kill_process(Pid::from_raw(killed).unwrap(), Signal::KILL).unwrap();
            wait_until_gone(&pids);
            wait_until_gone(&[launcher, init]);
            // Until the host has noticed, a call could still be given to what has ended.
            inside
                .server
                .log_with("supervisor of the function's processes was killed");
            assert_eq!(inside.run("ok"), "ok\n");
        }
    }
}
