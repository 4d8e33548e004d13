//! The resources of a server, read from `/proc`: its processes, memory and open files.

use std::collections::HashMap;
use std::fs;

/// A descendant of the server process.
pub struct Process {
    pub pid: i32,
    name: String,
}

impl Process {
    /// Whether it is a function process; the others are supervisors.
    pub fn is_bootstrap(&self) -> bool {
        self.name == "raw-bootstrap"
    }
}

/// All descendants of a process.
pub fn below(pid: u32) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|pid| pid.parse().ok()) else {
            continue;
        };
        // Processes may exit while they are counted.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if let Some((parent, name)) = parent_and_name(&stat) {
            let child = Process { pid, name };
            children.entry(parent).or_default().push(child);
        }
    }
    let mut found = Vec::new();
    let mut parents = vec![i32::try_from(pid).expect("a process id")];
    while let Some(parent) = parents.pop() {
        let own = children.remove(&parent).unwrap_or_default();
        parents.extend(own.iter().map(|child| child.pid));
        found.extend(own);
    }
    found
}

/// Parses `PID (NAME) STATE PARENT …`; `None` for zombies.
fn parent_and_name(stat: &str) -> Option<(i32, String)> {
    let (before, behind) = stat.rsplit_once(") ")?;
    let (_, name) = before.split_once('(')?;
    let mut behind = behind.split(' ');
    let state = behind.next()?;
    let parent = behind.next()?.parse().ok()?;
    (state != "Z").then(|| (parent, name.to_owned()))
}

/// The server's resident memory in KiB.
pub fn memory(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    kibibytes(&status, "VmRSS:").expect("its memory")
}

/// The proportional set size of a process in KiB: its private memory and its share of shared memory.
pub fn share(pid: i32) -> Option<usize> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    kibibytes(&rollup, "Pss:")
}

fn kibibytes(text: &str, key: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Number of open files of the server.
pub fn open_files(pid: u32) -> usize {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs");
    files.count()
}

/// Available memory of the machine in KiB.
pub fn available_memory() -> usize {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    kibibytes(&text, "MemAvailable:").unwrap_or_default()
}
