//! Makes request ids and trace ids.

use std::fmt::Write;

use lambkin_model::RequestId;
use uuid::Uuid;

/// The capacity of a new trace id, enough for the lineage that [`crate::recursion`] adds to it.
const TRACE_ID_BYTES: usize = 104;

/// A new request id: a random UUID (version 4).
pub fn new_request_id() -> RequestId {
    RequestId::new(Uuid::new_v4().to_string())
}

/// A new value of the X-Ray trace header, `Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=0`. The root's first part is
/// the time in seconds, its second part and the parent are random.
pub fn new_trace_id(at_ms: u64) -> String {
    let random = Uuid::new_v4().as_u128();
    // Two views of one random number: nothing here needs the two ids to be independent, and each draw is a system call.
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
