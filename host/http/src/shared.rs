//! What the connections of a listener have in common, whichever protocol they speak: the rules for requests, and what
//! ends a connection that its client keeps open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::Request;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cross_origin::CrossOrigin;
use crate::head;
use crate::limits::{Limits, SHORTAGE_GRACE};
use crate::peer::{Next, Peer};
use crate::response::Response;
use crate::shortage::{Short, Shortage};
use crate::tls::Tls;

/// What the connections of a listener have in common.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub rules: CrossOrigin,
    /// Of the listener, for messages.
    pub address: Arc<str>,
    pub limits: &'static Limits,
    pub shortage: Shortage,
    /// Whether requests have a [`HeadAsSent`](crate::HeadAsSent).
    pub keeps_heads_as_sent: bool,
    /// If connections are encrypted.
    pub tls: Option<Tls>,
    /// Whether clients may speak HTTP/2.
    pub speaks_http_2: bool,
    pub stop: CancellationToken,
}

impl Shared {
    /// The response to a request that no handler sees, and whether its head breaks the rules of HTTP.
    pub(crate) fn refuse<B>(
        &self,
        request: &mut Request<B>,
        is_ambiguous: bool,
        client: SocketAddr,
    ) -> Option<(Response, bool)> {
        if let Some(refusal) = head::refusal(request, is_ambiguous) {
            let (listener, method, path) = (&self.address, request.method(), request.uri().path());
            let reason = refusal.reason;
            tracing::warn!("{listener}: refused {method} {path} from {client}: {reason}");
            return Some((refusal.into_response(), true));
        }
        let refusal = self.rules.check(request).err()?;
        Some((self.rules.refuse(&refusal, &self.address), false))
    }
}

/// What ends a connection that its client keeps open.
pub(crate) enum End {
    /// It ends after its current request, or immediately if it has no request.
    Gracefully,
    /// It ends now, for this reason.
    Now(&'static str),
}

/// Returns when the connection has to end although its client keeps it open. `gracefully` is false after
/// [`End::Gracefully`].
pub(crate) async fn end(
    peer: &Peer,
    shared: &Shared,
    short: &mut watch::Receiver<Short>,
    gracefully: bool,
) -> End {
    loop {
        let is_short = short.borrow_and_update().of_anything();
        let now = Instant::now();
        let next = match peer.check(now, shared.limits, Short::default()) {
            Next::At(next) => next,
            Next::End(reason) => return End::Now(reason),
        };
        if !is_short {
            tokio::select! {
                () = shared.stop.cancelled(), if gracefully => return End::Gracefully,
                () = tokio::time::sleep_until(next.into()) => {}
                // The sender lives as long as `shared`.
                _ = short.changed() => {}
            }
            continue;
        }
        // Connections come and go while a listener is at its limit, so what counts is whether it is there again after
        // the grace, and not whether it was there all the time.
        let mut look = now + SHORTAGE_GRACE;
        loop {
            tokio::select! {
                () = shared.stop.cancelled(), if gracefully => return End::Gracefully,
                () = tokio::time::sleep_until(look.into()) => {}
            }
            let still = *short.borrow_and_update();
            if !still.of_anything() {
                break;
            }
            if still.connections && gracefully {
                return End::Gracefully;
            }
            look = match peer.check(Instant::now(), shared.limits, still) {
                Next::At(next) => next,
                Next::End(reason) => return End::Now(reason),
            };
        }
    }
}
