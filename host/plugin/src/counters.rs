//! The counters of an HTTP trigger: buckets of tokens, and counts of windows.
//!
//! They are in memory, one set for each trigger, and all its instances share them. The plugin passes the time of the
//! request, so that results depend on nothing else. At the limit of keys, the one that was unused for longest gives way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::COUNTER_KEYS;

/// The counters that a call reaches; `None` for other roles than HTTP triggers.
pub(crate) type ReachableCounters = Option<Arc<Counters>>;

/// The counters of one trigger.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// The number of calls so far, by which the last use of a key is known.
    calls: u64,
    buckets: HashMap<String, Entry<Bucket>>,
    windows: HashMap<String, Entry<Window>>,
}

#[derive(Debug)]
struct Entry<T> {
    used: u64,
    value: T,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at_ms: u64,
}

#[derive(Debug)]
struct Window {
    number: u64,
    count: u64,
}

impl Counters {
    /// Takes a token out of a bucket. False if there is none.
    pub(crate) fn take_token(&self, key: String, at_ms: u64, rate: f64, burst: u32) -> bool {
        let burst = f64::from(burst);
        // Whatever a plugin passes, the number of tokens stays one.
        let rate = if rate.is_finite() { rate.max(0.0) } else { 0.0 };
        let mut kept = self.lock();
        let calls = kept.calls;
        let new = || Bucket {
            tokens: burst,
            at_ms,
        };
        let bucket = entry(&mut kept.buckets, key, calls, new);
        // Requests may arrive in another order than that of their times.
        let passed_ms = at_ms.saturating_sub(bucket.at_ms);
        bucket.at_ms = bucket.at_ms.max(at_ms);
        let seconds = std::time::Duration::from_millis(passed_ms).as_secs_f64();
        bucket.tokens = (bucket.tokens + seconds * rate).min(burst);
        let is_taken = bucket.tokens >= 1.0;
        if is_taken {
            bucket.tokens -= 1.0;
        }
        is_taken
    }

    /// Counts one in a window. False if its count is the limit already.
    pub(crate) fn count(&self, key: String, number: u64, limit: u64) -> bool {
        let mut kept = self.lock();
        let calls = kept.calls;
        let window = entry(&mut kept.windows, key, calls, || Window {
            number,
            count: 0,
        });
        if window.number != number {
            *window = Window { number, count: 0 };
        }
        let is_counted = window.count < limit;
        window.count += u64::from(is_counted);
        is_counted
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.calls += 1;
        kept
    }
}

/// The value of a key. At the limit, a new one replaces the key that was unused for longest.
fn entry<T>(
    entries: &mut HashMap<String, Entry<T>>,
    key: String,
    calls: u64,
    new: impl FnOnce() -> T,
) -> &mut T {
    if entries.len() >= COUNTER_KEYS && !entries.contains_key(&key) {
        let oldest = entries.iter().min_by_key(|(_, entry)| entry.used);
        if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
            entries.remove(&oldest);
        }
    }
    let entry = entries.entry(key).or_insert_with(|| Entry {
        used: calls,
        value: new(),
    });
    entry.used = calls;
    &mut entry.value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_refills_with_time_up_to_its_burst() {
        let counters = Counters::default();
        let take = |at_ms| counters.take_token("a".to_owned(), at_ms, 2.0, 2);
        let taken = [0, 0, 0, 499, 500, 600, 10_000, 10_000, 10_000].map(take);
        let expected = [true, true, false, false, true, false, true, true, false];
        assert_eq!(taken, expected);
        // An earlier time adds nothing.
        assert!(!take(0) && !take(10_000));
        assert!(counters.take_token("b".to_owned(), 0, f64::NAN, 1));
        assert!(!counters.take_token("b".to_owned(), 1_000_000, f64::NAN, 1));
    }

    #[test]
    fn a_window_counts_up_to_its_limit_and_a_new_one_starts_again() {
        let counters = Counters::default();
        let count = |window| counters.count("a".to_owned(), window, 2);
        assert_eq!(
            [1, 1, 1, 2, 2, 2].map(count),
            [true, true, false, true, true, false]
        );
        assert!(!counters.count("b".to_owned(), 1, 0));
    }

    #[test]
    fn the_key_that_was_unused_for_longest_gives_way() {
        let counters = Counters::default();
        let take = |key: usize| counters.take_token(key.to_string(), 0, 0.0, 1);
        assert!((0..COUNTER_KEYS).all(take));
        // Key 0 is used again, so key 1 is the one that is forgotten.
        assert!(!take(0) && take(COUNTER_KEYS));
        assert!(!take(0) && take(1));
        assert_eq!(counters.lock().buckets.len(), COUNTER_KEYS);
    }
}
