//! Times and counts as SQLite's integers, which are signed.

/// A time in milliseconds for SQLite. Times beyond its range become the last one that it can hold, which is as good
/// as never.
pub(crate) fn time(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// A time or a count as SQLite has stored it.
pub(crate) fn from_time(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}
