//! What one connection waits for from its peer, and since when.
//!
//! The socket and the bodies only note the beginning and the end of a wait; the one timer of a connection looks at the
//! notes when the earliest of the timeouts could have passed. So a request sets no timer of its own.
//!
//! A connection of HTTP/2 has several requests at a time, each with a [`Peer`] of its own; its own [`Peer`] looks at
//! theirs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use hyper::body::Incoming;

use crate::boundaries::Head;
use crate::limits::{
    GO_AWAY_GRACE, Limits, MIN_BYTES_PER_SECOND, SHORTAGE_CHECK, SLOW_BODY_GRACE, SLOW_HEAD_GRACE,
    SLOW_READER_GRACE,
};
use crate::shortage::Short;
use crate::upgrade::Upgrade;

/// The peer of one connection.
#[derive(Debug)]
pub(crate) struct Peer {
    waits: Mutex<Waits>,
    /// Whether everything that was written has been passed to the kernel.
    pub flushed: AtomicBool,
    /// Whether a request is being handled, or its response written.
    in_request: AtomicBool,
    /// Whether the body of a request has not ended.
    in_body: AtomicBool,
    /// Whether the connection has stopped speaking HTTP, or is about to.
    pub is_upgraded: AtomicBool,
    /// Whether `100 Continue` is to be written before anything else.
    pub owes_continue: AtomicBool,
    /// The connection, if this is the peer of one of several requests at a time on it.
    connection: Option<Arc<Peer>>,
}

#[derive(Debug)]
struct Waits {
    /// Whether the response of this request has begun.
    response_begun: bool,
    /// When the wait for the next request began.
    idle_since: Instant,
    /// When the first byte of its head arrived.
    head_since: Option<Instant>,
    /// The request's body, until it has been read to its end or is closed.
    body: Option<BodyWait>,
    /// Since when the client has read nothing of the response that it could read.
    write_since: Option<Instant>,
    /// What the handler left of the body.
    leftover: Option<Incoming>,
    /// The heads that have arrived, of requests that have not begun.
    heads: VecDeque<Head>,
    /// What follows the last response.
    upgrade: Option<Upgrade>,
    /// The peers of the requests on this connection, if it can have several at a time. Some may have ended.
    streams: Vec<Weak<Peer>>,
    /// The number of them that have not ended.
    open_streams: usize,
    /// Since when the connection is to end with its last request.
    leaving_since: Option<Instant>,
}

#[derive(Debug)]
struct BodyWait {
    /// Since when the host waits for more of it, and the task that does.
    since: Option<(Instant, Waker)>,
    /// How long the next byte may take if the listener is short.
    credit: Duration,
    /// How long the client paused when it was given up.
    given_up: Option<Duration>,
}

/// What the timer of a connection does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Look again at this time.
    At(Instant),
    /// End the connection, for this reason.
    End(&'static str),
}

impl Peer {
    pub(crate) fn new() -> Self {
        Self::of(None)
    }

    fn of(connection: Option<Arc<Self>>) -> Self {
        Self {
            waits: Mutex::new(Waits {
                response_begun: false,
                idle_since: Instant::now(),
                head_since: None,
                body: None,
                write_since: None,
                leftover: None,
                heads: VecDeque::new(),
                upgrade: None,
                streams: Vec::new(),
                open_streams: 0,
                leaving_since: None,
            }),
            flushed: AtomicBool::new(true),
            in_request: AtomicBool::new(false),
            in_body: AtomicBool::new(false),
            owes_continue: AtomicBool::new(false),
            is_upgraded: AtomicBool::new(false),
            connection,
        }
    }

    /// The peer of one of several requests on a connection. It ends when it is dropped.
    pub(crate) fn stream(connection: &Arc<Self>, has_body: bool) -> Arc<Self> {
        let stream = Arc::new(Self::of(Some(Arc::clone(connection))));
        stream.request_begins(has_body);
        let mut waits = connection.waits();
        if waits.streams.len() >= 2 * waits.open_streams.max(8) {
            waits.streams.retain(|stream| stream.strong_count() > 0);
        }
        waits.streams.push(Arc::downgrade(&stream));
        waits.open_streams += 1;
        waits.head_since = None;
        connection.in_request.store(true, Ordering::Relaxed);
        stream
    }

    fn stream_ends(&self) {
        let mut waits = self.waits();
        waits.open_streams = waits.open_streams.saturating_sub(1);
        if waits.open_streams == 0 {
            self.in_request.store(false, Ordering::Relaxed);
            waits.idle_since = Instant::now();
        }
    }

    /// Whether this is the peer of one of several requests on a connection.
    pub(crate) fn is_stream(&self) -> bool {
        self.connection.is_some()
    }

    /// The connection is open, and its first request is awaited.
    pub(crate) fn opens(&self) {
        let mut waits = self.waits();
        waits.head_since = None;
        waits.idle_since = Instant::now();
    }

    /// Whether something of the first request, or of what comes before it, has arrived.
    pub(crate) fn has_begun(&self) -> bool {
        self.waits().head_since.is_some()
    }

    /// The client has been told to close the connection when its requests have ended.
    pub(crate) fn is_to_leave(&self) {
        self.waits().leaving_since = Some(Instant::now());
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no request is being handled, and the body of the last one has ended.
    pub(crate) fn is_between_requests(&self) -> bool {
        !self.in_request.load(Ordering::Relaxed) && !self.in_body.load(Ordering::Relaxed)
    }

    /// A part of a head has arrived, and its rest has not.
    pub(crate) fn head_waits(&self) {
        let mut waits = self.waits();
        if waits.head_since.is_none() {
            waits.head_since = Some(Instant::now());
        }
    }

    /// Notes a head that is complete now.
    pub(crate) fn head_arrives(&self, head: Head) {
        self.waits().heads.push_back(head);
    }

    /// The head of the request that begins.
    pub(crate) fn take_head(&self) -> Head {
        self.waits().heads.pop_front().unwrap_or_default()
    }

    /// The head of a request is complete.
    pub(crate) fn request_begins(&self, has_body: bool) {
        self.in_request.store(true, Ordering::Relaxed);
        self.in_body.store(has_body, Ordering::Relaxed);
        let mut waits = self.waits();
        waits.response_begun = false;
        waits.head_since = None;
        waits.body = has_body.then(|| BodyWait {
            since: None,
            credit: SLOW_BODY_GRACE,
            given_up: None,
        });
    }

    /// The handler has made its response. Returns what it left of the request's body.
    pub(crate) fn response_begins(&self) -> Option<Incoming> {
        let mut waits = self.waits();
        waits.response_begun = true;
        waits.leftover.take()
    }

    /// The response is the last one: the connection stops speaking HTTP after it.
    pub(crate) fn upgrades(&self, upgrade: Upgrade) {
        self.is_upgraded.store(true, Ordering::Relaxed);
        self.waits().upgrade = Some(upgrade);
    }

    /// What follows the last response.
    pub(crate) fn take_upgrade(&self) -> Option<Upgrade> {
        self.waits().upgrade.take()
    }

    /// The response has been passed on to the connection.
    pub(crate) fn response_ends(&self) {
        let mut waits = self.waits();
        self.in_request.store(false, Ordering::Relaxed);
        waits.idle_since = Instant::now();
    }

    /// The host waits for more of a body. Returns the length of the pause if the client has been given up.
    pub(crate) fn body_waits(&self, waker: &Waker) -> Option<Duration> {
        let mut waits = self.waits();
        let body = waits.body.as_mut()?;
        match &mut body.since {
            Some((_, registered)) => registered.clone_from(waker),
            None if body.given_up.is_none() => body.since = Some((Instant::now(), waker.clone())),
            None => {}
        }
        body.given_up
    }

    /// Bytes of the body that the host waited for have arrived.
    pub(crate) fn body_arrives(&self, bytes: usize) {
        if let Some(body) = &mut self.waits().body
            && let Some((since, _)) = body.since.take()
        {
            let earned = u32::try_from(bytes).unwrap_or(u32::MAX);
            let earned = Duration::from_secs(1) * earned / MIN_BYTES_PER_SECOND;
            body.credit =
                (body.credit.saturating_sub(since.elapsed()) + earned).min(SLOW_BODY_GRACE);
        }
    }

    /// The body has been read to its end, or nothing reads it any longer.
    pub(crate) fn body_ends(&self) {
        let mut waits = self.waits();
        waits.body = None;
        self.in_body.store(false, Ordering::Relaxed);
        // A response that ended before it did not begin the wait for the next request.
        waits.idle_since = Instant::now();
    }

    /// The handler has dropped a body before its end. Returns it if it is to be discarded now, because the response has
    /// begun; otherwise it is kept until then.
    pub(crate) fn body_is_left(&self, rest: Incoming) -> Option<Incoming> {
        let mut waits = self.waits();
        if self.is_stream() {
            // The client is told to send no more of it, and the connection lives on.
            drop(rest);
            waits.body = None;
            return None;
        }
        if waits.response_begun {
            return Some(rest);
        }
        waits.leftover = Some(rest);
        None
    }

    /// Whether the client has been given up while the host waited for its body.
    pub(crate) fn is_given_up(&self) -> bool {
        let waits = self.waits();
        waits
            .body
            .as_ref()
            .is_some_and(|body| body.given_up.is_some())
    }

    /// The client does not read.
    pub(crate) fn write_waits(&self) {
        self.waits().write_since = Some(Instant::now());
    }

    /// The client reads again.
    pub(crate) fn write_moves(&self) {
        self.waits().write_since = None;
    }

    /// Applies the limits. A body that is given up ends with an error for its reader.
    pub(crate) fn check(&self, now: Instant, limits: &Limits, short: Short) -> Next {
        let short = if limits.gives_up_slow_peers {
            short
        } else {
            Short::default()
        };
        // They are dropped without the lock, which the last one to be dropped takes.
        let streams = self.waits().streams.clone();
        let streams: Vec<_> = streams.iter().filter_map(Weak::upgrade).collect();
        let mut waits = self.waits();
        let mut next = now + limits.longest();
        if short.of_anything() {
            next = now + SHORTAGE_CHECK;
        }
        for stream in &streams {
            match stream.check(now, limits, short) {
                Next::At(at) => next = next.min(at),
                Next::End(reason) => return Next::End(reason),
            }
        }
        if let Some(since) = waits.leaving_since {
            let end = since.max(waits.idle_since) + GO_AWAY_GRACE;
            let is_idle = waits.open_streams == 0;
            if is_idle && end <= now {
                return Next::End("the client keeps a connection that it is to close");
            }
            next = next.min(if is_idle { end } else { now + GO_AWAY_GRACE });
        }
        if let Some(since) = waits.write_since {
            let limit = if short.connections {
                limits.write.min(SLOW_READER_GRACE)
            } else {
                limits.write
            };
            if since + limit <= now {
                return Next::End("the client does not read its response");
            }
            next = next.min(since + limit);
        }
        if let Some(body) = &mut waits.body {
            if let Some((since, _)) = &body.since {
                let limit = if short.of_anything() {
                    limits.body.min(body.credit)
                } else {
                    limits.body
                };
                let (since, end) = (*since, *since + limit);
                if end > now {
                    next = next.min(end);
                } else if let Some((_, reader)) = body.since.take() {
                    body.given_up = Some(now.saturating_duration_since(since));
                    reader.wake();
                }
            }
        } else if !self.in_request.load(Ordering::Relaxed) {
            let idle = limits.idle.map(|idle| waits.idle_since + idle);
            let limit = if short.connections {
                limits.head.min(SLOW_HEAD_GRACE)
            } else {
                limits.head
            };
            let head = waits.head_since.map(|since| since + limit);
            if let Some(end) = [idle, head].into_iter().flatten().min() {
                if end <= now {
                    return Next::End("the client sends no request");
                }
                next = next.min(end);
            }
        }
        Next::At(next)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.stream_ends();
        }
    }
}

impl Limits {
    /// The longest time between two looks at a connection: a wait that begins after a look ends after the next one.
    fn longest(&self) -> Duration {
        self.body.min(self.write).min(self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{CLIENTS, RUNTIMES};

    const NONE: Short = Short {
        connections: false,
        places: false,
    };
    const CONNECTIONS: Short = Short {
        connections: true,
        places: false,
    };
    const PLACES: Short = Short {
        connections: false,
        places: true,
    };

    fn ends(peer: &Peer, after: Duration, limits: &Limits, short: Short) -> bool {
        matches!(
            peer.check(Instant::now() + after, limits, short),
            Next::End(_)
        )
    }

    #[test]
    fn an_idle_client_is_given_up_in_time_and_a_runtime_never() {
        let peer = Peer::new();
        assert!(!ends(&peer, Duration::from_secs(70), &CLIENTS, NONE));
        assert!(ends(&peer, Duration::from_secs(76), &CLIENTS, NONE));
        assert!(!ends(&peer, Duration::from_secs(86_400), &RUNTIMES, NONE));
    }

    #[test]
    fn half_a_head_is_given_up_early_by_a_listener_at_its_limit() {
        let peer = Peer::new();
        peer.head_waits();
        assert!(!ends(&peer, Duration::from_secs(10), &CLIENTS, NONE));
        assert!(!ends(&peer, Duration::from_secs(4), &CLIENTS, CONNECTIONS));
        assert!(ends(&peer, Duration::from_secs(6), &CLIENTS, CONNECTIONS));
        assert!(!ends(&peer, Duration::from_secs(6), &RUNTIMES, CONNECTIONS));
    }

    #[test]
    fn a_request_that_the_host_works_on_is_never_given_up() {
        let peer = Peer::new();
        peer.request_begins(false);
        assert!(!ends(
            &peer,
            Duration::from_secs(86_400),
            &CLIENTS,
            CONNECTIONS
        ));
        assert!(peer.response_begins().is_none());
        assert!(!ends(
            &peer,
            Duration::from_secs(86_400),
            &CLIENTS,
            CONNECTIONS
        ));
        peer.response_ends();
        assert!(ends(&peer, Duration::from_secs(86_400), &CLIENTS, NONE));
    }

    #[test]
    fn a_client_that_does_not_read_is_given_up() {
        let peer = Peer::new();
        peer.request_begins(false);
        peer.write_waits();
        assert!(!ends(&peer, Duration::from_secs(50), &CLIENTS, PLACES));
        assert!(ends(&peer, Duration::from_secs(50), &CLIENTS, CONNECTIONS));
        assert!(ends(&peer, Duration::from_secs(61), &CLIENTS, NONE));
        peer.write_moves();
        assert!(!ends(&peer, Duration::from_secs(61), &CLIENTS, NONE));
    }

    #[test]
    fn a_slow_body_is_given_up_when_there_is_a_shortage() {
        for (short, waits_for, given_up) in [
            (NONE, 59, false),
            (NONE, 61, true),
            (PLACES, 4, false),
            (PLACES, 6, true),
            (CONNECTIONS, 6, true),
        ] {
            let peer = Peer::new();
            peer.request_begins(true);
            assert_eq!(peer.body_waits(Waker::noop()), None);
            let after = Instant::now() + Duration::from_secs(waits_for);
            assert!(matches!(peer.check(after, &CLIENTS, short), Next::At(_)));
            let is_given_up = peer.body_waits(Waker::noop()).is_some();
            assert_eq!(is_given_up, given_up, "{short:?} {waits_for}");
        }
    }

    #[test]
    fn a_body_that_arrives_keeps_its_credit() {
        let peer = Peer::new();
        peer.request_begins(true);
        for _ in 0..100 {
            assert_eq!(peer.body_waits(Waker::noop()), None);
            peer.body_arrives(1_000_000);
        }
        assert_eq!(peer.body_waits(Waker::noop()), None);
        let soon = Instant::now() + SLOW_BODY_GRACE / 2;
        peer.check(soon, &CLIENTS, PLACES);
        assert_eq!(peer.body_waits(Waker::noop()), None);
        let late = Instant::now() + SLOW_BODY_GRACE * 2;
        peer.check(late, &CLIENTS, PLACES);
        assert!(peer.is_given_up());
    }

    #[test]
    fn the_timer_looks_again_in_time() {
        let peer = Peer::new();
        let now = Instant::now();
        let Next::At(calm) = peer.check(now, &CLIENTS, NONE) else {
            panic!("it has just begun")
        };
        assert!(calm > now && calm <= now + CLIENTS.body);
        let Next::At(short) = peer.check(now, &CLIENTS, PLACES) else {
            panic!("it has just begun")
        };
        assert!(short <= now + SHORTAGE_CHECK);
        // The flags have no part in it.
        assert!(peer.flushed.load(Ordering::Relaxed));
    }
}
