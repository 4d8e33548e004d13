//! The share that one trigger, service or source has of what all of them use.
//!
//! Each has a quota of its own: so many places for its calls, so much memory for all of them together, and, once they are
//! many and busy, so many turns on the processor. Whoever fills its quota, by its own doing or its clients', is the one that
//! waits: in other quotas it is as quiet as before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::sync::Semaphore;

use crate::limits::{self, Bounds};

/// One trigger's, service's or source's.
#[derive(Debug)]
pub(crate) struct Quota {
    /// For calls at the same time.
    pub calls: Semaphore,
    /// For turns, at the same time, of calls that have had their head start: half of the processors, as the functions and
    /// their callers need the others.
    pub turns: Semaphore,
    pub memory: MemoryQuota,
}

impl Quota {
    /// A quota for calls within these bounds.
    pub(crate) fn new(bounds: &Bounds) -> Arc<Self> {
        let processors = thread::available_parallelism().map_or(1, |count| count.get());
        Arc::new(Self {
            calls: Semaphore::new(calls(bounds)),
            turns: Semaphore::new((processors / 2).max(1)),
            memory: MemoryQuota::default(),
        })
    }
}

/// The places of a quota.
pub(crate) fn calls(bounds: &Bounds) -> usize {
    match bounds.waits {
        true => limits::QUOTA_WAITING_CALLS,
        false => limits::QUOTA_CALLS,
    }
}

/// What all calls in a quota have of memory, together.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryQuota(Arc<AtomicUsize>);

impl MemoryQuota {
    /// Takes so many bytes, if there are so many.
    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        let more = |used: usize| {
            let used = used.checked_add(bytes)?;
            (used <= limits::QUOTA_MEMORY_BYTES).then_some(used)
        };
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.is_ok()
    }

    /// Gives back what was taken.
    pub(crate) fn release(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_out_once_and_comes_back() {
        let memory = MemoryQuota::default();
        assert!(memory.reserve(limits::QUOTA_MEMORY_BYTES - 1));
        assert!(!memory.reserve(2));
        assert!(!memory.reserve(usize::MAX));
        assert!(memory.reserve(1));
        memory.release(limits::QUOTA_MEMORY_BYTES);
        assert!(memory.reserve(limits::QUOTA_MEMORY_BYTES));
    }
}
