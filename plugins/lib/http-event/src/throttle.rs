//! Throttles of API Gateway: the settings `rate-limit` and `burst-limit`, and the tokens that requests take.
//!
//! On failure: each mistake in the settings is recorded, and there is no throttle.

use alloc::format;
use alloc::string::String;

use plugin_kit::settings::{Problems, Table};
use serde_json::Value;

use crate::counters::Counters;

/// The highest rate, in requests per second, and the largest burst. Those of AWS's accounts are 10,000 and 5,000 before
/// they are raised.
const MAX_RATE: f64 = 1_000_000.0;
const MAX_BURST: u32 = 1_000_000;

/// Names that somebody who knows other tools may write.
const EXPLAINED: [(&str, &str); 4] = [
    ("rate", RATE),
    ("throttling-rate-limit", RATE),
    ("burst", BURST),
    ("throttling-burst-limit", BURST),
];
const RATE: &str = "unknown key; the number of requests per second is `rate-limit`";
const BURST: &str = "unknown key; the most requests at once are `burst-limit`";

/// The limits of a throttle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Requests per second, above 0.
    pub rate: f64,
    /// The most requests at once, at least 1.
    pub burst: u32,
}

impl Limits {
    /// Whether a request passes the throttle with this key, at this time in milliseconds since 1970.
    pub fn pass(self, key: &str, at_ms: u64, counters: &dyn Counters) -> bool {
        counters.take_token(key, at_ms, self.rate, self.burst)
    }

    /// The limits as text, for a plugin's state: `10.5 20`.
    pub fn write(self) -> String {
        format!("{} {}", self.rate, self.burst)
    }

    /// Reads a text that [`Limits::write`] has written.
    pub fn read(text: &str) -> Option<Self> {
        let (rate, burst) = text.split_once(' ')?;
        Some(Self {
            rate: rate.parse().ok()?,
            burst: burst.parse().ok()?,
        })
    }
}

/// Reads the key `throttle` of a table.
pub fn throttle(table: &Table<'_>, problems: &mut Problems) -> Option<Limits> {
    let table = table.table("throttle", problems)?;
    limits(&table, problems)
}

/// Reads a table of `rate-limit` and `burst-limit`.
pub fn limits(table: &Table<'_>, problems: &mut Problems) -> Option<Limits> {
    table.refuse_unknown(&["rate-limit", "burst-limit"], &EXPLAINED, problems);
    let burst = table.integer("burst-limit", 1_u32, MAX_BURST, problems);
    let rate = table.get("rate-limit").and_then(Value::as_f64);
    let rate = rate.filter(|rate| *rate > 0.0 && *rate <= MAX_RATE);
    if rate.is_none() {
        let message = "this must be the number of requests per second, above 0";
        problems.add(table.path_of("rate-limit"), message);
    }
    if table.get("burst-limit").is_none() {
        let message = "a throttle needs a `burst-limit`: the most requests at once";
        problems.add(table.at().to_vec(), message);
    }
    Some(Limits {
        rate: rate?,
        burst: burst?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_read_back_as_they_were_written() {
        for (rate, burst) in [(0.5, 1), (10.0, 20), (1e-7, 1_000_000)] {
            let limits = Limits { rate, burst };
            assert_eq!(Limits::read(&limits.write()), Some(limits));
        }
        assert_eq!(Limits::read(""), None);
    }
}
