//! An accepted event, and its form as a message in the store.

use bytes::Bytes;
use lambkin_model::{Invocation, RequestId};
use lambkin_store::{NewEvent, QueuedEvent};
use serde::{Deserialize, Serialize};

use crate::ids::{new_request_id, new_trace_id};

/// The prefix of the names of event queues. The names of users' queues have no colon.
const QUEUE_PREFIX: &str = "lambda:";

/// An event that waits for its function. It keeps its request id in all attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub request_id: RequestId,
    pub payload: Bytes,
    pub qualifier: Option<String>,
    pub trace_id: String,
    pub tenant_id: Option<String>,
}

/// The attributes of the message, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    request_id: String,
    trace_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    qualifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
}

/// The name of the queue with a function's events.
pub(crate) fn queue_of(function: &str) -> String {
    format!("{QUEUE_PREFIX}{function}")
}

/// The name of the function whose events are in this queue; `None` for a user's queue.
pub(crate) fn function_of(queue: &str) -> Option<&str> {
    queue.strip_prefix(QUEUE_PREFIX)
}

impl Event {
    /// The event of an invocation. The client context is dropped: AWS does not deliver it asynchronously.
    pub(crate) fn new(invocation: Invocation) -> Self {
        Self {
            request_id: invocation.request_id,
            payload: invocation.event,
            qualifier: invocation.qualifier,
            trace_id: invocation.trace_id,
            tenant_id: invocation.tenant_id,
        }
    }

    /// An event that the end of another event sends to a function. It continues the trace of its cause.
    pub(crate) fn caused_by(cause: &Self, payload: Vec<u8>, qualifier: Option<String>) -> Self {
        Self {
            request_id: new_request_id(),
            payload: payload.into(),
            qualifier,
            trace_id: cause.trace_id.clone(),
            tenant_id: None,
        }
    }

    pub(crate) fn invocation(&self) -> Invocation {
        Invocation {
            qualifier: self.qualifier.clone(),
            tenant_id: self.tenant_id.clone(),
            ..Invocation::new(
                self.request_id.clone(),
                self.payload.clone(),
                self.trace_id.clone(),
            )
        }
    }

    pub(crate) fn into_message(self, function: &str, now: u64) -> NewEvent {
        let attributes = Attributes {
            request_id: self.request_id.as_str().to_owned(),
            trace_id: self.trace_id,
            qualifier: self.qualifier,
            tenant_id: self.tenant_id,
        };
        NewEvent {
            queue: queue_of(function),
            body: self.payload.into(),
            // Serializing strings does not fail.
            attributes: serde_json::to_string(&attributes).unwrap_or_default(),
            not_before: now,
        }
    }

    /// Restores an event. If its attributes cannot be parsed, it gets new ids and runs nonetheless.
    pub(crate) fn from_message(message: QueuedEvent) -> Self {
        let attributes = serde_json::from_str(&message.attributes).unwrap_or_else(|_| Attributes {
            request_id: new_request_id().as_str().to_owned(),
            trace_id: new_trace_id(message.sent_at),
            qualifier: None,
            tenant_id: None,
        });
        Self {
            request_id: RequestId::new(attributes.request_id),
            payload: message.body.into(),
            qualifier: attributes.qualifier,
            trace_id: attributes.trace_id,
            tenant_id: attributes.tenant_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            request_id: RequestId::new("r-1"),
            payload: Bytes::from_static(b"{\"a\": 1}"),
            qualifier: Some("live".to_owned()),
            trace_id: "Root=1-2-3".to_owned(),
            tenant_id: Some("blue".to_owned()),
        }
    }

    fn stored(message: NewEvent) -> QueuedEvent {
        QueuedEvent {
            id: 1,
            body: message.body,
            attributes: message.attributes,
            sent_at: 5,
            due_at: 5,
            receives: 1,
            attempts: 0,
        }
    }

    #[test]
    fn an_event_survives_the_store_unchanged() {
        let message = event().into_message("orders", 7);
        assert_eq!(
            (message.queue.as_str(), message.not_before),
            ("lambda:orders", 7)
        );
        assert_eq!(function_of(&message.queue), Some("orders"));
        assert_eq!(Event::from_message(stored(message)), event());
    }

    #[test]
    fn an_event_with_invalid_attributes_is_kept() {
        let mut message = stored(event().into_message("orders", 7));
        message.attributes = "?".to_owned();
        let read = Event::from_message(message);
        assert_eq!(read.payload, event().payload);
        assert_eq!(read.request_id.as_str().len(), 36);
    }

    #[test]
    fn a_users_queue_is_not_an_event_queue() {
        assert_eq!(function_of("orders"), None);
    }
}
