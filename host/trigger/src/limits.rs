//! The limits and pauses of this crate, each with its reason.

use std::time::Duration;

/// The number of batches that a queue or poll trigger processes at the same time unless its plugin sets a limit. AWS
/// starts with five pollers per event source mapping and may add up to a thousand; one machine gains nothing from more.
pub const DEFAULT_CONCURRENCY: usize = 5;

/// How often the leases of messages are renewed whose function somebody debugs, so that even the shortest one, of a
/// second, does not end meanwhile …
pub const LEASE_RENEWAL: Duration = Duration::from_millis(250);
/// … and for how long, in milliseconds: longer than a renewal may be late on a busy machine.
pub const RENEWED_LEASE_MS: u32 = 30_000;

/// The longest wait for the first message of a batch, after which the wait is repeated. Waiting costs nothing; the
/// bound is for external systems: SQS allows a receive to wait for up to 20 seconds.
pub const RECEIVE_WAIT: Duration = Duration::from_secs(20);

/// The pause after an external system has returned no messages before the wait was over. Some systems cannot wait, and
/// SQS waits for whole seconds only, so that without a pause the last second of a batching window would be spent on one
/// request after the other.
pub const EMPTY_POLL_PAUSE: Duration = Duration::from_secs(1);

/// The pause after the first failure to receive or to apply verdicts. It doubles with each further failure in a row.
pub const RETRY_PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest pause between attempts to receive. See [`RETRY_PAUSE_MIN`].
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(30);

/// How often a source is asked for the parts of its log. AWS looks for new shards every few seconds, too.
pub const PARTS_INTERVAL: Duration = Duration::from_secs(10);

/// The number of attempts to apply the verdicts of a batch. Messages without an applied verdict are received again when
/// their leases end.
pub const APPLY_ATTEMPTS: u32 = 4;

/// The number of invocations and fetches that one HTTP request may cause. A front end of AWS has at most an authorizer,
/// its keys and an integration.
pub const MAX_STEPS: u32 = 8;

/// The keys and results that one HTTP trigger keeps for later requests, in bytes. If it is full, the entries that end
/// first give way.
pub const STEP_CACHE_BYTES: usize = 16 << 20;

/// The messages of one WebSocket connection that are processed at the same time. Further ones are not read. A function has
/// its own limit of concurrency.
pub const CONNECTION_MESSAGES: usize = 32;

/// What may wait to be sent to a WebSocket client that does not read, in bytes …
pub const OUTBOX_BYTES: usize = 1 << 20;
/// … and in messages. AWS has no documented limit.
pub const OUTBOX_MESSAGES: usize = 1024;

/// The largest frame in which a WebSocket client receives a message or a part of it, in bytes: AWS's limit for frames.
pub const SENT_FRAME_BYTES: usize = 32 << 10;

/// The pongs that may wait for a WebSocket client that does not read. With this number, nothing more is read from it.
pub const PENDING_PONGS: usize = 64;

/// How long a WebSocket client may take to read a frame that is sent to it: as long as the client of a response may read
/// nothing.
pub const WEBSOCKET_WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the host waits for the other half of a close handshake.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a host that stops waits for the messages of a WebSocket connection before it closes the connection: most of
/// the 10 s after which the program drops what still runs.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(7);

/// What is read and dropped of a WebSocket client whose message was too long, in bytes, so that it receives the close
/// frame.
pub const WEBSOCKET_LINGER_BYTES: usize = 16 << 20;

/// Each of the two buffers of an idle WebSocket connection, in bytes. They grow with its messages.
pub const WEBSOCKET_BUFFER_BYTES: usize = 1024;

/// The WebSocket connections of all triggers together may use the process's limit of open files divided by this, …
pub const WEBSOCKET_FILES_DIVISOR: u64 = 2;
/// … but at least and at most this many.
pub const WEBSOCKETS: (usize, usize) = (64, 16_384);

/// The pause before a change that could not be delivered to a bucket trigger is delivered again.
pub const REDELIVERY_PAUSE: Duration = Duration::from_secs(5);
/// The number of attempts to deliver one change. A plugin that has failed this often for a change will fail again.
pub const DELIVERY_ATTEMPTS: u32 = 5;

/// The pause before deliveries continue after the store could not be written to: long enough to keep the log readable,
/// short enough to notice soon that disk space has been freed.
pub const STORE_PAUSE: Duration = Duration::from_secs(5);

/// A folder with a burst of changes is compared when nothing has changed for this long.
pub const FOLDER_QUIET: Duration = Duration::from_millis(200);

/// The longest time for which a burst of changes postpones the comparison of a folder.
pub const FOLDER_BURST: Duration = Duration::from_secs(2);

/// How often the host looks for a watched folder that does not exist.
pub const MISSING_FOLDER_PAUSE: Duration = Duration::from_secs(1);

/// How long a file that was created and not closed counts as being written after its last write. Then the host assumes
/// that it has missed the close.
pub const OPEN_FILE_TIMEOUT: Duration = Duration::from_secs(60);

/// The bytes of a request's body that a service's listener reads before the plugin starts: messages and small objects
/// are complete then.
pub const READ_AHEAD_BYTES: usize = 1 << 20;

/// The bytes that all requests of one listener together have read ahead. Beyond it, requests start without being
/// complete.
pub const READ_AHEAD_TOTAL_BYTES: usize = 64 << 20;

/// How long a listener waits for the rest of a body before it starts the plugin all the same: a client may wait for the
/// plugin before it sends more.
pub const READ_AHEAD_WAIT: Duration = Duration::from_secs(1);

/// The requests of one service that run before their bodies are complete. They leave a quarter of the service's places
/// (512) to requests that are complete.
pub const INCOMPLETE_REQUESTS: usize = 384;

/// How long a request that is not complete waits for one of the [`INCOMPLETE_REQUESTS`]. Meanwhile bodies that stall or
/// drip are given up, which takes up to 7 s.
pub const INCOMPLETE_WAIT: Duration = Duration::from_secs(10);

/// The number of entries of a bucket's folder whose omission is logged, each once. A folder may be full of links.
pub const LEFT_OUT_LINES: usize = 20;
