//! Amazon SQS's quotas and ranges of values.

use std::ops::RangeInclusive;

/// Maximum size of a message including its attributes, and of all messages of a batch together, in bytes.
pub const MESSAGE_SIZE: u64 = 1_048_576;
/// Range of the queue attribute `MaximumMessageSize`, in bytes.
pub const MAXIMUM_MESSAGE_SIZE: RangeInclusive<u64> = 1024..=MESSAGE_SIZE;
/// Maximum number of entries in a batch.
pub const BATCH_ENTRIES: usize = 10;
/// Maximum length of a batch entry's id, in characters.
pub const BATCH_ID: usize = 80;
/// Maximum length of a queue's name including `.fifo`, in characters.
pub const QUEUE_NAME: usize = 80;
/// Maximum number of user attributes of a message.
pub const MESSAGE_ATTRIBUTES: usize = 10;
/// Maximum length of the name and of the type of a message attribute, in bytes.
pub const ATTRIBUTE_NAME: usize = 256;
/// Maximum length of a message group id, deduplication id and receive request attempt id, in characters.
pub const FIFO_ID: usize = 128;
/// Range of `DelaySeconds`.
pub const DELAY_SECONDS: RangeInclusive<u64> = 0..=900;
/// Range of `VisibilityTimeout`, in seconds. 12 hours are also the limit for all extensions together.
pub const VISIBILITY_TIMEOUT: RangeInclusive<u64> = 0..=43_200;
/// Range of `MessageRetentionPeriod`, in seconds: one minute to 14 days.
pub const RETENTION_PERIOD: RangeInclusive<u64> = 60..=1_209_600;
/// Range of `WaitTimeSeconds`.
pub const WAIT_TIME_SECONDS: RangeInclusive<u64> = 0..=20;
/// Range of `MaxNumberOfMessages`.
pub const RECEIVE: RangeInclusive<u64> = 1..=10;
/// Range of `maxReceiveCount` in a `RedrivePolicy`.
pub const MAX_RECEIVE_COUNT: RangeInclusive<u64> = 1..=1000;
/// Range of `KmsDataKeyReusePeriodSeconds`.
pub const DATA_KEY_REUSE: RangeInclusive<u64> = 60..=86_400;
/// Maximum number of `sourceQueueArns` in a `RedriveAllowPolicy`.
pub const REDRIVE_SOURCES: usize = 10;
/// Range of `MaxResults` in lists of queues.
pub const PAGE: RangeInclusive<u64> = 1..=1000;
/// Range of `MaxResults` in `ListMessageMoveTasks`.
pub const MOVE_TASKS: RangeInclusive<u64> = 1..=10;
/// Range of `MaxNumberOfMessagesPerSecond` of a move task.
pub const MOVE_RATE: RangeInclusive<u64> = 1..=500;
/// Maximum number of tags of a queue.
pub const TAGS: usize = 50;
/// Maximum length of a tag's key, in characters.
pub const TAG_KEY: usize = 128;
/// Maximum length of a tag's value, in characters.
pub const TAG_VALUE: usize = 256;
/// Maximum number of statements in a queue's policy.
pub const POLICY_STATEMENTS: usize = 20;
/// Maximum number of actions in `AddPermission`.
pub const PERMISSION_ACTIONS: usize = 7;
/// Minimum time between two purges of a queue, and between deleting a queue and creating one with its name, in seconds.
pub const MIN_DELAY_SECONDS: u32 = 60;

/// Maximum size of a request's body, in bytes: room for a full batch with every byte escaped. AWS documents no such
/// limit.
pub const REQUEST_BODY: usize = 8 * 1024 * 1024;

/// AWS's defaults for a new queue.
pub mod defaults {
    /// `VisibilityTimeout`, in seconds.
    pub const VISIBILITY_TIMEOUT: u64 = 30;
    /// `MessageRetentionPeriod`, in seconds: four days.
    pub const RETENTION_PERIOD: u64 = 345_600;
    /// `KmsDataKeyReusePeriodSeconds`.
    pub const DATA_KEY_REUSE: u64 = 300;
}
