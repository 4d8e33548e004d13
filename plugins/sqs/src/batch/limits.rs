//! Limits of AWS's event source mappings for SQS queues.

use std::ops::RangeInclusive;

/// `BatchSize` of a standard queue, in messages.
pub const BATCH_SIZE: RangeInclusive<u32> = 1..=10_000;
/// `BatchSize` of a FIFO queue, in messages.
pub const FIFO_BATCH_SIZE: RangeInclusive<u32> = 1..=10;
/// The default of `BatchSize`, in messages.
pub const DEFAULT_BATCH_SIZE: u32 = 10;
/// The largest `BatchSize` that needs no batching window, in messages.
pub const LARGEST_WITHOUT_WINDOW: u32 = 10;
/// `MaximumBatchingWindowInSeconds`.
pub const WINDOW_SECONDS: RangeInclusive<u32> = 0..=300;
/// `MaximumConcurrency`: batches that are processed at the same time.
pub const CONCURRENCY: RangeInclusive<u32> = 2..=1000;
/// Maximum number of filters. AWS's default quota is 5; it can be raised to this.
pub const FILTERS: usize = 10;
/// Maximum length of a filter's pattern, in characters.
pub const PATTERN: usize = 4096;
/// Maximum size of an event, in bytes: Lambda's limit for a synchronous invocation.
pub const EVENT: usize = 6 * 1024 * 1024;

/// Approximate size of a record without its body and attributes, in bytes. An estimate is enough: a message that does
/// not fit into the event is delivered in the next one.
const ENVELOPE: u32 = 1024;

/// Maximum size of a message, in bytes: a batch may always have this much.
const MESSAGE: u32 = 1024 * 1024;

/// The maximum size of all bodies and attributes in a batch of up to `messages` messages, in bytes.
pub fn batch_bytes(messages: u32) -> u32 {
    u32::try_from(EVENT)
        .unwrap_or(u32::MAX)
        .saturating_sub(messages.saturating_mul(ENVELOPE))
        .max(MESSAGE)
}
