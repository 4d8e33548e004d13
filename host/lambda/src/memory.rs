//! The peak memory of a bootstrap and its living descendants, as REPORT's `Max Memory Used`.
//!
//! The kernel keeps the peak of each process (`VmHWM`), so reading late misses nothing that still lives. Children that
//! came and went between two readings are not counted. Where `/proc` does not exist the answer is 0.

use std::fs;
use std::time::{Duration, Instant};

use crate::limits::MEMORY_READING_INTERVAL;

/// Remembers the greatest reading of one environment.
#[derive(Debug, Default)]
pub(crate) struct PeakMemory {
    bytes: u64,
    read_at: Option<Instant>,
}

impl PeakMemory {
    /// Reads again after an invocation that took `worked`, unless that was short and the last reading is fresh: a
    /// reading costs as much as a short invocation, which has little time to use memory.
    pub(crate) fn update(&mut self, pid: i32, worked: Duration) {
        let fresh = self
            .read_at
            .is_some_and(|at| at.elapsed() < MEMORY_READING_INTERVAL);
        if fresh && worked < MEMORY_READING_INTERVAL / 20 {
            return;
        }
        self.read_at = Some(Instant::now());
        self.bytes = self.bytes.max(tree_peak(pid));
    }

    /// In MB as AWS counts them (1024 × 1024 bytes), rounded up.
    pub(crate) fn megabytes(&self) -> u64 {
        self.bytes.div_ceil(1024 * 1024)
    }
}

fn tree_peak(pid: i32) -> u64 {
    let mut bytes = 0;
    let mut pending = vec![pid];
    while let Some(pid) = pending.pop() {
        // A process that has just ended has no figures any more.
        bytes += fs::read_to_string(format!("/proc/{pid}/status"))
            .ok()
            .and_then(|status| peak_of(&status))
            .unwrap_or(0);
        let children =
            fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        pending.extend(
            children
                .split_whitespace()
                .filter_map(|child| child.parse::<i32>().ok()),
        );
    }
    bytes
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_proc_status() {
        assert_eq!(
            peak_of("Name:\tx\nVmHWM:\t   36864 kB\nVmRSS:\t 1 kB\n"),
            Some(36864 * 1024)
        );
        assert_eq!(peak_of("Name:\tzombie\n"), None);
    }

    #[test]
    fn this_process_has_a_peak() {
        let mut peak = PeakMemory::default();
        peak.update(i32::try_from(std::process::id()).unwrap(), Duration::ZERO);
        assert!(peak.megabytes() > 0);
    }
}
