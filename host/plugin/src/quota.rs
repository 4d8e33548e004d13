//! The share that one trigger, service or source has of the resources that all of them use.
//!
//! Each has a quota of concurrent calls, of memory for all its calls together, and, for calls that run for long, of
//! time slices. One that reaches its quota, through a defect of its own or because of its clients, waits; the others
//! are not affected.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::sync::Semaphore;

use crate::limits::{self, Bounds};

/// The quota of one trigger, service or source.
#[derive(Debug)]
pub(crate) struct Quota {
    /// Permits for concurrent calls.
    pub calls: Semaphore,
    /// Permits for time slices of calls that have used [`limits::FAIR_SHARE_AFTER`]. There is one for every second
    /// processor, because functions and their callers need the others.
    pub time_slices: Semaphore,
    /// The memory of all calls.
    pub memory: MemoryQuota,
}

impl Quota {
    /// A quota for calls with these limits.
    pub(crate) fn new(bounds: &Bounds) -> Arc<Self> {
        let processors = thread::available_parallelism().map_or(1, |count| count.get());
        Arc::new(Self {
            calls: Semaphore::new(concurrent_calls(bounds)),
            time_slices: Semaphore::new((processors / 2).max(1)),
            memory: MemoryQuota::default(),
        })
    }
}

/// The number of concurrent calls in a quota.
pub(crate) fn concurrent_calls(bounds: &Bounds) -> usize {
    if bounds.waits {
        limits::QUOTA_WAITING_CALLS
    } else {
        limits::QUOTA_CALLS
    }
}

/// The memory that all calls of one quota use together, up to [`limits::QUOTA_MEMORY_BYTES`].
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryQuota(Arc<AtomicUsize>);

impl MemoryQuota {
    /// Reserves `bytes`; false if the quota would be exceeded.
    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        let more = |used: usize| {
            let used = used.checked_add(bytes)?;
            (used <= limits::QUOTA_MEMORY_BYTES).then_some(used)
        };
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    /// Releases bytes that were reserved.
    pub(crate) fn release(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_reserved_once_and_can_be_reserved_again_after_its_release() {
        let memory = MemoryQuota::default();
        assert!(memory.reserve(limits::QUOTA_MEMORY_BYTES - 1));
        assert!(!memory.reserve(2));
        assert!(!memory.reserve(usize::MAX));
        assert!(memory.reserve(1));
        memory.release(limits::QUOTA_MEMORY_BYTES);
        assert!(memory.reserve(limits::QUOTA_MEMORY_BYTES));
    }
}
