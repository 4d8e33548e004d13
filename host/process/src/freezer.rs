//! Stopping a program and all its descendants, and letting them continue.
//!
//! SIGSTOP goes to every process of the subtree and not to the process group, because children leave the group with
//! `setsid`. A process that is starting a child may start it before it stops, so the subtree is walked again until no
//! new process is found and all of them have stopped. Systems other than Linux offer no such walk; there the signal
//! goes to the process group.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::tree::{Tree, format_path, read_file};

/// The stopped processes.
#[derive(Debug, Default)]
pub(crate) struct Freezer {
    frozen: Vec<i32>,
    tree: Tree,
    path: String,
    text: String,
}

impl Freezer {
    /// Stops all descendants of this process. Returns whether all of them have stopped; if not, call it again.
    pub(crate) fn freeze(&mut self, program: Pid) -> bool {
        if !cfg!(target_os = "linux") {
            signal_group(program, Signal::STOP);
            self.frozen = vec![program.as_raw_nonzero().get()];
            return true;
        }
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let mut found_new = false;
        for &pid in self.tree.walk(&[own]).iter().skip(1) {
            if !self.frozen.contains(&pid) {
                signal(pid, Signal::STOP);
                self.frozen.push(pid);
                found_new = true;
            }
        }
        // Processes that were just signalled stop within microseconds, but only the next walk finds the children that
        // they started until then.
        !found_new && self.all_stopped()
    }

    /// Lets all stopped processes continue. Costs nothing if there are none.
    pub(crate) fn thaw(&mut self, program: Pid) {
        if !cfg!(target_os = "linux") && !self.frozen.is_empty() {
            signal_group(program, Signal::CONT);
        }
        // Stopped processes start no children, so the list is complete. The program is its first entry and goes first.
        for pid in self.frozen.drain(..) {
            signal(pid, Signal::CONT);
        }
    }

    fn all_stopped(&mut self) -> bool {
        self.frozen.iter().all(|pid| {
            let path = format_path(&mut self.path, format_args!("/proc/{pid}/stat"));
            // A process that has ended counts as stopped.
            read_file(path, &mut self.text).is_none_or(is_stopped)
        })
    }
}

/// Whether a line of `/proc/PID/stat` describes a process that is stopped or dead.
fn is_stopped(stat: &str) -> bool {
    // The process's name precedes the state. It is in parentheses and may contain parentheses itself.
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_some_and(|state| state.starts_with(['T', 't', 'Z', 'X']))
}

fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal); // already gone
    }
}

/// Sends a signal to a process group, which may have ended already.
pub(crate) fn signal_group(leader: Pid, signal: Signal) {
    let _ = kill_process_group(leader, signal); // already gone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_found_after_any_process_name() {
        assert!(is_stopped("7 (sh) T 1 7 7 0"));
        assert!(is_stopped("7 (a) S (b) T 1 7"));
        assert!(!is_stopped("7 (a) T ) S 1 7"));
        assert!(!is_stopped(""));
    }
}
