//! Every bound a plugin lives within, in one place, each with the reason for its size.
//!
//! A shaper's work takes microseconds and kilobytes, so the bounds are generous to honest plugins and still end a
//! hostile one before anybody notices. Where AWS has a limit of its own it stands beside ours. What happens at a
//! bound is told where the bound is applied; none of them is silent.

use std::time::Duration;

/// A component file, in bytes. The largest in practice carry a Python interpreter, 18 MB.
pub const COMPONENT_BYTES: usize = 64 << 20;

/// How long the compiler may work on one component. Python's 18 MB take 11 s on two cores.
pub const COMPILE: Duration = Duration::from_secs(60);

/// Imports and exports a component may have, each. Rust's standard library needs 20.
pub const COMPONENT_NAMES: usize = 1_000;

/// A trigger's configuration as JSON, in bytes.
pub const CONFIG_BYTES: usize = 64 << 10;

/// The state that `configure` hands to every later call, in bytes: it is copied into each of them.
pub const STATE_BYTES: usize = 1 << 20;

/// The summary that `configure` makes for `lambkin check`, in bytes of all its lines: more than any configuration says.
pub const SUMMARY_BYTES: usize = 1 << 20;

/// The token that `shape` hands to `respond`, in bytes.
pub const TOKEN_BYTES: usize = 64 << 10;

/// The token that a batch trigger's `shape` hands to `settle`, in bytes: it may name every message of the batch.
pub const BATCH_TOKEN_BYTES: usize = 1 << 20;

/// The event of a batch, in bytes. AWS: 6 MiB for a function that is waited for.
pub const BATCH_EVENT_BYTES: usize = 6 << 20;

/// The event of an object's change, in bytes. AWS: 1 MiB for a function that is not waited for, and for a message.
pub const OBJECT_EVENT_BYTES: usize = 1 << 20;

/// Messages of a batch. AWS: the most that a batch of any event source may have.
pub const BATCH_MESSAGES: u64 = 10_000;

/// How long a batch may be waited for. AWS: 5 minutes.
pub const BATCH_WINDOW: Duration = Duration::from_secs(300);

/// The body of a request to an HTTP trigger, in bytes: the host's own maximum, which a plugin may lower. AWS: 10 MiB on API
/// Gateway.
pub const HTTP_BODY_BYTES: usize = 16 << 20;

/// A function's name with its qualifier, in bytes. AWS: 64 for the name, 128 for the qualifier, 140 for both of a
/// partial ARN.
pub const FUNCTION_BYTES: usize = 256;

/// A queue's name, in bytes. AWS: 80.
pub const QUEUE_BYTES: usize = 80;

/// Headers of a response, and the bytes of their names and values together. AWS: 10 240 bytes on API Gateway.
pub const HEADER_COUNT: usize = 1_000;
/// See [`HEADER_COUNT`].
pub const HEADER_BYTES: usize = 256 << 10;

/// Linear memory of one instance, in bytes. A Rust shaper uses 1 MiB, a Python one starts at 13 MB.
pub const MEMORY_BYTES: usize = 64 << 20;

/// Elements of one table. The largest known guest needs 7 688.
pub const TABLE_ELEMENTS: usize = 20_000;

/// Core instances, memories and tables of one call.
pub const CORE_INSTANCES: usize = 100;
/// See [`CORE_INSTANCES`].
pub const MEMORIES: usize = 8;
/// See [`CORE_INSTANCES`].
pub const TABLES: usize = 64;

/// A guest's stack, in bytes; deeper recursion is a trap.
pub const STACK_BYTES: usize = 512 << 10;

/// What one call may use, by the kind of call. A plugin that does more is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Processor time: that of the call's own turns, so a call that waits is not charged for the wait.
    pub cpu: Duration,
    /// The whole call by the clock on the wall, waits included.
    pub wall: Duration,
    /// Bytes the guest may hand to the host at once: with its result, or in one call of a host function.
    pub copied_bytes: usize,
    /// Whether the call may wait for long, for a message or for the network. Such calls have places of their own
    /// ([`WAITING_CALLS`]), so that they never keep a shaper waiting.
    pub waits: bool,
}

/// A shaper's call. AWS: a payload is at most 6 MB, which leaves quota for a result that also has a large token.
pub const SHAPER: Bounds = Bounds {
    cpu: Duration::from_millis(100),
    wall: Duration::from_secs(10),
    copied_bytes: 16 << 20,
    waits: false,
};

/// What a batch adds to the processor time of [`SHAPER`] and to its time on the wall, for each message.
pub const CPU_PER_MESSAGE: Duration = Duration::from_millis(10);

/// A batch trigger's call about so many messages.
pub fn batch(messages: usize) -> Bounds {
    let more = CPU_PER_MESSAGE.saturating_mul(u32::try_from(messages).unwrap_or(u32::MAX));
    Bounds {
        cpu: SHAPER.cpu.saturating_add(more),
        wall: SHAPER.wall.saturating_add(more),
        ..SHAPER
    }
}

/// A request to a service: as long as it needs, as bodies may be slow and a receive may wait. Its processor time lets
/// a body of gigabytes through. AWS: a part of an upload is at most 5 GB.
pub const SERVICE: Bounds = Bounds {
    cpu: Duration::from_secs(30),
    wall: Duration::MAX,
    copied_bytes: 16 << 20,
    waits: true,
};

/// A source's call. AWS: a long poll lasts up to 20 s; the rest is for slow networks.
pub const SOURCE: Bounds = Bounds {
    cpu: Duration::from_secs(1),
    wall: Duration::from_secs(60),
    copied_bytes: 16 << 20,
    waits: true,
};

/// How often a running guest is looked at and hands its thread back.
pub const TICK: Duration = Duration::from_millis(5);

/// Handles (streams, pollables) one call may hold.
pub const HANDLES: usize = 256;

/// Output to stdout and stderr of one call, in bytes; what is beyond is dropped, and the log says so.
pub const LOG_BYTES: usize = 64 << 10;

/// Random bytes a guest may ask for at once.
pub const RANDOM_BYTES: u64 = 64 << 10;

/// Calls that run at the same time, over all plugins. Later ones queue.
pub const CALLS: usize = 256;

/// The same of one trigger: more than a machine has processors, and few enough that several triggers that are full leave
/// places for others.
pub const QUOTA_CALLS: usize = 64;

/// Calls at the same time, over all plugins, that may wait for long ([`Bounds::waits`]). Later ones queue.
pub const WAITING_CALLS: usize = 1_280;

/// The same of one service or source: each client that polls a queue takes one. Two that are full leave places for others.
pub const QUOTA_WAITING_CALLS: usize = 512;

/// Linear memory of all calls of one trigger, service or source together, in bytes: 64 calls with all they may have, or
/// each of 512 with 8 MiB.
pub const QUOTA_MEMORY_BYTES: usize = 64 * MEMORY_BYTES;

/// The processor time after which a call shares its turns with the others of its trigger, service or source that have used
/// as much: what most calls never come to.
pub const HEAD_START: Duration = TICK;

/// How long a call may queue for its turn.
pub const QUEUE: Duration = Duration::from_secs(10);

/// Attributes of a queue or a bucket, in bytes of their names and values together. AWS: tags and policies are the
/// largest, 20 KB for a bucket's policy.
pub const ATTRIBUTES_BYTES: usize = 64 << 10;

/// Messages that a service may send at once. The store's one writer is busy with them for some milliseconds, and everybody
/// waits for it. AWS: 10.
pub const SENT_MESSAGES: usize = 1_000;

/// Receipts that a service may settle at once: as many as it may receive.
pub const SETTLED_MESSAGES: usize = 10_000;

/// Parts that may be put together at once. AWS: 10,000.
pub const COMPOSED_PARTS: usize = 10_000;

/// An object's key, in bytes. AWS: 1,024.
pub const KEY_BYTES: usize = 1_024;

/// What is kept with an object or an upload of parts, in bytes of names, values and the entity tag together. AWS: 8 KB of
/// headers, and tags.
pub const METADATA_BYTES: usize = 64 << 10;

/// The same of a part, of which there are many. AWS: a checksum.
pub const PART_METADATA_BYTES: usize = 4 << 10;

/// Bytes of an object that one read hands out.
pub const READ_BYTES: usize = 1 << 20;

/// Entries of one list. AWS: 10 000 buckets, 1 000 of anything else.
pub const LISTED: usize = 10_000;

/// Buckets that are read at once while a list of them is made.
pub const BUCKETS_PAGE: usize = 500;

/// A list of queues ends once they have so many bytes of attributes.
pub const LISTED_BYTES: usize = 16 << 20;

/// As many as were asked for, up to [`LISTED`].
pub(crate) fn listed(most: u32) -> usize {
    LISTED.min(most as usize)
}

/// How long a body may stand still, with one side waiting for the other. AWS: S3 gives up a request body after 20 s; a
/// person in a debugger takes longer.
pub const BODY_IDLE: Duration = Duration::from_secs(60);

/// The longest body of a service's answer that the host collects before it passes the answer on. A plugin that fails while
/// it writes such an answer costs its caller an error instead of a body that breaks off.
pub const WHOLE_ANSWER_BYTES: usize = 1 << 20;

/// The pieces of a body that the host holds for the reader of the body, and the bytes of each: 1 MiB at the most.
pub const BODY_PIECES: usize = 15;
/// See [`BODY_PIECES`].
pub const BODY_PIECE_BYTES: usize = 64 << 10;

/// How long a source's connection may take to be made, TLS included, unless it asks for another time.
pub const CONNECT: Duration = Duration::from_secs(10);

/// Messages that a source may hand over at once. AWS: the largest batch of any source.
pub const SOURCE_MESSAGES: u32 = 10_000;

/// A name that a source gives itself, in bytes.
pub const SOURCE_NAME_BYTES: usize = 1_024;
