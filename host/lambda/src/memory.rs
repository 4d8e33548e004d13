//! The memory of an environment's processes and their descendants: the current usage, and the peak, which is REPORT's
//! `Max Memory Used`.
//!
//! The kernel keeps the peak of each process (`VmHWM`), so a late reading misses nothing of processes that still run.
//! The usage of processes that have ended is known only if it was read before. Where `/proc` does not exist, every
//! value is 0.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use lambkin_process::{Tree, format_path, read_file};

use crate::limits::{MEMORY_READING_INTERVAL, MEMORY_TREE_INTERVAL};

/// The peak memory of one environment.
#[derive(Debug, Default)]
pub(crate) struct PeakMemory {
    bytes: u64,
    read_at: Option<Instant>,
    tree: Tree,
    path: String,
    text: String,
}

impl PeakMemory {
    /// Reads the peak after an invocation that took `worked`, unless that was short and the last reading is recent: a
    /// reading takes as long as a short invocation, which has little time to use memory.
    pub(crate) fn update(&mut self, pids: impl FnOnce() -> Vec<i32>, worked: Duration) {
        let fresh = self
            .read_at
            .is_some_and(|at| at.elapsed() < MEMORY_READING_INTERVAL);
        if fresh && worked < MEMORY_READING_INTERVAL / 20 {
            return;
        }
        self.read_at = Some(Instant::now());
        let mut bytes = 0;
        for pid in self.tree.walk(&pids()) {
            // A process that has just ended has no memory figures.
            let status = format_path(&mut self.path, format_args!("/proc/{pid}/status"));
            bytes += read_file(status, &mut self.text)
                .and_then(|status| kibibytes(status, "VmHWM:"))
                .unwrap_or(0);
        }
        self.record(bytes);
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

/// Reads the current memory usage of processes and their descendants. It is fast enough to be used every few
/// milliseconds.
#[derive(Debug, Default)]
pub(crate) struct MemoryGauge {
    tree: Tree,
    walked_at: Option<Instant>,
    path: String,
    text: String,
}

impl MemoryGauge {
    /// The usage in bytes. New descendants are searched every [`MEMORY_TREE_INTERVAL`].
    ///
    /// The usage is the sum of the resident pages, which counts shared pages once per process. Only if the sum is near
    /// `limit`, the proportional share of each process is read instead, which takes ten times as long.
    pub(crate) fn usage(&mut self, pids: &[i32], limit: u64) -> u64 {
        let fresh = self
            .walked_at
            .is_some_and(|at| at.elapsed() < MEMORY_TREE_INTERVAL);
        if !fresh || !self.tree.pids().starts_with(pids) {
            self.tree.walk(pids);
            self.walked_at = Some(Instant::now());
        }
        let resident: u64 = self.sum("statm", resident);
        if resident / 4 * 5 <= limit {
            return resident;
        }
        // 0 if the kernel does not have this file, or if the processes have ended.
        match self.sum("smaps_rollup", |rollup| kibibytes(rollup, "Pss:")) {
            0 => resident,
            proportional => proportional,
        }
    }

    fn sum(&mut self, file: &str, figure: impl Fn(&str) -> Option<u64>) -> u64 {
        let mut bytes = 0;
        for pid in self.tree.pids() {
            let path = format_path(&mut self.path, format_args!("/proc/{pid}/{file}"));
            bytes += read_file(path, &mut self.text)
                .and_then(&figure)
                .unwrap_or(0);
        }
        bytes
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
        let vector = std::fs::read("/proc/self/auxv").unwrap_or_default();
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

    fn own_pid() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    /// A shell whose child process uses 32 MiB; returns when it does.
    fn memory_hog() -> Child {
        let script = "(x=$(head -c 33554432 /dev/zero | tr '\\0' x); echo full; read -r _) <&0; :";
        let mut child = Command::new("bash")
            .args(["-c", script])
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
    fn this_process_has_a_peak() {
        let mut peak = PeakMemory::default();
        peak.update(|| vec![own_pid()], Duration::ZERO);
        assert!(peak.megabytes() > 0);
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
