//! Every limit and timeout of the Lambda side, in one table.
//!
//! AWS's limits have the names of AWS's quotas; the others are the emulator's own, with the reason for their value.

use std::time::Duration;

// Events and responses.

/// The maximum size of a synchronous event: 6 MiB.
pub const SYNC_EVENT_BYTES: usize = 6 * 1024 * 1024;

/// The maximum size of an asynchronous event: 1 MiB since 2025.
pub const ASYNC_EVENT_BYTES: usize = 1024 * 1024;

/// The maximum size of a response: 6 MiB and 100 bytes, which is the limit that AWS enforces.
pub const RESPONSE_BYTES: usize = SYNC_EVENT_BYTES + 100;

/// The maximum size of a streamed response: 200 MiB since 2025.
pub const STREAM_BYTES: u64 = 200 * 1024 * 1024;

/// The number of pieces of a streamed response that may wait for the caller. If the caller reads slowly, the function's
/// writes wait.
pub const STREAM_BUFFER_PIECES: usize = 16;

/// The maximum size of trailers that a runtime wrote into the body of a streamed response.
pub const TRAILER_BYTES: usize = 64 * 1024;

/// The size of the end of the log in `X-Amz-Log-Result`, before base64.
pub const LOG_TAIL_BYTES: usize = 4096;

/// The maximum size of a function's environment variables, keys and values together.
pub const VARIABLES_BYTES: usize = 4096;

/// The maximum size of a function's unpacked .zip archive, unless a function has another limit: 250 MiB, which is AWS's
/// limit for the code and all layers together.
pub const UNPACKED_BYTES: u64 = 250 * 1024 * 1024;

/// The maximum number of files and folders in a .zip archive, which AWS does not state. The largest packages of npm have
/// about a tenth.
pub const MAX_ARCHIVE_ENTRIES: usize = 200_000;

// Environments.

/// The maximum timeout of a function.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(900);

/// The timeout of the init phase on demand. A longer init phase is stopped and repeated within the invocation, under
/// the function's own timeout.
pub const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The timeout of the init phase of provisioned environments, snapshots and managed instances, unless the function's
/// timeout is longer.
pub const LONG_INIT_TIMEOUT: Duration = Duration::from_secs(130);

/// The timeout of the restore from a snapshot, until the runtime requests its first event.
pub const RESTORE_TIMEOUT: Duration = Duration::from_secs(10);

/// The processor time for which a start may keep others waiting. A start that needs more goes on beside the next one.
pub const START_TURN_TIME: Duration = Duration::from_secs(3);

/// How often a start is examined while it keeps others waiting. One that uses no processor during two such intervals
/// waits for something else, and no longer keeps others waiting.
pub const START_LOOK_INTERVAL: Duration = Duration::from_millis(25);

/// How often a start that no longer keeps others waiting is examined while further ones wait.
pub const STARTED_LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// By how much the timeout of an init phase is extended at most, for the time for which its processes were ready to run
/// and got no processor.
pub const MAX_STARVATION: Duration = Duration::from_secs(60);

/// The shortest extension. A process waits for moments even on an idle machine.
pub const MIN_EXTENSION: Duration = Duration::from_millis(100);

/// How long a call waits for an environment that has answered its last call and not requested the next one yet, before
/// it gets an environment of its own. Runtimes request the next event within a fraction of a millisecond.
pub const READY_WAIT: Duration = Duration::from_millis(25);

/// The idle time after which an environment is frozen. Calls in quicker succession find it running and do not pay for
/// the thaw.
pub const FREEZE_DELAY: Duration = Duration::from_millis(5);

/// The shutdown timeout of an environment that has internal extensions only.
pub const INTERNAL_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

/// The shutdown timeout of an environment with external extensions, including [`RUNTIME_SHUTDOWN_TIMEOUT`].
pub const EXTERNAL_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The runtime's share of [`EXTERNAL_SHUTDOWN_TIMEOUT`].
pub const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(300);

/// The number of pieces of output and other events of external extensions that may wait for their environment. When it
/// is reached, reading their output waits.
pub const PROCESS_EVENT_BACKLOG: usize = 64;

/// How long the host waits for the end of a process that it has killed. The supervisor needs a millisecond.
pub const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// How often the peak memory of a function is read. A function whose invocation takes more than a twentieth of this is
/// read after each invocation.
pub const MEMORY_READING_INTERVAL: Duration = Duration::from_secs(1);

/// How often the memory usage is read during an invocation. The fastest allocator exceeds its limit by about 20 MB.
pub const MEMORY_WATCH_INTERVAL: Duration = Duration::from_millis(10);

/// The share of the time that the readings of the memory usage of all environments may take: one part in this number. If
/// many processes run, their memory is read less often.
pub const MEMORY_READING_SHARE: u32 = 20;

/// The part of a reading's duration that counts for all environments. The rest postpones only the same environment's next
/// reading.
pub const MEMORY_SHARED_READING: Duration = Duration::from_millis(2);

/// The number of processes up to which the memory usage is read where it is needed. That of more processes is read by
/// another thread, so that other functions do not wait for it.
pub const MEMORY_INLINE_PROCESSES: usize = 16;

/// How often new descendants are searched during an invocation, which takes longer than reading the known ones.
pub const MEMORY_TREE_INTERVAL: Duration = Duration::from_millis(50);

// The log.

/// The length at which an unfinished line of a function's output is passed on.
pub const LOG_LINE_BYTES: usize = 256 * 1024;

/// The size of the log that may wait for a slow terminal. Further lines are dropped, counted and reported.
pub const LOG_BACKLOG_BYTES: usize = 16 * 1024 * 1024;

/// How long the host waits at its end until its log has been written.
pub const LOG_FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

// Extensions and telemetry.

/// The maximum number of extensions of one environment, external and internal together.
pub const EXTENSIONS: usize = 10;

/// The maximum size of a request to the Extensions, Telemetry or Logs API. Valid requests are small; AWS states no
/// limit.
pub const EXTENSION_REQUEST_BYTES: usize = 64 * 1024;

/// The size of the telemetry of the init phase that is kept for extensions that subscribe late.
pub const TELEMETRY_REPLAY_BYTES: usize = 1024 * 1024;

/// The size of the telemetry that may wait for one subscriber: several of the largest batches. Further events are
/// dropped, counted and reported.
pub const TELEMETRY_BACKLOG_BYTES: usize = 4 * 1024 * 1024;

/// The timeout of one attempt to deliver a batch of telemetry. It is long, because a subscriber on a busy machine may
/// be slow, and only its own telemetry waits for it.
pub const TELEMETRY_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The number of attempts to deliver a batch before it is dropped, so that a batch that a subscriber refuses does not
/// block the others.
pub const TELEMETRY_ATTEMPTS: u32 = 10;

/// The pause after the first failed attempt. It doubles with each further one.
pub const TELEMETRY_RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two attempts.
pub const TELEMETRY_LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(2);

/// The maximum size of a subscriber's response, which is discarded. A longer one ends the connection.
pub const TELEMETRY_RESPONSE_BYTES: usize = 64 * 1024;

// Recursive loops.

/// How often one chain of calls may call a function. A further call of it is refused.
pub const RECURSION_LIMIT: u32 = 16;

// Asynchronous invocation.

/// How often an asynchronous event is retried after function errors, at most and by default.
pub const MAX_RETRY_ATTEMPTS: u32 = 2;

/// The delays before the first and the second retry.
pub const RETRY_DELAYS: [Duration; MAX_RETRY_ATTEMPTS as usize] =
    [Duration::from_secs(60), Duration::from_secs(120)];

/// The delay after the first time that an event's function was throttled. It doubles each time, …
pub const FIRST_THROTTLE_DELAY: Duration = Duration::from_secs(1);

/// … up to this maximum.
pub const LAST_THROTTLE_DELAY: Duration = Duration::from_secs(300);

/// The minimum of `MaximumEventAgeInSeconds`.
pub const MIN_EVENT_AGE: Duration = Duration::from_secs(60);

/// The maximum of `MaximumEventAgeInSeconds`, which is also its default.
pub const MAX_EVENT_AGE: Duration = Duration::from_secs(21_600);

/// The maximum size of a dead letter's attribute `ErrorMessage`: its first KB.
pub const DEAD_LETTER_MESSAGE_BYTES: usize = 1024;

/// The lease of an event that is being processed, which is longer than any call takes. Leases end with the host, so
/// this matters only if a consumer loses one, which would be a bug.
pub const EVENT_LEASE: Duration = MAX_EVENT_AGE;

/// The longest sleep of a consumer while an event waits for its time: the clock may be set, and a laptop's timers stop
/// while it is suspended.
pub const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The pause after a failure of the store, such as a full disk.
pub const STORE_RETRY_PAUSE: Duration = Duration::from_secs(5);

// A fixed address of the Runtime API.

/// How long a new sandbox waits for its fixed Runtime API address. The previous sandbox frees it within microseconds,
/// so after this time it is another program that uses the address.
pub const ADDRESS_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause between two attempts to bind that address.
pub const ADDRESS_RETRY_PAUSE: Duration = Duration::from_millis(1);

/// The number of ports after the last one in use which are tried for the debugger of a further environment.
pub const DEBUG_PORTS: u16 = 100;

/// The pause between two attempts to reach the debugger of a runtime that has just been started.
pub const DEBUG_CONNECT_PAUSE: Duration = Duration::from_millis(20);

/// How long a connection to a debugger's port waits for the client's first bytes before the runtime gets it. Nearly all
/// debuggers begin the conversation; programs that try which ports are open close the connection at once.
pub const DEBUG_FIRST_BYTES: Duration = Duration::from_millis(300);

/// How long the head of an HTTP request to a debugger's port may be, in bytes.
pub const DEBUG_HEAD_BYTES: usize = 64 * 1024;

/// How often a function that waits for a debugger says so.
pub const DEBUG_REMINDER: Duration = Duration::from_secs(10);
