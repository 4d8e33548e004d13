//! The priority of processes.
//!
//! Linux gives each session a share of the processor by default (*autogroups*), in which the nice values of its
//! processes count against each other only. The nice value of a session is written to the `autogroup` file of any of
//! its processes. Users other than root can do that ten times a second at most; what is refused is tried again later.

use std::collections::HashSet;
use std::fs;

use rustix::process::{Pid, getpriority_process, getsid, setpriority_process};

/// Raises the nice value of the calling thread, which on Linux has one of its own, by `by`.
#[cfg(target_os = "linux")]
pub(crate) fn lower_own(by: i32) {
    if let Ok(nice) = getpriority_process(None) {
        let _ = setpriority_process(None, nice + by); // lowering a priority is always allowed
    }
}

/// Which threads and sessions have a lower priority already.
#[derive(Debug, Default)]
pub(crate) struct Lowered {
    tasks: HashSet<i32>,
    /// Sessions, by their id and nice value.
    sessions: HashSet<(Pid, i32)>,
}

impl Lowered {
    /// Gives these threads the nice value `nice`, unless they have a higher one.
    pub(crate) fn lower_tasks(&mut self, tasks: &[i32], nice: i32) {
        self.tasks.retain(|task| tasks.contains(task));
        for &task in tasks {
            if self.tasks.insert(task)
                && let Some(task) = Pid::from_raw(task)
                && getpriority_process(Some(task)).is_ok_and(|current| current < nice)
            {
                let _ = setpriority_process(Some(task), nice); // it has just ended, or belongs to another user
            }
        }
    }

    /// Gives the sessions of these processes the nice value `nice`, except for the session of this process.
    pub(crate) fn lower_sessions(&mut self, pids: &[i32], nice: i32) {
        let own = getsid(None).ok();
        let mut seen = HashSet::new();
        for &pid in pids {
            let Ok(session) = getsid(Pid::from_raw(pid)) else {
                continue; // it has just ended
            };
            if Some(session) == own || !seen.insert((session, nice)) {
                continue;
            }
            if !self.sessions.contains(&(session, nice)) {
                let file = format!("/proc/{pid}/autogroup");
                if fs::write(file, nice.to_string()).is_ok() {
                    self.sessions.insert((session, nice));
                }
            }
        }
        self.sessions.retain(|session| seen.contains(session));
    }
}
