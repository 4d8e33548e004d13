//! Every limit and every time-out of the Lambda side, in one table.
//!
//! AWS's figures are named after AWS's quotas; the rest are the emulator's own and say why they are what they are.

use std::time::Duration;

/// A synchronous event: 6 MiB exactly.
pub const SYNC_EVENT_BYTES: usize = 6 * 1024 * 1024;

/// An asynchronous event: 1 MiB since 2025.
pub const ASYNC_EVENT_BYTES: usize = 1024 * 1024;

/// A response: 6 MiB and 100 bytes, which is where AWS draws the line.
pub const RESPONSE_BYTES: usize = SYNC_EVENT_BYTES + 100;

/// A streamed response: 200 MiB since 2025.
pub const STREAM_BYTES: u64 = 200 * 1024 * 1024;

/// The pieces of a streamed response that may wait for its caller. A slow caller slows its function down.
pub const STREAM_BUFFER_PIECES: usize = 16;

/// Trailers of a streamed response that a runtime wrote into its body.
pub const TRAILER_BYTES: usize = 64 * 1024;

/// `X-Amz-Client-Context`, in base64.
pub const CLIENT_CONTEXT_BYTES: usize = 3583;

/// `X-Amz-Log-Result` carries the end of the log, this much before base64.
pub const LOG_TAIL_BYTES: usize = 4096;

/// A function's environment variables, keys and values together.
pub const VARIABLES_BYTES: usize = 4096;

/// The longest time-out a function may have.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(900);

/// The init phase on demand. One that takes longer is stopped and repeated inside the invocation, under the
/// function's own time-out.
pub const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The init phase of provisioned environments, snapshots and managed instances, unless the function's time-out is longer.
pub const LONG_INIT_TIMEOUT: Duration = Duration::from_secs(130);

/// From the restore of a snapshot to the request for the first event.
pub const RESTORE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a call waits for an environment that has answered its last call but has not asked for the next one
/// yet; then it gets an environment of its own. Runtimes ask within a fraction of a millisecond.
pub const SETTLE_TIMEOUT: Duration = Duration::from_millis(25);

/// An environment is frozen when it has been idle for this long. Calls that follow each other more quickly never find
/// it frozen, and cost nothing for it.
pub const FREEZE_DELAY: Duration = Duration::from_millis(5);

/// The end of an environment whose only extensions live in the runtime's process.
pub const INTERNAL_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

/// The end of an environment with external extensions, the runtime's share included.
pub const EXTERNAL_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The runtime's share of [`EXTERNAL_SHUTDOWN_TIMEOUT`].
pub const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(300);

/// Pieces of output and other news of external extensions that may wait for their environment. Then they wait.
pub const PROGRAM_NEWS: usize = 64;

/// How long the end of a killed process is waited for. The guard needs a millisecond.
pub const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// The peak memory of a function that answers quickly is read this often; one that works for a twentieth of it, after
/// each invocation.
pub const MEMORY_READING_INTERVAL: Duration = Duration::from_secs(1);

/// How often memory is looked at while an invocation runs. The quickest allocator gets some 20 MB past its limit.
pub const MEMORY_WATCH_INTERVAL: Duration = Duration::from_millis(10);

/// How often a bootstrap's new children are looked for meanwhile: that takes longer than to look at those known.
pub const MEMORY_TREE_INTERVAL: Duration = Duration::from_millis(50);

/// A line of a function's output is passed on unfinished when it has grown this long.
pub const LOG_LINE_BYTES: usize = 256 * 1024;

/// Log bytes that may wait for a slow terminal; what comes on top is dropped, counted and reported.
pub const LOG_BACKLOG_BYTES: usize = 16 * 1024 * 1024;

/// How long the end of the program waits for its log to be read.
pub const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// Extensions of one environment, external and internal together.
pub const EXTENSIONS: usize = 10;

/// The body of a request to the Extensions, Telemetry or Logs API. They are tiny; AWS states no limit.
pub const EXTENSION_REQUEST_BYTES: usize = 64 * 1024;

/// Telemetry of the init phase, kept for extensions that subscribe late in it.
pub const TELEMETRY_REPLAY_BYTES: usize = 1024 * 1024;

/// Telemetry that may wait for one subscriber: several of the largest batches. What comes on top is dropped, counted
/// and reported.
pub const TELEMETRY_BACKLOG_BYTES: usize = 4 * 1024 * 1024;

/// One attempt to deliver a batch of telemetry. Long, as a listener on a busy machine may be slow to read; nothing but
/// its own telemetry waits for it.
pub const TELEMETRY_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Attempts at one batch, then it is dropped: a batch that a listener refuses must not hold up the others for ever.
pub const TELEMETRY_ATTEMPTS: u32 = 10;

/// The pause after a first failed attempt; it doubles with every further one.
pub const TELEMETRY_RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two attempts.
pub const TELEMETRY_LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(2);

/// The answer of a telemetry listener; nobody reads it, so more than this ends the connection.
pub const TELEMETRY_ANSWER_BYTES: usize = 64 * 1024;
/// An event of the deprecated `InvokeAsync`: 256 KiB.
pub const INVOKE_ASYNC_BYTES: usize = 256 * 1024;

/// The longest `FunctionName` in a request; a name that could exist has 64 at most.
pub const NAME_LENGTH: usize = 256;

/// The longest `Qualifier`.
pub const QUALIFIER_LENGTH: usize = 128;

/// The longest `X-Amz-Tenant-Id`.
pub const TENANT_ID_LENGTH: usize = 256;

/// The longest `X-Amz-Durable-Execution-Name`.
pub const DURABLE_NAME_LENGTH: usize = 64;

/// A function may be called this often in one chain of calls; the next call of it is stopped.
pub const RECURSION_LIMIT: u32 = 16;

/// A response stream's pieces are cut to this size, so that a frame never has to be large to be read.
pub const STREAM_CHUNK_BYTES: usize = 64 * 1024;

/// Frames that may wait for a slow reader before the function's own writing is held up.
pub const STREAM_BACKLOG_FRAMES: usize = 4;

/// What a list operation returns at once, whatever `MaxItems` says.
pub const LIST_PAGE_ITEMS: usize = 50;
/// How often an asynchronous event is run again after function errors, at most and by default.
pub const MAX_RETRY_ATTEMPTS: u32 = 2;

/// The waits before the first and the second retry.
pub const RETRY_DELAYS: [Duration; MAX_RETRY_ATTEMPTS as usize] =
    [Duration::from_secs(60), Duration::from_secs(120)];

/// An event whose function was throttled comes back after this long, then after twice as long, and so on …
pub const FIRST_THROTTLE_DELAY: Duration = Duration::from_secs(1);

/// … up to this.
pub const LAST_THROTTLE_DELAY: Duration = Duration::from_secs(300);

/// The shortest `MaximumEventAgeInSeconds`.
pub const MIN_EVENT_AGE: Duration = Duration::from_secs(60);

/// The longest one, which is the default.
pub const MAX_EVENT_AGE: Duration = Duration::from_secs(21_600);

/// The attribute `ErrorMessage` of a dead letter: the first 1 KB.
pub const DEAD_LETTER_MESSAGE_BYTES: usize = 1024;

/// How long a running event belongs to its consumer: longer than any call takes. Leases end with the host; this is for
/// a consumer that has lost one, which it should not.
pub const EVENT_LEASE: Duration = MAX_EVENT_AGE;

/// A consumer looks at the clock at least this often while something waits for its time: the clock may be set, and a
/// laptop's timers stand still while it sleeps.
pub const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The wait after a failure of the store, a full disk for example.
pub const STORE_PAUSE: Duration = Duration::from_secs(5);
/// How long a fixed Runtime API address is waited for when the life before still holds it; it lets go within
/// microseconds, so what is still taken then is another program's.
pub const ADDRESS_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause between two attempts at it.
pub const ADDRESS_RETRY: Duration = Duration::from_millis(1);

/// Where Lambkin stands in for an emulator with one environment, this many calls wait for it.
pub const STAND_IN_QUEUE: usize = 1000;
