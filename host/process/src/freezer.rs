//! Stopping a program and all its descendants, and letting them continue.
//!
//! SIGSTOP goes to every process of the subtree and not to the process group, because children leave the group with
//! `setsid`. A process that is starting a child may start it before it stops, so the subtree is walked again until no
//! new process is found and all of them have stopped. Systems other than Linux offer no such walk; there the signal
//! goes to the process group.
//!
//! In a sandbox, one call signals every process of the namespace: the kernel leaves out only the one that calls, and none
//! that is being started.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::tree::{Tree, format_path, read_file, state};

/// Which processes a supervisor is responsible for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Its descendants, of which the program's process group is a part.
    Descendants,
    /// All of its PID namespace, whose first process it is.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "there are no namespaces")
    )]
    Namespace,
}

/// The stopped processes.
#[derive(Debug)]
pub(crate) struct Freezer {
    scope: Scope,
    frozen: Vec<i32>,
    tree: Tree,
    path: String,
    text: String,
}

impl Freezer {
    pub(crate) fn new(scope: Scope) -> Self {
        Self {
            scope,
            frozen: Vec::new(),
            tree: Tree::default(),
            path: String::new(),
            text: String::new(),
        }
    }

    /// Stops all processes of the scope. Returns whether all of them have stopped; if not, call it again.
    pub(crate) fn freeze(&mut self, program: Pid) -> bool {
        if self.scope == Scope::Namespace {
            signal_namespace(Signal::STOP);
            self.frozen = vec![program.as_raw_nonzero().get()];
            return true;
        }
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

    /// Whether processes have been stopped and not been told to continue since.
    pub(crate) fn has_frozen(&self) -> bool {
        !self.frozen.is_empty()
    }

    /// Lets all stopped processes continue. Costs nothing if there are none.
    pub(crate) fn thaw(&mut self, program: Pid) {
        if self.scope == Scope::Namespace {
            if !std::mem::take(&mut self.frozen).is_empty() {
                signal_namespace(Signal::CONT);
            }
            return;
        }
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
            read_file(path, &mut self.text)
                .is_none_or(|stat| matches!(state(stat), Some('T' | 't' | 'Z' | 'X')))
        })
    }
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

/// Sends a signal to every process of this PID namespace except for this one, which must be its first: as a process group,
/// the id 1 stands for all.
pub(crate) fn signal_namespace(signal: Signal) {
    signal_group(Pid::INIT, signal);
}
