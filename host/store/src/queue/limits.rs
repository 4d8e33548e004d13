//! The limits of queues, each with a word on why.

/// The length of a queue's name, SQS's.
pub(crate) const NAME_BYTES: usize = 80;

/// What a service may keep with a queue: more would be read with every operation for nothing.
pub(crate) const ATTRIBUTES_BYTES: usize = 64 * 1024;

/// The most messages of one receive: Lambda's largest batch.
pub(crate) const MAX_MESSAGES: usize = 10_000;

/// A receive takes no further message once it has so many bytes of bodies and what goes with them: they are in memory all
/// at once. More than twice what an event may carry.
pub(crate) const RECEIVE_BYTES: usize = 16 * 1024 * 1024;

/// A page of queues has no further one once they have so many bytes of attributes.
pub(crate) const LIST_BYTES: usize = 16 * 1024 * 1024;

/// The most messages of a queue that are leased at a time, SQS's.
pub(crate) const IN_FLIGHT: u64 = 120_000;

/// The longest a lease lasts with all its extensions, SQS's 12 hours.
pub(crate) const LONGEST_LEASE_MS: u64 = 12 * 60 * 60 * 1000;

/// How long a deduplication id is remembered, SQS's 5 minutes.
pub(crate) const DEDUPLICATION_MS: u64 = 5 * 60 * 1000;

/// How long a receive is remembered by its name, SQS's 5 minutes.
pub(crate) const RECEIVE_ATTEMPT_MS: u64 = 5 * 60 * 1000;

/// How long it is remembered that a queue was deleted: SQS lets its name rest for a minute.
pub(crate) const TOMBSTONE_MS: u64 = 60 * 1000;

/// How many messages that nobody gets any more one operation puts away in passing: a transaction stays short, and
/// others get their turn.
pub(crate) const DISCARDS: usize = 500;

/// How many forgotten deduplication ids a send puts away, and a receive forgotten names: more than it adds, so they never
/// pile up.
pub(crate) const FORGOTTEN_PER_SEND: usize = 4;

/// How many messages one step of a move without a rate moves.
pub(crate) const MOVE_STEP: usize = 100;

/// How many moves of a queue are remembered; SQS tells the last ten.
pub(crate) const MOVES_KEPT: usize = 10;

/// How often what has expired is looked for in queues that nobody receives from.
pub(crate) const CLEANING_MS: u64 = 60 * 1000;

/// The wait of the housekeeping after a failure of the store, a full disk for example.
pub(crate) const PAUSE_MS: u64 = 1000;
