//! Killing processes with all their descendants, although they start new ones meanwhile.
//!
//! A process that has received SIGKILL starts no more children, so its children are listed after the signal was sent.
//! Those that it lost to its death have become children of the sweeping process, if that is a child subreaper, and are
//! found by the next sweep.

use std::collections::HashSet;

use rustix::process::{Pid, Signal, kill_process};

use crate::tree::Tree;

/// The killed processes that have not been reaped yet.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    killed: HashSet<i32>,
    tree: Tree,
}

impl Sweep {
    /// Kills these processes and their descendants, except for those that have been killed before.
    pub(crate) fn kill(&mut self, pids: &[i32]) {
        let killed = &mut self.killed;
        let new: Vec<i32> = pids
            .iter()
            .copied()
            .filter(|pid| !killed.contains(pid))
            .collect();
        self.tree.walk_each(&new, |pid| {
            if killed.insert(pid)
                && let Some(pid) = Pid::from_raw(pid)
            {
                let _ = kill_process(pid, Signal::KILL); // already gone
            }
        });
    }

    /// Whether a process has been killed and not been reaped yet.
    pub(crate) fn has_killed(&self, pid: i32) -> bool {
        self.killed.contains(&pid)
    }

    /// A process has been reaped; its id may be used again.
    pub(crate) fn reaped(&mut self, pid: Pid) {
        self.killed.remove(&pid.as_raw_nonzero().get());
    }
}
