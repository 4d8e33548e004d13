//! The cache of one HTTP trigger: results of functions and documents that its plugin may have again without asking,
//! such as the verdict of an authorizer, or the keys of a token's issuer.
//!
//! Only the plugin decides what is kept, under which key and for how long. An entry is found with the same function or
//! document and the same key, until its time is over. If the cache is full, the entries that end first give way.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use lambkin_plugin::{CacheEntry, Ending, Fetch, Shaped};

use crate::limits::STEP_CACHE_BYTES;

/// The cache of one trigger.
#[derive(Debug, Default)]
pub(crate) struct StepCache(Mutex<Entries>);

/// What an entry is the result of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey {
    /// The function, or the method and the URL.
    of: String,
    key: String,
}

impl CacheKey {
    pub(crate) fn of_function(shaped: &Shaped, cache: &CacheEntry) -> Self {
        Self {
            of: shaped.function.clone(),
            key: cache.key.clone(),
        }
    }

    pub(crate) fn of_document(fetch: &Fetch, cache: &CacheEntry) -> Self {
        // A function's name has no blanks.
        Self {
            of: format!("{} {}", fetch.method, fetch.url),
            key: cache.key.clone(),
        }
    }
}

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<CacheKey, Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    ending: Ending,
    until: Instant,
    bytes: usize,
}

impl StepCache {
    /// The ending that is kept, if its time is not over.
    pub(crate) fn get(&self, key: &CacheKey, now: Instant) -> Option<Ending> {
        let entries = self.lock();
        let entry = entries.by_key.get(key)?;
        (entry.until > now).then(|| entry.ending.clone())
    }

    /// Keeps an ending as long as the plugin says: the result of a function that succeeded, or a document with status
    /// 200. Others are not kept.
    pub(crate) fn put(&self, key: CacheKey, ending: &Ending, cache: &CacheEntry, now: Instant) {
        let bytes = match ending {
            Ending::Completed(result) => result.len(),
            Ending::Fetched(fetched) if fetched.status == 200 => {
                let headers = fetched.headers.iter();
                let headers = headers.map(|(name, value)| name.len() + value.len());
                fetched.body.len() + headers.sum::<usize>()
            }
            _ => return,
        };
        let bytes = bytes + key.of.len() + key.key.len();
        if cache.ttl.is_zero() || bytes > STEP_CACHE_BYTES {
            return;
        }
        let entry = Entry {
            ending: ending.clone(),
            until: now + cache.ttl,
            bytes,
        };
        let mut entries = self.lock();
        entries.remove(&key);
        entries.make_room(now, bytes);
        entries.bytes += bytes;
        entries.by_key.insert(key, entry);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn remove(&mut self, key: &CacheKey) {
        if let Some(removed) = self.by_key.remove(key) {
            self.bytes -= removed.bytes;
        }
    }

    /// Drops entries whose time is over and, while there is no room for `bytes`, those that end first.
    fn make_room(&mut self, now: Instant, bytes: usize) {
        if self.bytes + bytes <= STEP_CACHE_BYTES {
            return;
        }
        self.by_key.retain(|_, entry| entry.until > now);
        self.bytes = self.by_key.values().map(|entry| entry.bytes).sum();
        if self.bytes + bytes <= STEP_CACHE_BYTES {
            return;
        }
        let mut ends: Vec<(Instant, CacheKey)> = self
            .by_key
            .iter()
            .map(|(key, entry)| (entry.until, key.clone()))
            .collect();
        ends.sort_unstable_by_key(|(until, _)| *until);
        for (_, key) in ends {
            if self.bytes + bytes <= STEP_CACHE_BYTES {
                return;
            }
            self.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(key: &str) -> CacheKey {
        CacheKey {
            of: "authorizer".to_owned(),
            key: key.to_owned(),
        }
    }

    fn entry(seconds: u64) -> CacheEntry {
        CacheEntry {
            key: String::new(),
            ttl: Duration::from_secs(seconds),
        }
    }

    fn completed(bytes: usize) -> Ending {
        Ending::Completed("x".repeat(bytes))
    }

    #[test]
    fn an_entry_is_found_until_its_time_is_over() {
        let cache = StepCache::default();
        let now = Instant::now();
        cache.put(key("a"), &completed(1), &entry(10), now);
        cache.put(key("b"), &completed(2), &entry(0), now);
        cache.put(key("c"), &Ending::Throttled, &entry(10), now);
        assert_eq!(cache.get(&key("a"), now), Some(completed(1)));
        assert_eq!(cache.get(&key("b"), now), None);
        assert_eq!(cache.get(&key("c"), now), None);
        let later = now + Duration::from_secs(11);
        assert_eq!(cache.get(&key("a"), later), None);
    }

    #[test]
    fn in_a_full_cache_the_entries_that_end_first_give_way() {
        let cache = StepCache::default();
        let now = Instant::now();
        let third = STEP_CACHE_BYTES / 3 - 100;
        for (name, seconds) in [("first", 30), ("second", 10), ("third", 20)] {
            cache.put(key(name), &completed(third), &entry(seconds), now);
        }
        cache.put(key("fourth"), &completed(third), &entry(5), now);
        let kept = |name| cache.get(&key(name), now).is_some();
        assert!(kept("first") && kept("third") && kept("fourth") && !kept("second"));
        cache.put(key("huge"), &completed(STEP_CACHE_BYTES), &entry(5), now);
        assert!(!kept("huge") && kept("first"));
    }
}
