//! Amazon SQS's quotas and ranges, each once.

use std::ops::RangeInclusive;

/// Bytes of a message, attributes included, and of all messages of one batch.
pub const MESSAGE_SIZE: u64 = 1_048_576;
/// Bytes to which a queue may set its `MaximumMessageSize`.
pub const MAXIMUM_MESSAGE_SIZE: RangeInclusive<u64> = 1024..=MESSAGE_SIZE;
/// Entries of one batch.
pub const BATCH_ENTRIES: usize = 10;
/// Characters of a batch entry's id.
pub const BATCH_ID: usize = 80;
/// Characters of a queue's name, `.fifo` included.
pub const QUEUE_NAME: usize = 80;
/// User attributes of one message.
pub const MESSAGE_ATTRIBUTES: usize = 10;
/// Bytes that the name and the type of a message attribute must stay below.
pub const ATTRIBUTE_NAME: usize = 256;
/// Characters of a message group id, a deduplication id and a receive attempt id.
pub const FIFO_ID: usize = 128;
/// Seconds.
pub const DELAY_SECONDS: RangeInclusive<u64> = 0..=900;
/// Seconds: up to 12 hours, per receive and in all.
pub const VISIBILITY_TIMEOUT: RangeInclusive<u64> = 0..=43_200;
/// Seconds: a minute to 14 days.
pub const RETENTION_PERIOD: RangeInclusive<u64> = 60..=1_209_600;
/// Seconds of a long poll.
pub const WAIT_TIME_SECONDS: RangeInclusive<u64> = 0..=20;
/// Messages of one receive.
pub const RECEIVE: RangeInclusive<u64> = 1..=10;
/// Receives after which a message counts as dead.
pub const MAX_RECEIVE_COUNT: RangeInclusive<u64> = 1..=1000;
/// Seconds for which a data key is used again.
pub const DATA_KEY_REUSE: RangeInclusive<u64> = 60..=86_400;
/// Queues that a `RedriveAllowPolicy` may name.
pub const REDRIVE_SOURCES: usize = 10;
/// Queues of one page of a list.
pub const PAGE: RangeInclusive<u64> = 1..=1000;
/// Tasks that one `ListMessageMoveTasks` tells of.
pub const MOVE_TASKS: RangeInclusive<u64> = 1..=10;
/// Messages per second of a move task.
pub const MOVE_RATE: RangeInclusive<u64> = 1..=500;
/// Tags of a queue.
pub const TAGS: usize = 50;
/// Characters of a tag's key.
pub const TAG_KEY: usize = 128;
/// Characters of a tag's value.
pub const TAG_VALUE: usize = 256;
/// Statements of a queue's policy.
pub const POLICY_STATEMENTS: usize = 20;
/// Actions of one permission.
pub const PERMISSION_ACTIONS: usize = 7;
/// Seconds that have to pass between two purges, and between a queue's end and its namesake's beginning.
pub const QUIET_SECONDS: u32 = 60;

/// Bytes of a request's body: a full batch with every byte escaped, and its envelope.
pub const REQUEST_BODY: usize = 8 * 1024 * 1024;

/// What a new queue has where nothing else is asked for.
pub mod defaults {
    /// Seconds.
    pub const VISIBILITY_TIMEOUT: u64 = 30;
    /// Seconds: four days.
    pub const RETENTION_PERIOD: u64 = 345_600;
    /// Seconds.
    pub const DATA_KEY_REUSE: u64 = 300;
}
