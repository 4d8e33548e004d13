//! Information about processes from `/proc`: CPU time, memory and descendants.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// `/proc` counts CPU time in hundredths of a second, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of all threads of one process, without its children.
///
/// # Errors
/// When the process is gone.
pub fn cpu(pid: u32) -> Result<Duration> {
    let stat = Stat::read(pid)?;
    Ok(TICK * stat.ticks)
}

/// Resident memory (`VmRSS`) of one process in MB (1,000,000 bytes).
///
/// # Errors
/// When the process is gone.
pub fn resident_mb(pid: u32) -> Result<f64> {
    megabytes(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// Proportional memory (`Pss`) of one process in MB: of pages that several processes have, only its part.
///
/// # Errors
/// When the process is gone.
pub fn proportional_mb(pid: u32) -> Result<f64> {
    megabytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

fn megabytes(path: &str, field: &str) -> Result<f64> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let kib: f64 = text
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|value| value.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("{path} has no {field}"))?;
    Ok(kib * 1024.0 / 1e6)
}

/// A process.
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The program's name, cut to 15 bytes by the kernel.
    pub name: String,
}

/// The children of a process, their children, and so on.
pub fn descendants(of: u32) -> Vec<Process> {
    let mut children: HashMap<u32, Vec<Process>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let Some(stat) = pid.and_then(|pid| Stat::read(pid).ok()) {
            children.entry(stat.parent).or_default().push(stat.process);
        }
    }
    let mut found = Vec::new();
    let mut parents = vec![of];
    while let Some(parent) = parents.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            parents.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// The fields of `/proc/PID/stat` that matter here.
struct Stat {
    process: Process,
    parent: u32,
    ticks: u32,
}

impl Stat {
    fn read(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/stat");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        Self::parse(pid, &text).with_context(|| format!("cannot understand {path}: {text}"))
    }

    fn parse(pid: u32, text: &str) -> Option<Self> {
        // The name stands in parentheses and may itself hold spaces and parentheses.
        let (before, after) = text.rsplit_once(')')?;
        let (_, name) = before.split_once('(')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        // proc(5) numbers the fields from 1 and `after` starts with number 3.
        let field = |number: usize| fields.get(number - 3).copied();
        let ticks = |number| field(number)?.parse::<u32>().ok();
        Some(Self {
            process: Process {
                pid,
                name: name.to_owned(),
            },
            parent: field(4)?.parse().ok()?,
            ticks: ticks(14)? + ticks(15)?,
        })
    }
}
