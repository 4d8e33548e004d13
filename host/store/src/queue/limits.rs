//! The limits of queues, with the AWS rule or the reason behind each.

/// The maximum length of a queue's name in bytes (SQS: 80 characters).
pub(crate) const NAME_BYTES: usize = 80;

/// The maximum size in bytes of the attributes that a service keeps with a queue. They are read with each description.
pub(crate) const ATTRIBUTES_BYTES: usize = 64 * 1024;

/// The maximum number of messages of one receive: the largest batch of a Lambda event source mapping.
pub(crate) const MAX_MESSAGES: usize = 10_000;

/// The size in bytes at which a receive takes no further message, bodies and attributes together: they are in memory
/// at the same time. More than twice what a Lambda event can carry (6 MB).
pub(crate) const RECEIVE_BYTES: usize = 16 * 1024 * 1024;

/// The size in bytes of attributes at which a page of queues ends.
pub(crate) const LIST_BYTES: usize = 16 * 1024 * 1024;

/// The maximum number of leased messages of a queue (SQS: 120,000 messages in flight in a standard queue).
pub(crate) const IN_FLIGHT: u64 = 120_000;

/// The maximum duration of a lease with all its extensions (SQS: 12 hours).
pub(crate) const LONGEST_LEASE_MS: u64 = 12 * 60 * 60 * 1000;

/// How long a deduplication id is remembered (SQS: 5 minutes).
pub(crate) const DEDUPLICATION_MS: u64 = 5 * 60 * 1000;

/// How long a named receive can be repeated (SQS: 5 minutes).
pub(crate) const RECEIVE_ATTEMPT_MS: u64 = 5 * 60 * 1000;

/// How long the deletion of a queue is remembered (SQS: a name can be used again after 60 seconds).
pub(crate) const TOMBSTONE_MS: u64 = 60 * 1000;

/// The maximum number of expired or dead messages that one operation clears away besides its own work, so that
/// transactions stay short and others are not held up.
pub(crate) const DISCARDS: usize = 500;

/// The number of expired deduplication ids that a send deletes, and of expired names that a named receive deletes. It
/// is more than either adds, so the tables do not grow without bound.
pub(crate) const EXPIRED_PER_OPERATION: usize = 4;

/// The number of messages that one step of a move without a rate moves.
pub(crate) const MOVE_STEP: usize = 100;

/// The number of moves that are remembered per queue (SQS lists the last ten).
pub(crate) const MOVES_KEPT: usize = 10;

/// The interval at which all queues are searched for expired messages.
pub(crate) const EXPIRY_INTERVAL_MS: u64 = 60 * 1000;

/// The pause of the maintenance after a failure of the store, such as a full disk.
pub(crate) const PAUSE_MS: u64 = 1000;
