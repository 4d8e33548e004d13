//! The memory of an environment's processes: the current usage, and the peak, which is REPORT's `Max Memory Used`.
//!
//! The processes are the descendants of the supervisors, which are the host's own processes. They include those whose own parents have ended, which are
//! children of a supervisor. Memory that several processes share counts once.
//!
//! A memfd is memory without being part of a process: pages that were written, not mapped, count in no process. The
//! open files of all processes are therefore searched for memfds. Pages that a process has mapped are in both figures,
//! so that of shared memory the larger figure counts.
//!
//! The kernel keeps the peak of each process (`VmHWM`), so a late reading misses nothing of processes that still run.
//! The usage of processes that have ended is known only if it was read before. Where `/proc` does not exist, every
//! value is 0.

use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use lambkin_process::{Tree, format_path, read_file};

use crate::limits::{
    MEMORY_INLINE_PROCESSES, MEMORY_READING_INTERVAL, MEMORY_READING_SHARE, MEMORY_SHARED_READING,
    MEMORY_TREE_INTERVAL, MEMORY_WATCH_INTERVAL,
};

/// The processes below an environment's supervisors.
#[derive(Debug, Default)]
struct Processes {
    tree: Tree,
    supervisors: usize,
    path: String,
    text: String,
}

impl Processes {
    fn find(&mut self, supervisors: &[i32]) {
        self.tree.walk(supervisors);
        self.supervisors = supervisors.len();
    }

    fn pids(&self) -> &[i32] {
        self.tree.pids().get(self.supervisors..).unwrap_or_default()
    }

    /// The sum of a figure in a file of each process, in bytes.
    fn sum(&mut self, file: &str, figure: impl Fn(&str) -> Option<u64>) -> u64 {
        let mut bytes = 0;
        for pid in self.tree.pids().iter().skip(self.supervisors) {
            let path = format_path(&mut self.path, format_args!("/proc/{pid}/{file}"));
            // A process that has just ended has no memory figures.
            bytes += read_file(path, &mut self.text)
                .and_then(&figure)
                .unwrap_or(0);
        }
        bytes
    }

    /// The size of all memfds that the processes have open, in bytes.
    fn memfds(&mut self) -> u64 {
        let mut sizes = HashMap::new();
        for pid in self.tree.pids().iter().skip(self.supervisors) {
            let path = format_path(&mut self.path, format_args!("/proc/{pid}/fd"));
            for file in fs::read_dir(path).into_iter().flatten().flatten() {
                let is_memfd = fs::read_link(file.path())
                    .is_ok_and(|target| target.as_os_str().as_bytes().starts_with(b"/memfd:"));
                if is_memfd && let Ok(metadata) = fs::metadata(file.path()) {
                    sizes.insert((metadata.dev(), metadata.ino()), metadata.blocks() * 512);
                }
            }
        }
        sizes.values().sum()
    }

    /// The part of these memfds that is not in the processes' own figures.
    fn unmapped(&mut self, memfds: u64) -> u64 {
        if memfds == 0 {
            return 0;
        }
        memfds.saturating_sub(self.sum("status", |status| kibibytes(status, "RssShmem:")))
    }
}

/// The peak memory of one environment.
#[derive(Debug, Default)]
pub(crate) struct PeakMemory {
    bytes: u64,
    read_at: Option<Instant>,
    processes: Processes,
}

impl PeakMemory {
    /// Reads the peak after an invocation that took `worked`, unless that was short and the last reading is recent: a
    /// reading takes as long as a short invocation, which has little time to use memory.
    pub(crate) fn update(&mut self, supervisors: impl FnOnce() -> Vec<i32>, worked: Duration) {
        let fresh = self
            .read_at
            .is_some_and(|at| at.elapsed() < MEMORY_READING_INTERVAL);
        if fresh && worked < MEMORY_READING_INTERVAL / 20 {
            return;
        }
        self.read_at = Some(Instant::now());
        self.processes.find(&supervisors());
        let memfds = self.processes.memfds();
        let unmapped = self.processes.unmapped(memfds);
        let peaks = |status: &str| kibibytes(status, "VmHWM:");
        let mapped = self.processes.sum("status", peaks);
        self.record(mapped + unmapped);
    }

    /// Includes a reading of [`MemoryGauge::usage`] in the peak.
    pub(crate) fn record_usage(&mut self, bytes: u64) {
        self.record(bytes);
    }

    fn record(&mut self, bytes: u64) {
        self.bytes = self.bytes.max(bytes);
    }

    /// The peak in MB as AWS defines them (1024 × 1024 bytes), rounded up.
    pub(crate) fn megabytes(&self) -> u64 {
        self.bytes.div_ceil(1024 * 1024)
    }
}

/// Reads the current memory usage of an environment. It is fast enough to be used every few milliseconds.
#[derive(Debug, Default)]
pub(crate) struct MemoryGauge {
    processes: Processes,
    found_below: Vec<i32>,
    found_at: Option<Instant>,
    memfds: u64,
    /// When the time that all readings of the host may take allows the next one.
    allowed_at: Option<Instant>,
}

/// When the readings of all gauges have taken no more than their share of the time.
static ALLOWED_AT: Mutex<Option<Instant>> = Mutex::new(None);

impl MemoryGauge {
    /// The usage in bytes of all descendants of `supervisors`. New descendants and memfds are searched every
    /// [`MEMORY_TREE_INTERVAL`].
    ///
    /// The usage is the sum of the resident pages, which counts shared pages once per process. Only if the sum is near
    /// `limit`, the proportional share of each process is read instead, which takes ten times as long.
    pub(crate) fn usage(&mut self, supervisors: &[i32], limit: u64) -> u64 {
        let began = Instant::now();
        let usage = self.read(supervisors, limit);
        let now = Instant::now();
        let mut allowed_at = ALLOWED_AT.lock().unwrap_or_else(PoisonError::into_inner);
        let (took, before) = (now - began, allowed_at.unwrap_or(now).max(now));
        // The many processes of one function are not to postpone the readings of the others.
        let after = before + took.min(MEMORY_SHARED_READING) * MEMORY_READING_SHARE;
        *allowed_at = Some(after);
        self.allowed_at = Some(after.max(now + took * MEMORY_READING_SHARE));
        usage
    }

    fn read(&mut self, supervisors: &[i32], limit: u64) -> u64 {
        let fresh = self
            .found_at
            .is_some_and(|at| at.elapsed() < MEMORY_TREE_INTERVAL);
        if !fresh || self.found_below != supervisors {
            self.processes.find(supervisors);
            self.memfds = self.processes.memfds();
            self.found_below = supervisors.to_vec();
            self.found_at = Some(Instant::now());
        }
        let resident = self.processes.sum("statm", resident) + self.processes.unmapped(self.memfds);
        if resident / 4 * 5 <= limit {
            return resident;
        }
        // 0 if the kernel does not have this file, or if the processes have ended.
        match self
            .processes
            .sum("smaps_rollup", |rollup| kibibytes(rollup, "Pss:"))
        {
            0 => resident,
            proportional => {
                let shared = |rollup: &str| kibibytes(rollup, "Pss_Shmem:");
                let shared = match self.memfds {
                    0 => 0,
                    _ => self.processes.sum("smaps_rollup", shared),
                };
                proportional + self.memfds.saturating_sub(shared)
            }
        }
    }

    /// When the next reading is due, so that the readings of all environments together take a small share of the time.
    pub(crate) fn next_reading(&self) -> Instant {
        let earliest = Instant::now() + MEMORY_WATCH_INTERVAL;
        self.allowed_at
            .map_or(earliest, |allowed_at| allowed_at.max(earliest))
    }

    /// Whether the number of processes exceeds [`MEMORY_INLINE_PROCESSES`], so that a reading would hold up its thread.
    pub(crate) fn is_slow(&self) -> bool {
        self.processes.pids().len() > MEMORY_INLINE_PROCESSES
    }
}

/// The value of a line such as `VmHWM:    36864 kB`, in bytes.
fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The resident memory in bytes: the second field of `/proc/PID/statm` is the number of resident pages.
fn resident(statm: &str) -> Option<u64> {
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * page_size())
}

fn page_size() -> u64 {
    static SIZE: OnceLock<u64> = OnceLock::new();
    *SIZE.get_or_init(|| {
        let vector = fs::read("/proc/self/auxv").unwrap_or_default();
        page_size_of(&vector).unwrap_or(4096)
    })
}

/// The page size in the auxiliary vector, which the kernel gives to a process at its start: pairs of a key and a value.
fn page_size_of(auxiliary_vector: &[u8]) -> Option<u64> {
    const PAGE_SIZE: usize = 6;
    let (words, _) = auxiliary_vector.as_chunks::<{ size_of::<usize>() }>();
    let (pairs, _) = words.as_chunks::<2>();
    pairs
        .iter()
        .map(|[key, value]| (usize::from_ne_bytes(*key), usize::from_ne_bytes(*value)))
        .find_map(|(key, value)| (key == PAGE_SIZE).then_some(value as u64))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A shell whose child process uses 32 MiB; returns when it does.
    fn memory_hog() -> Child {
        let script = "(x=$(head -c 33554432 /dev/zero | tr '\\0' x); echo full; read -r _) <&0; :";
        full(Command::new("bash").args(["-c", script]))
    }

    /// Starts a program and returns when it has written `full`.
    fn full(command: &mut Command) -> Child {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "full\n");
        child
    }

    #[test]
    fn values_are_parsed_from_proc() {
        assert_eq!(
            kibibytes("Name:\tx\nVmHWM:\t   36864 kB\nVmRSS:\t 1 kB\n", "VmHWM:"),
            Some(36864 * 1024)
        );
        assert_eq!(kibibytes("Name:\tzombie\n", "VmHWM:"), None);
        assert_eq!(resident("900 3 2 1 0 5 0\n"), Some(3 * page_size()));
        assert_eq!(resident(""), None);
    }

    #[test]
    fn the_page_size_is_found_among_other_values() {
        let words = [33_usize, 7, 6, 16384, 0, 0];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(page_size_of(&bytes), Some(16384));
        assert_eq!(page_size_of(&bytes[..16]), None);
    }

    #[test]
    fn descendants_count_and_shared_pages_are_divided_near_the_limit() {
        const MIB: u64 = 1024 * 1024;
        let mut child = memory_hog();
        let pid = i32::try_from(child.id()).unwrap();
        let mut gauge = MemoryGauge::default();
        let resident = gauge.usage(&[pid], u64::MAX);
        let proportional = gauge.usage(&[pid], 0);
        assert!((32 * MIB..256 * MIB).contains(&resident), "{resident}");
        // A shell and its forked child share the pages that neither has written to.
        assert!(
            (32 * MIB..resident).contains(&proportional),
            "{proportional} of {resident}"
        );
        let mut peak = PeakMemory::default();
        peak.update(|| vec![pid], Duration::ZERO);
        assert!(peak.megabytes() >= 32);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(MemoryGauge::default().usage(&[pid], u64::MAX), 0);
    }
}
