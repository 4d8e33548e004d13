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

/// How long a call waits for an environment that has answered its last call but has not asked for the next one
/// yet; then it gets an environment of its own. Runtimes ask within a fraction of a millisecond.
pub const SETTLE_TIMEOUT: Duration = Duration::from_millis(25);

/// How long the end of a killed process is waited for. The guard needs a millisecond.
pub const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// The peak memory of a function that answers quickly is read this often; one that works for a twentieth of it, after
/// each invocation.
pub const MEMORY_READING_INTERVAL: Duration = Duration::from_secs(1);

/// A line of a function's output is passed on unfinished when it has grown this long.
pub const LOG_LINE_BYTES: usize = 256 * 1024;

/// Log bytes that may wait for a slow terminal; what comes on top is dropped, counted and reported.
pub const LOG_BACKLOG_BYTES: usize = 16 * 1024 * 1024;

/// How long the end of the program waits for its log to be read.
pub const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// How long a fixed Runtime API address is waited for when the life before still holds it; it lets go within
/// microseconds, so what is still taken then is another program's.
pub const ADDRESS_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause between two attempts at it.
pub const ADDRESS_RETRY: Duration = Duration::from_millis(1);

/// Where Lambkin stands in for an emulator with one environment, this many calls wait for it.
pub const STAND_IN_QUEUE: usize = 1000;
