//! Invocations of functions with the events of messages and changes.

use lambkin_lambda::{Lambda, new_request_id, new_trace_id, now_ms};
use lambkin_model::Invocation;

/// The key of `extra` under which services store the X-Ray trace header of the request that sent a message or changed
/// an object.
pub(crate) const TRACE_HEADER: &str = "AWSTraceHeader";

/// An invocation that continues the trace of the messages, or the change, with these `extra` fields. Returns `None`,
/// after logging it, if the invocation would continue a loop of functions that invoke each other.
pub(crate) fn continue_trace<'a>(
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

/// The trace header of the first field that has one, otherwise a new one. Continuing the trace is what makes loops
/// through queues and buckets detectable.
fn trace_id<'a>(mut extra: impl Iterator<Item = &'a (String, String)>) -> String {
    let trace = extra.find(|(key, value)| key == TRACE_HEADER && value.contains("Root="));
    trace.map_or_else(|| new_trace_id(now_ms()), |(_, value)| value.clone())
}
