//! Processes and all their descendants, as Linux's `/proc` shows them.
//!
//! A child is listed with the thread that started it, so every thread of every process is looked at. What begins or
//! ends during the walk may or may not be in it. Where `/proc` does not exist, a tree is its roots.

use std::fmt::Write as _;
use std::fs;

/// A walk through process trees. Keeps its buffers, so that walking again costs no memory.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pids: Vec<i32>,
    path: String,
    text: String,
}

impl Tree {
    /// The processes found by the last walk, parents before their children.
    pub(crate) fn pids(&self) -> &[i32] {
        &self.pids
    }

    /// Walks from these processes down to the last descendant; the roots are part of it.
    pub(crate) fn walk(&mut self, roots: &[i32]) -> &[i32] {
        self.pids.clear();
        self.pids.extend_from_slice(roots);
        let mut next = 0;
        while let Some(pid) = self.pids.get(next).copied() {
            self.add_children(pid);
            next += 1;
        }
        &self.pids
    }

    fn add_children(&mut self, pid: i32) {
        let Ok(threads) = fs::read_dir(place(&mut self.path, format_args!("/proc/{pid}/task")))
        else {
            return;
        };
        for thread in threads.flatten() {
            let name = thread.file_name();
            let file = format_args!("/proc/{pid}/task/{}/children", name.display());
            if read(place(&mut self.path, file), &mut self.text).is_none() {
                continue;
            }
            for child in self.text.split_ascii_whitespace() {
                // A child may appear twice if it changes its parent during the walk.
                if let Ok(child) = child.parse()
                    && !self.pids.contains(&child)
                {
                    self.pids.push(child);
                }
            }
        }
    }
}

/// Writes a path into a buffer that is used again and again.
pub(crate) fn place<'a>(buffer: &'a mut String, path: std::fmt::Arguments<'_>) -> &'a str {
    buffer.clear();
    let _never_fails = buffer.write_fmt(path);
    buffer
}

/// Reads a small file into a buffer that is used again and again; `None` if there is no such file any more.
pub(crate) fn read<'a>(path: &str, buffer: &'a mut String) -> Option<&'a str> {
    use std::io::Read;
    buffer.clear();
    fs::File::open(path).ok()?.read_to_string(buffer).ok()?;
    Some(buffer)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn children_of_other_threads_and_grandchildren_are_found() {
        let own = i32::try_from(std::process::id()).unwrap();
        // Not the main thread: tests run on threads of their own.
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
        let _already_gone =
            rustix::process::kill_process(grandchild_pid, rustix::process::Signal::KILL);
        assert_eq!(found[0], own);
        assert!(
            found.contains(&i32::try_from(shell.id()).unwrap()),
            "{found:?}"
        );
        assert!(found.contains(&grandchild), "{found:?}");
    }

    #[test]
    fn a_process_that_is_gone_has_no_descendants() {
        assert_eq!(Tree::default().walk(&[i32::MAX]), [i32::MAX]);
    }
}
