//! Makes request ids and trace ids.
//!
//! Their random bytes are taken from the system for many ids at a time, because each invocation needs two.

use std::cell::RefCell;
use std::fmt::Write;

use lambkin_model::RequestId;
use uuid::{Builder, Uuid};

/// The random bytes of one id.
type Random = [u8; 16];

/// The number of ids that the random bytes of one system call are enough for. The kernel returns up to 256 bytes
/// without being interrupted.
const DRAWN: usize = 16;

/// The capacity of a new trace id, enough for the lineage that [`crate::recursion`] adds to it.
const TRACE_ID_BYTES: usize = 104;

/// A new request id: a random UUID (version 4).
pub fn new_request_id() -> RequestId {
    RequestId::new(Builder::from_random_bytes(random()).into_uuid().to_string())
}

/// A new value of the X-Ray trace header, `Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=0`. The root's first part is
/// the time in seconds, its second part and the parent are random.
pub fn new_trace_id(at_ms: u64) -> String {
    let random = u128::from_ne_bytes(random());
    // Two views of one random number: nothing here needs the two ids to be independent.
    let (root, parent) = (
        random >> 32,
        (random as u64).rotate_left(17) ^ (random >> 64) as u64,
    );
    let mut trace_id = String::with_capacity(TRACE_ID_BYTES);
    let _ = write!(
        trace_id,
        "Root=1-{:08x}-{root:024x};Parent={parent:016x};Sampled=0",
        at_ms / 1000
    ); // writing to a String does not fail
    trace_id
}

/// Random bytes, which no other call gets.
fn random() -> Random {
    thread_local! {
        static DRAW: RefCell<Vec<Random>> = const { RefCell::new(Vec::new()) };
    }
    DRAW.with_borrow_mut(|draw| {
        if draw.is_empty() {
            draw.resize(DRAWN, Random::default());
            if getrandom::fill(draw.as_flattened_mut()).is_err() {
                draw.clear(); // the system has no random bytes now
            }
        }
        draw.pop()
    })
    .unwrap_or_else(|| Uuid::new_v4().into_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ_and_are_random_uuids() {
        let ids: HashSet<_> = (0..10 * DRAWN).map(|_| new_request_id()).collect();
        assert_eq!(ids.len(), 10 * DRAWN);
        for id in &ids {
            let id: Uuid = id.as_str().parse().unwrap();
            assert_eq!(id.get_version_num(), 4);
        }
        let traces: HashSet<_> = (0..10 * DRAWN).map(|_| new_trace_id(0)).collect();
        assert_eq!(traces.len(), 10 * DRAWN);
    }
}
