//! Every limit and timeout of the connections, in one table. `docs/limits.md` has them for users.

use std::time::Duration;

/// What one listener expects of its peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the end of a response, or from the start of the connection, until the head of the next request is complete.
    pub idle: Option<Duration>,
    /// From the first byte of a request's head until the head is complete.
    pub head: Duration,
    /// The longest pause within a request's body while the host waits for more of it.
    pub body: Duration,
    /// The longest pause within a response while the client reads nothing of it.
    pub write: Duration,
    /// The number of headers in a request; [`FREE_HEADERS`] costs nothing.
    pub headers: usize,
    /// Whether clients that are slower than [`MIN_BYTES_PER_SECOND`] are given up when the listener is short of
    /// connections or places.
    pub gives_up_slow_peers: bool,
    /// Whether a request is still handled when its client has closed the connection.
    pub half_close: bool,
}

/// For clients outside of the host: callers of the Invoke API and the emulators, of HTTP triggers and of services.
///
/// Long polls, and pauses of a function that streams its response, count for none of these: the host does not wait for
/// the client then. AWS: S3 gives up a body after 20 s, but a person in a debugger takes longer.
pub const CLIENTS: Limits = Limits {
    // Longer than connection pools of common clients keep an idle connection (60 s), so that it is they who close it.
    idle: Some(Duration::from_secs(75)),
    head: Duration::from_secs(75),
    body: Duration::from_secs(60),
    write: Duration::from_secs(60),
    // AWS limits their size only: 10,240 bytes in total on API Gateway.
    headers: 256,
    gives_up_slow_peers: true,
    half_close: false,
};

/// For the processes of an environment: the Runtime, Extensions, Telemetry and Logs APIs and the metadata endpoint.
///
/// A process may be frozen for any time between two requests. Within one, it may pause for as long as an invocation
/// takes, because a streamed response is the body of a request; 15 minutes is the longest timeout of a function.
pub const RUNTIMES: Limits = Limits {
    idle: None,
    head: Duration::from_secs(900),
    body: Duration::from_secs(900),
    write: Duration::from_secs(900),
    headers: FREE_HEADERS,
    gives_up_slow_peers: false,
    half_close: true,
};

/// The rate below which a request's body is given up while the listener is short of connections or places. Any network
/// is faster; ASP.NET's Kestrel has the same value.
pub const MIN_BYTES_PER_SECOND: u32 = 240;

/// The time that a body may be late against [`MIN_BYTES_PER_SECOND`]: the wait for its first byte, or a pause.
pub const SLOW_BODY_GRACE: Duration = Duration::from_secs(5);

/// The time for the rest of a request's head while the listener is at its connection limit.
pub const SLOW_HEAD_GRACE: Duration = Duration::from_secs(5);

/// The time for which a client may read nothing while the listener is at its connection limit. Longer than that for
/// bodies: the host notices that a client reads only when a third of the socket's buffer has become free.
pub const SLOW_READER_GRACE: Duration = Duration::from_secs(15);

/// How long a listener is short of connections or places before it gives up idle and slow peers: a connection that has
/// just been opened is about to send its request.
pub const SHORTAGE_GRACE: Duration = Duration::from_millis(500);

/// How often a listener that stays short looks for peers that have become slow.
pub const SHORTAGE_CHECK: Duration = Duration::from_secs(1);

/// The socket buffer for bytes that a client has not read yet. Linux doubles it. It bounds what a client that does not
/// read occupies in the kernel, and how much it has to read until the host notices that it does.
pub const SEND_BUFFER_BYTES: u32 = 128 * 1024;

/// Of a body that is left over when its request has been answered, up to this many bytes are read and discarded …
pub const LEFTOVER_BYTES: usize = 64 * 1024 * 1024;

/// … for up to this time: most clients read the response only after they have sent the whole request, and a connection
/// that is closed before that loses the response.
pub const LEFTOVER_TIMEOUT: Duration = Duration::from_secs(5);

/// A left-over body of at most this declared length is read before the response, so that the connection can be kept …
pub const SHORT_LEFTOVER_BYTES: u64 = 64 * 1024;

/// … if it arrives within this time.
pub const SHORT_LEFTOVER_TIMEOUT: Duration = Duration::from_millis(100);

/// The time for a TLS handshake, from the client's first byte. It takes two exchanges of messages.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Of a request that is not encrypted, on a port with TLS, up to this many bytes are read at a time before the
/// response.
pub const PLAIN_REQUEST_BYTES: usize = 4 * 1024;

/// How long the certificate of the local authority is valid, and …
pub const AUTHORITY_LIFETIME: Duration = Duration::from_secs(10 * 365 * 86_400);

/// … those that it makes: no client of this time refuses them for being valid for too long (398 days).
pub const CERTIFICATE_LIFETIME: Duration = Duration::from_secs(397 * 86_400);

/// How far the clock of a client, such as a virtual machine, may be behind the one of a new certificate.
pub const CLOCK_SKEW: Duration = Duration::from_secs(86_400);

/// The number of requests that one connection of HTTP/2 may have at a time; an Application Load Balancer has the same.
pub const CONCURRENT_STREAMS: u32 = 128;

/// The size of a request's head over HTTP/2, as RFC 9113 counts it. More gets 431.
pub const HEAD_BYTES: u32 = 64 * 1024;

/// What a client may send of one body over HTTP/2 before the handler reads it, and of all bodies of a connection: …
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// … more than one, so that a body that waits does not keep others from arriving.
pub const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// The pieces in which a response goes to HTTP/2: as long as one waits for the client to read, the rest is not copied.
pub const PIECE_BYTES: usize = 64 * 1024;

/// How long a connection of HTTP/2 without requests may stay after its client has been told to close it.
pub const GO_AWAY_GRACE: Duration = Duration::from_secs(1);

/// The number of headers that hyper parses without an allocation for each request, which is its default.
pub const FREE_HEADERS: usize = 100;

/// Connections that the kernel queues until they are accepted. A client whose connection does not fit tries again after
/// a second.
pub const BACKLOG: u32 = 1024;

/// One listener may use the process's limit of open files divided by this, …
pub const FILES_DIVISOR: u64 = 8;
/// … but at least and at most this many connections.
pub const CONNECTIONS: (usize, usize) = (64, 8192);

/// The pause after `accept` failed, most likely because the process has no file descriptor left.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
