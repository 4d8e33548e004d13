//! The limits of AWS's event source mappings for queues, each once.

use std::ops::RangeInclusive;

/// Messages of a batch.
pub const BATCH_SIZE: RangeInclusive<u32> = 1..=10_000;
/// Messages of a FIFO queue's batch.
pub const FIFO_BATCH_SIZE: RangeInclusive<u32> = 1..=10;
/// Messages of a batch, unless the mapping says.
pub const DEFAULT_BATCH_SIZE: u32 = 10;
/// A larger batch than this needs a batching window.
pub const LARGEST_WITHOUT_WINDOW: u32 = 10;
/// Seconds a batch waits for messages.
pub const WINDOW_SECONDS: RangeInclusive<u32> = 0..=300;
/// Batches at a time.
pub const CONCURRENCY: RangeInclusive<u32> = 2..=1000;
/// Filters of a mapping; accounts start with 5 and may ask for these.
pub const FILTERS: usize = 10;
/// Characters of a filter's pattern.
pub const PATTERN: usize = 4096;
/// Bytes of an event.
pub const EVENT: usize = 6 * 1024 * 1024;

/// About the bytes that a record has beside body and attributes. What matters is that the host gathers few messages in
/// vain: a record that does not fit into the event is told again.
const ENVELOPE: u32 = 1024;

/// Bytes of the largest message: the host may always gather this much.
const MESSAGE: u32 = 1024 * 1024;

/// The bytes of bodies and attributes for a batch of up to so many messages.
pub fn batch_bytes(messages: u32) -> u32 {
    u32::try_from(EVENT)
        .unwrap_or(u32::MAX)
        .saturating_sub(messages.saturating_mul(ENVELOPE))
        .max(MESSAGE)
}
