//! Processes and their descendants, read from Linux's `/proc`.
//!
//! The kernel lists a child under the thread that started it, so a walk reads every thread of every process. A
//! process that starts or ends during the walk may or may not be found. Where `/proc` does not exist, the tree
//! contains only its roots.

use std::fmt::Write as _;
use std::fs;

/// A walk through process trees. It keeps its buffers, so repeated walks allocate nothing.
#[derive(Debug, Default)]
pub struct Tree {
    pids: Vec<i32>,
    tasks: Vec<i32>,
    path: String,
    text: String,
}

impl Tree {
    /// The processes found by the last walk, parents before their children.
    pub fn pids(&self) -> &[i32] {
        &self.pids
    }

    /// The threads of these processes. The id of a process is also the id of its first thread.
    pub(crate) fn tasks(&self) -> &[i32] {
        &self.tasks
    }

    /// Finds all descendants of these processes. The result includes the roots, which come first.
    pub fn walk(&mut self, roots: &[i32]) -> &[i32] {
        self.walk_each(roots, |_| {})
    }

    /// [`Tree::walk`] with a call of `visit` for each process, before any children of its children are looked for.
    pub(crate) fn walk_each(&mut self, roots: &[i32], mut visit: impl FnMut(i32)) -> &[i32] {
        self.find(roots, |pid| {
            visit(pid);
            false
        });
        &self.pids
    }

    /// The first of these processes and their descendants for which `is_wanted` holds.
    pub(crate) fn find(
        &mut self,
        roots: &[i32],
        mut is_wanted: impl FnMut(i32) -> bool,
    ) -> Option<i32> {
        self.pids.clear();
        self.tasks.clear();
        self.pids.extend_from_slice(roots);
        let mut visited = 0;
        let mut next = 0;
        loop {
            // All of a generation at once: reading the children of one of its processes takes longer than all visits.
            while let Some(pid) = self.pids.get(visited).copied() {
                if is_wanted(pid) {
                    return Some(pid);
                }
                visited += 1;
            }
            self.add_children(self.pids.get(next).copied()?);
            next += 1;
        }
    }

    /// Lists the children of one process.
    pub(crate) fn children(&mut self, pid: i32) -> &[i32] {
        self.pids.clear();
        self.tasks.clear();
        self.add_children(pid);
        &self.pids
    }

    fn add_children(&mut self, pid: i32) {
        let tasks = format_path(&mut self.path, format_args!("/proc/{pid}/task"));
        let Ok(threads) = fs::read_dir(tasks) else {
            return;
        };
        for thread in threads.flatten() {
            let name = thread.file_name();
            self.tasks
                .extend(name.to_str().and_then(|name| name.parse::<i32>().ok()));
            let file = format_args!("/proc/{pid}/task/{}/children", name.display());
            if read_file(format_path(&mut self.path, file), &mut self.text).is_none() {
                continue;
            }
            for child in self.text.split_ascii_whitespace() {
                // A child can appear twice if it changes its parent during the walk.
                if let Ok(child) = child.parse()
                    && !self.pids.contains(&child)
                {
                    self.pids.push(child);
                }
            }
        }
    }
}

/// Formats a path into a buffer that is reused.
pub fn format_path<'a>(buffer: &'a mut String, path: std::fmt::Arguments<'_>) -> &'a str {
    buffer.clear();
    let _ = buffer.write_fmt(path); // writing to a String does not fail
    buffer
}

/// Reads a small file into a buffer that is reused; `None` if the file cannot be read, usually because its process has
/// ended.
pub fn read_file<'a>(path: &str, buffer: &'a mut String) -> Option<&'a str> {
    use std::io::Read;
    buffer.clear();
    fs::File::open(path).ok()?.read_to_string(buffer).ok()?;
    Some(buffer)
}

/// The state in a line of `/proc/PID/stat`, such as `R` for running.
pub(crate) fn state(stat: &str) -> Option<char> {
    // The process's name precedes the state. It is in parentheses and may contain parentheses itself.
    stat.rsplit_once(") ")?.1.chars().next()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn children_of_other_threads_and_grandchildren_are_found() {
        let own = i32::try_from(std::process::id()).unwrap();
        // Not started by the main thread: each test runs on a thread of its own.
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & echo $!; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let grandchild: i32 = line.trim().parse().unwrap();
        let mut tree = Tree::default();
        let found = tree.walk(&[own]).to_vec();
        shell.kill().unwrap();
        shell.wait().unwrap();
        let grandchild_pid = rustix::process::Pid::from_raw(grandchild).unwrap();
        let kill = rustix::process::Signal::KILL;
        let _ = rustix::process::kill_process(grandchild_pid, kill); // already gone
        assert_eq!(found[0], own);
        assert!(
            found.contains(&i32::try_from(shell.id()).unwrap()),
            "{found:?}"
        );
        assert!(found.contains(&grandchild), "{found:?}");
    }

    #[test]
    fn the_state_is_found_after_any_process_name() {
        assert_eq!(state("7 (sh) T 1 7 7 0"), Some('T'));
        assert_eq!(state("7 (a) S (b) T 1 7"), Some('T'));
        assert_eq!(state("7 (a) T ) S 1 7"), Some('S'));
        assert_eq!(state(""), None);
    }

    #[test]
    fn a_process_that_has_ended_has_no_descendants() {
        assert_eq!(Tree::default().walk(&[i32::MAX]), [i32::MAX]);
    }
}
