//! The invocation of a function with a trigger's event.

use bytes::Bytes;
use lambkin_lambda::new_request_id;
use lambkin_model::Invocation;

/// An invocation that nobody but a trigger asked for: with a request id of its own and without a context.
pub(crate) fn invocation(event: String, trace_id: String) -> Invocation {
    Invocation {
        request_id: new_request_id(),
        event: Bytes::from(event),
        qualifier: None,
        trace_id,
        client_context: None,
        cognito_identity: None,
        tenant_id: None,
        wants_log_tail: false,
    }
}
