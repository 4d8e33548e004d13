//! The counters that the host keeps for the trigger, as `lambkin:http-trigger/counters` describes them.

/// Counters by key. In the component they are the host's; tests have their own.
pub trait Counters {
    /// Takes a token from a bucket of `burst` tokens, which gets `rate` new ones per second. False if it is empty.
    fn take_token(&self, key: &str, at_ms: u64, rate: f64, burst: u32) -> bool;

    /// Counts a request in a window. False, and not counted, if it has `limit` requests already.
    fn count(&self, key: &str, window: u64, limit: u64) -> bool;
}
