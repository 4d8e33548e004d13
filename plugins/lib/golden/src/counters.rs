//! The host's counters, in the memory of a test.

use std::cell::RefCell;
use std::collections::HashMap;

use http_event::counters::Counters;

thread_local! {
    static COUNTERS: MemoryCounters = MemoryCounters::default();
}

/// Calls a function with the counters of this thread.
pub fn with<T>(call: impl FnOnce(&MemoryCounters) -> T) -> T {
    COUNTERS.with(call)
}

/// What the host does, in the memory of the test.
#[derive(Debug, Default)]
pub struct MemoryCounters {
    buckets: RefCell<HashMap<String, (f64, u64)>>,
    windows: RefCell<HashMap<String, (u64, u64)>>,
}

impl MemoryCounters {
    /// Forgets everything, as for a new configuration.
    pub fn clear(&self) {
        self.buckets.borrow_mut().clear();
        self.windows.borrow_mut().clear();
    }
}

impl Counters for MemoryCounters {
    fn take_token(&self, key: &str, at_ms: u64, rate: f64, burst: u32) -> bool {
        let mut buckets = self.buckets.borrow_mut();
        let full = (f64::from(burst), at_ms);
        let (tokens, last) = buckets.entry(key.to_owned()).or_insert(full);
        let new = at_ms.saturating_sub(*last) as f64 / 1000.0 * rate;
        *tokens = (*tokens + new).min(f64::from(burst));
        *last = at_ms;
        let is_taken = *tokens >= 1.0;
        *tokens -= if is_taken { 1.0 } else { 0.0 };
        is_taken
    }

    fn count(&self, key: &str, window: u64, limit: u64) -> bool {
        let mut windows = self.windows.borrow_mut();
        let (last, count) = windows.entry(key.to_owned()).or_insert((window, 0));
        if *last != window {
            (*last, *count) = (window, 0);
        }
        let is_counted = *count < limit;
        *count += u64::from(is_counted);
        is_counted
    }
}
