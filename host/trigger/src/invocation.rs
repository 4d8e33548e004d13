//! The invocation of a function with a trigger's event.

use lambkin_lambda::{Lambda, new_request_id, new_trace_id, now_ms};
use lambkin_model::Invocation;

/// The key of `extra` under which services keep the trace header of who sent a message or changed an object.
const TRACE_HEADER: &str = "AWSTraceHeader";

/// The invocation that messages or a change cause, which came with this `extra`: with a request id of its own and without a
/// context. `None` if it would be one more round of a loop, which the log then says.
pub(crate) fn caused<'a>(
    lambda: &Lambda,
    function: &str,
    event: String,
    extra: impl Iterator<Item = &'a (String, String)>,
) -> Option<Invocation> {
    let mut trace_id = trace_id(extra);
    lambda
        .check_recursion(function, &mut trace_id)
        .then(|| Invocation::new(new_request_id(), event, trace_id))
}

/// The trace that somebody began goes on in the function, so that a loop through a queue or a bucket is found as well.
fn trace_id<'a>(mut extra: impl Iterator<Item = &'a (String, String)>) -> String {
    let trace = extra.find(|(key, value)| key == TRACE_HEADER && value.contains("Root="));
    trace.map_or_else(|| new_trace_id(now_ms()), |(_, value)| value.clone())
}
