//! Discards what is left of a request's body when the response has been made.
//!
//! Most clients read the response only after they have sent the whole request. If the connection were closed before
//! that, they would lose the response, which says why the rest was not wanted. So the response says `Connection: close`,
//! and the rest is read and discarded while it is sent, within limits.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::limits::{
    LEFTOVER_BYTES, LEFTOVER_TIMEOUT, SHORT_LEFTOVER_BYTES, SHORT_LEFTOVER_TIMEOUT,
};
use crate::peer::Peer;

/// Disposes of what a handler left of a body. Returns whether the connection can serve another request; if not, the
/// response must say so, and must be sent now.
///
/// If the client waits for `100 Continue`, it gets the response instead.
pub(crate) async fn dispose(mut rest: Incoming, peer: &Arc<Peer>, expects_continue: bool) -> bool {
    let length = rest.size_hint().exact();
    let is_short = length.is_some_and(|length| length <= SHORT_LEFTOVER_BYTES);
    if is_short && !expects_continue && !peer.is_given_up() {
        let discarded = timeout(SHORT_LEFTOVER_TIMEOUT, discard(&mut rest));
        if discarded.await == Ok(true) {
            peer.body_ends();
            return true;
        }
    }
    discard_later(rest, peer);
    false
}

/// Discards the rest of a body in the background.
pub(crate) fn discard_later(mut rest: Incoming, peer: &Arc<Peer>) {
    let peer = Arc::clone(peer);
    if peer.is_given_up() {
        return; // nothing more is expected of it
    }
    // Outside of a runtime, the connection has ended.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(async move {
            let _ = timeout(LEFTOVER_TIMEOUT, discard(&mut rest)).await; // closed either way
            drop(rest);
            peer.body_ends();
        });
    }
}

/// Reads to the end of the body, or to [`LEFTOVER_BYTES`]. Returns whether it has ended as it should.
async fn discard(body: &mut Incoming) -> bool {
    let mut discarded = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        discarded += frame.data_ref().map_or(0, Bytes::len);
        if discarded > LEFTOVER_BYTES {
            return false;
        }
    }
    true
}
