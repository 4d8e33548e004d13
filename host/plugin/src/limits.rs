//! All limits for plugins, each with the reason for its value.
//!
//! A trigger's call takes microseconds and kilobytes, so the limits are generous to plugins that behave and still
//! stop one that does not before it disturbs others. Where AWS has a limit of its own, it is given as well. The code
//! that enforces a limit documents what happens when it is exceeded; each case is reported.

use std::time::Duration;

/// The size of a component file, in bytes. The largest known ones contain a Python interpreter and have 18 MB.
pub const COMPONENT_BYTES: usize = 64 << 20;

/// The processor time for compiling one component, of all threads together. What a slower or busier machine does in
/// the same time by the clock varies; this does not. Python's 18 MB take 8 s.
pub const COMPILE_CPU: Duration = Duration::from_secs(300);

/// The memory for compiling one component, in bytes: heap and stacks of the compiler's process. Python's 18 MB take
/// 360 MB.
pub const COMPILE_MEMORY_BYTES: u64 = 3 << 30;

/// How long a compilation may take before its progress is reported.
pub const QUIET_COMPILE: Duration = Duration::from_millis(500);

/// Compiled components in the cache, in bytes. Python's 18 MB become 35 MB.
pub const CACHE_BYTES: u64 = 1 << 30;

/// The number of imports of a component, and of its exports. Rust's standard library has 20 imports.
pub const COMPONENT_NAMES: usize = 1_000;

/// The configuration of a trigger, service or source as JSON, in bytes.
pub const CONFIG_BYTES: usize = 64 << 10;

/// The state that `configure` returns for later calls, in bytes. It is copied into each of them.
pub const STATE_BYTES: usize = 1 << 20;

/// The lines that `configure` returns for the operator (summary, warnings), in bytes per list.
pub const SUMMARY_BYTES: usize = 1 << 20;

/// The token that a step of an HTTP trigger returns for `resume`, in bytes.
pub const TOKEN_BYTES: usize = 64 << 10;

/// The URL of a fetch, in bytes. AWS: a JWT issuer's URL has up to 2,048.
pub const FETCH_URL_BYTES: usize = 8 << 10;

/// The longest time for a fetch. AWS: API Gateway waits 1.5 s for a JWKS, and 30 s for an integration.
pub const FETCH_WAIT: Duration = Duration::from_secs(30);

/// The body of a fetch's request, and of its response, in bytes. A JWKS has some kilobytes.
pub const FETCHED_BYTES: usize = 1 << 20;

/// The key of an entry in an HTTP trigger's cache, in bytes. AWS: all identity sources together are below 10 KB, the
/// most that a request's headers have.
pub const CACHE_KEY_BYTES: usize = 64 << 10;

/// How long an HTTP trigger's cache may keep an entry. AWS: an authorizer's result is kept for up to an hour.
pub const CACHE_TTL: Duration = Duration::from_secs(3_600);

/// The longest delay after which a message is delivered again. AWS: the longest visibility timeout is 12 hours.
pub const RETRY_MS: u32 = 12 * 3_600 * 1_000;

/// The id of a part of a log, in bytes. AWS: a shard's id has up to 128.
pub const PART_BYTES: usize = 1_024;

/// The number of parts of a log. AWS: 10,000 shards per stream by default.
pub const PARTS: usize = 10_000;

/// The cursor in a part of a log, in bytes. AWS: a shard iterator has up to 512, a sequence number up to 128.
pub const CURSOR_BYTES: usize = 4 << 10;

/// The token that a batch trigger's `shape` returns for `settle`, in bytes. It may contain the id of every message.
pub const BATCH_TOKEN_BYTES: usize = 1 << 20;

/// The event for a batch, in bytes. AWS: 6 MiB for a synchronous invocation.
pub const BATCH_EVENT_BYTES: usize = 6 << 20;

/// The event for a change of an object, in bytes. AWS: 1 MiB for an asynchronous invocation, and for a message.
pub const OBJECT_EVENT_BYTES: usize = 1 << 20;

/// The number of messages in a batch. AWS: the largest batch size of all event sources.
pub const BATCH_MESSAGES: u64 = 10_000;

/// The time for gathering a batch. AWS: 5 minutes.
pub const BATCH_WINDOW: Duration = Duration::from_secs(300);

/// The body of a request to an HTTP trigger, in bytes: the host's maximum. A plugin sets its own below it. AWS: 10
/// MiB on API Gateway.
pub const HTTP_BODY_BYTES: usize = 16 << 20;

/// The name of a function with its qualifier, in bytes. AWS: 64 for the name, 128 for the qualifier, 140 for both in a
/// partial ARN.
pub const FUNCTION_BYTES: usize = 256;

/// The name of a queue, in bytes. AWS: 80.
pub const QUEUE_BYTES: usize = 80;

/// The number of headers in a response. AWS: 10,240 bytes of headers on API Gateway.
pub const HEADER_COUNT: usize = 1_000;
/// The names and values of a response's headers together, in bytes.
pub const HEADER_BYTES: usize = 256 << 10;

/// The id that a plugin gives to a WebSocket connection, in bytes. AWS: 16.
pub const CONNECTION_ID_BYTES: usize = 128;
/// A plugin's data about a WebSocket connection, in bytes. It is copied into each call for the connection.
pub const CONNECTION_DATA_BYTES: usize = 64 << 10;
/// A message or a frame of a WebSocket connection, in bytes. AWS: 128 KiB and 32 KiB.
pub const WEBSOCKET_MESSAGE_BYTES: usize = 16 << 20;
/// The reason of a close frame, in bytes: what RFC 6455 leaves of a control frame's 125.
pub const CLOSE_REASON_BYTES: usize = 123;

/// The timers of one HTTP trigger. AWS: a load balancer has up to 100 target groups.
pub const TIMERS: usize = 100;
/// The shortest and the longest interval of a timer. AWS: health checks are at least 5 s apart; tests are in a hurry.
pub const TIMER_INTERVAL: (Duration, Duration) = (
    Duration::from_millis(100),
    Duration::from_secs(24 * 60 * 60),
);
/// The name of a timer, in bytes.
pub const TIMER_NAME_BYTES: usize = 256;
/// What a plugin keeps between two requests of a timer, in bytes. It is copied into each of them.
pub const TIMER_MEMORY_BYTES: usize = 1024;

/// The linear memory of one instance, in bytes. A trigger written in Rust uses 1 MiB, one in Python starts at 13 MB.
pub const MEMORY_BYTES: usize = 64 << 20;

/// The number of elements in a table. The largest known guest needs 7,688.
pub const TABLE_ELEMENTS: usize = 20_000;

/// The number of core instances in one call.
pub const CORE_INSTANCES: usize = 100;
/// The number of linear memories in one call.
pub const MEMORIES: usize = 8;
/// The number of tables in one call.
pub const TABLES: usize = 64;

/// The stack of a guest, in bytes. Deeper recursion traps.
pub const STACK_BYTES: usize = 512 << 10;

/// The linear memory of an instance, in bytes, up to which it is kept for another call. A plugin that frees nothing is
/// replaced before it reaches [`MEMORY_BYTES`].
pub const KEPT_MEMORY_BYTES: usize = MEMORY_BYTES / 2;

/// The number of instances that all triggers together keep for further calls.
pub const KEPT_INSTANCES: usize = 64;

/// The limits of one call. A call that exceeds one of them is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Processor time. The time that a call waits does not count.
    pub cpu: Duration,
    /// Wall-clock time of the whole call, including waits.
    pub wall: Duration,
    /// Bytes that the guest passes to the host with its result, or in one call of a host function.
    pub copied_bytes: usize,
    /// Whether the call may wait for a message or for the network. Such calls have a pool of their own
    /// ([`WAITING_CALLS`]), so that they do not delay triggers.
    pub waits: bool,
}

/// The processor time that each KiB of input adds to that of a trigger's call: half a second per MiB. Parsing a MiB of
/// JSON takes 70 ms in Rust and 130 ms in Python, and a slow machine takes several times as long.
pub const CPU_PER_KIB: Duration = Duration::from_micros(500);

/// The wall-clock time that each KiB of input adds to that of a trigger's call: long calls of one trigger take turns.
pub const WALL_PER_KIB: Duration = Duration::from_millis(10);

impl Bounds {
    /// These limits for a call whose arguments have this many bytes.
    pub fn for_input(self, bytes: usize) -> Self {
        let kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX);
        Self {
            cpu: self.cpu.saturating_add(CPU_PER_KIB.saturating_mul(kib)),
            wall: self.wall.saturating_add(WALL_PER_KIB.saturating_mul(kib)),
            ..self
        }
    }
}

/// The limits of a trigger's call, before its input is counted ([`Bounds::for_input`]). AWS: an event has up to 6 MB,
/// so `copied_bytes` leaves room for a large token.
pub const SHAPER: Bounds = Bounds {
    cpu: Duration::from_millis(100),
    wall: Duration::from_secs(10),
    copied_bytes: 16 << 20,
    waits: false,
};

/// The time that each message of a batch adds to the processor time and the wall-clock time of [`SHAPER`].
pub const CPU_PER_MESSAGE: Duration = Duration::from_millis(10);

/// The limits of a batch trigger's call for this number of messages.
pub fn batch(messages: usize) -> Bounds {
    let more = CPU_PER_MESSAGE.saturating_mul(u32::try_from(messages).unwrap_or(u32::MAX));
    Bounds {
        cpu: SHAPER.cpu.saturating_add(more),
        wall: SHAPER.wall.saturating_add(more),
        ..SHAPER
    }
}

/// The limits of a request to a service. There is no wall-clock limit, because bodies may be slow and a receive may
/// wait. The processor time is enough for a body of several gigabytes. AWS: a part of an upload has up to 5 GB.
pub const SERVICE: Bounds = Bounds {
    cpu: Duration::from_secs(30),
    wall: Duration::MAX,
    copied_bytes: 16 << 20,
    waits: true,
};

/// The limits of a source's call. AWS: a long poll lasts up to 20 s; the rest allows for slow networks. What a call
/// receives is not known in advance; the processor time is enough for 16 MiB of JSON in Python.
pub const SOURCE: Bounds = Bounds {
    cpu: Duration::from_secs(10),
    wall: Duration::from_secs(60),
    copied_bytes: 16 << 20,
    waits: true,
};

/// The interval after which a running guest yields its thread, and its processor time is checked.
pub const TICK: Duration = Duration::from_millis(5);

/// The number of handles (streams, pollables, open queues) in one call.
pub const HANDLES: usize = 256;

/// The output of one call to stdout and stderr, in bytes. Further output is dropped, and the log says so.
pub const LOG_BYTES: usize = 64 << 10;

/// The number of warnings that a call may return for the log. Further ones are dropped.
pub const MAX_WARNINGS: usize = 10;

/// The number of random bytes per request for them.
pub const RANDOM_BYTES: u64 = 64 << 10;

/// Concurrent calls of all triggers together. Further calls wait.
pub const CALLS: usize = 256;

/// Concurrent calls of one trigger: more than a machine has processors, and few enough that several triggers at their
/// limit leave calls for others.
pub const QUOTA_CALLS: usize = 64;

/// Concurrent calls of all services and sources together ([`Bounds::waits`]). Further calls wait.
pub const WAITING_CALLS: usize = 1_280;

/// Concurrent calls of one service or source. Each client that polls a queue takes one. Two services at their limit
/// leave calls for others.
pub const QUOTA_WAITING_CALLS: usize = 512;

/// The linear memory of all calls of one trigger, service or source together, in bytes: 64 calls with [`MEMORY_BYTES`]
/// each, or 512 calls with 8 MiB each.
pub const QUOTA_MEMORY_BYTES: usize = 64 * MEMORY_BYTES;

/// The processor time after which a call shares time slices with the other long-running calls of its trigger, service
/// or source. Most calls end before that.
pub const FAIR_SHARE_AFTER: Duration = TICK;

/// The time that a call waits for its turn before it fails.
pub const QUEUE_WAIT: Duration = Duration::from_secs(10);

/// The attributes of a queue or a bucket, in bytes of names and values. AWS: the largest are tags and policies; a
/// bucket policy has up to 20 KB.
pub const ATTRIBUTES_BYTES: usize = 64 << 10;

/// The number of messages in one `send`. The store's writer is busy with them for some milliseconds, during which all
/// other writes wait. AWS: 10.
pub const SENT_MESSAGES: usize = 1_000;

/// The number of receipts in one `remove` or `change-leases`: as many as one `receive` may return.
pub const RECEIPTS: usize = 10_000;

/// The number of parts in one `compose`. AWS: 10,000.
pub const COMPOSED_PARTS: usize = 10_000;

/// The key of an object, in bytes. AWS: 1,024.
pub const KEY_BYTES: usize = 1_024;

/// The metadata of an object or a multipart upload, in bytes of names, values and entity tag. AWS: 8 KB of headers,
/// plus tags.
pub const METADATA_BYTES: usize = 64 << 10;

/// The metadata of a part, in bytes. An upload has many parts. AWS: a checksum.
pub const PART_METADATA_BYTES: usize = 4 << 10;

/// The bytes that one read of an object returns.
pub const READ_BYTES: usize = 1 << 20;

/// The number of entries in one list. AWS: 10,000 buckets, 1,000 of anything else.
pub const LISTED: usize = 10_000;

/// The number of buckets that are read at once while a list of buckets is made.
pub const BUCKETS_PAGE: usize = 500;

/// The attributes in a list of queues, in bytes. A list that has this many ends early.
pub const LISTED_BYTES: usize = 16 << 20;

/// The requested number of entries, up to [`LISTED`].
pub(crate) fn list_size(max: u32) -> usize {
    LISTED.min(max as usize)
}

/// The time that a body may make no progress while one side waits for the other. AWS: S3 aborts a request body after
/// 20 s, but a person in a debugger takes longer.
pub const BODY_IDLE: Duration = Duration::from_secs(60);

/// The longest body of a service's response that the host collects before it forwards the response, in bytes. If the
/// plugin fails while it writes such a response, the client gets an error instead of a truncated body.
pub const WHOLE_ANSWER_BYTES: usize = 1 << 20;

/// The number of chunks of a body that the host buffers for its reader. With [`BODY_PIECE_BYTES`], up to 1 MiB.
pub const BODY_PIECES: usize = 15;
/// The size of a chunk of a body, in bytes.
pub const BODY_PIECE_BYTES: usize = 64 << 10;

/// The time for making a source's connection, including TLS, unless the request sets another timeout.
pub const CONNECT: Duration = Duration::from_secs(10);

/// The number of keys of an HTTP trigger's buckets, and as many of its windows. About 1.5 MB with long keys.
pub const COUNTER_KEYS: usize = 10_000;

/// The key of a counter, in bytes.
pub const COUNTER_KEY_BYTES: usize = 1_024;

/// The number of messages that one `poll` of a source returns. AWS: the largest batch size of all event sources.
pub const SOURCE_MESSAGES: u32 = 10_000;

/// The name of a source, in bytes.
pub const SOURCE_NAME_BYTES: usize = 1_024;
