//! Stopping everything a bootstrap started, and letting it go on.
//!
//! SIGSTOP is sent to the whole subtree, not to the process group, because children leave the group with `setsid`. A
//! process that is just starting a child may start it before it stops, so the subtree is walked again until nothing new
//! is found and all of it stands still. Elsewhere than on Linux there is no such walk; the process group has to do.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::tree::{self, Tree};

/// What has been stopped.
#[derive(Debug, Default)]
pub(super) struct Freezer {
    frozen: Vec<i32>,
    tree: Tree,
    path: String,
    text: String,
}

impl Freezer {
    /// Stops all descendants of this process; tells whether they stand still already. If not, call it again.
    pub(super) fn freeze(&mut self, bootstrap: Pid) -> bool {
        if !cfg!(target_os = "linux") {
            signal_group(bootstrap, Signal::STOP);
            self.frozen = vec![bootstrap.as_raw_nonzero().get()];
            return true;
        }
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let mut new = false;
        for &pid in self.tree.walk(&[own]).iter().skip(1) {
            if !self.frozen.contains(&pid) {
                signal(pid, Signal::STOP);
                self.frozen.push(pid);
                new = true;
            }
        }
        // Those just told stop within microseconds, but what they did until then shows in the next walk only.
        !new && self.all_stand_still()
    }

    /// Lets everything go on that was stopped. Costs nothing if that is nothing.
    pub(super) fn thaw(&mut self, bootstrap: Pid) {
        if !cfg!(target_os = "linux") && !self.frozen.is_empty() {
            signal_group(bootstrap, Signal::CONT);
        }
        // What stands still starts no children: the list is complete. The bootstrap is its first entry and goes first.
        for pid in self.frozen.drain(..) {
            signal(pid, Signal::CONT);
        }
    }

    fn all_stand_still(&mut self) -> bool {
        self.frozen.iter().all(|pid| {
            let path = tree::place(&mut self.path, format_args!("/proc/{pid}/stat"));
            // A process that is gone will not move either.
            tree::read(path, &mut self.text).is_none_or(stands_still)
        })
    }
}

/// Whether a line of `/proc/PID/stat` is that of a process that is stopped or dead.
fn stands_still(stat: &str) -> bool {
    // The name before the state is in parentheses and may contain any of them.
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_some_and(|state| state.starts_with(['T', 't', 'Z', 'X']))
}

/// Failure means that it is gone.
fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _already_gone = kill_process(pid, signal);
    }
}

/// Failure means that all of it is gone.
pub(super) fn signal_group(leader: Pid, signal: Signal) {
    let _already_gone = kill_process_group(leader, signal);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_the_name_whatever_that_is() {
        assert!(stands_still("7 (sh) T 1 7 7 0"));
        assert!(stands_still("7 (a) S (b) T 1 7"));
        assert!(!stands_still("7 (a) T ) S 1 7"));
        assert!(!stands_still(""));
    }
}
