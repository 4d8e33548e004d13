//! Throttles of API Gateway: the settings, and the tokens that requests take.
//!
//! On failure: each mistake in the settings is recorded, and there is no throttle.

use alloc::string::String;

use plugin_kit::settings::{Problems, Table};
use serde_json::{Map, Value};

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

/// Reads the key `throttle` of a table, for [`take`].
pub fn throttle(table: &Table<'_>, problems: &mut Problems) -> Option<Value> {
    let table = table.table("throttle", problems)?;
    limits(&table, problems)
}

/// Reads a table of `rate-limit` and `burst-limit`, for [`take`].
pub fn limits(table: &Table<'_>, problems: &mut Problems) -> Option<Value> {
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
    let mut limits = Map::new();
    limits.insert(String::from("rate"), Value::from(rate?));
    limits.insert(String::from("burst"), Value::from(burst?));
    Some(Value::Object(limits))
}

/// Whether a request may pass. `limits` is what [`limits()`] has read: without a rate and a burst, every request passes.
/// `take_token` is the host's counter: it gets the rate per second and the burst.
pub fn take(limits: &Value, take_token: impl FnOnce(f64, u32) -> bool) -> bool {
    let rate = limits.get("rate").and_then(Value::as_f64);
    let burst = limits.get("burst").and_then(Value::as_u64);
    match (rate, burst.and_then(|burst| u32::try_from(burst).ok())) {
        (Some(rate), Some(burst)) => take_token(rate, burst),
        _ => true,
    }
}
