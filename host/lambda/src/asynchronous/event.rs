//! An accepted event, and its form as a message of the store.

use bytes::Bytes;
use lambkin_model::{Invocation, RequestId};
use lambkin_store::{Message, NewMessage};
use serde::{Deserialize, Serialize};

use crate::ids::{new_request_id, new_trace_id};

/// Before the function's name in the name of its queue. The colon keeps these queues apart from a user's.
const QUEUE_PREFIX: &str = "lambda:";

/// An event that waits for its function. It keeps its request id through all attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub request_id: RequestId,
    pub payload: Bytes,
    pub qualifier: Option<String>,
    pub trace_id: String,
    pub tenant_id: Option<String>,
}

/// What the message says besides its body.
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

/// The queue of a function's events.
pub(crate) fn queue_of(function: &str) -> String {
    format!("{QUEUE_PREFIX}{function}")
}

/// The function whose events are in this queue, if it is such a queue.
pub(crate) fn function_of(queue: &str) -> Option<&str> {
    queue.strip_prefix(QUEUE_PREFIX)
}

impl Event {
    /// What is kept of an invocation: AWS does not deliver the client context of an asynchronous one.
    pub(crate) fn of(invocation: Invocation) -> Self {
        Self {
            request_id: invocation.request_id,
            payload: invocation.event,
            qualifier: invocation.qualifier,
            trace_id: invocation.trace_id,
            tenant_id: invocation.tenant_id,
        }
    }

    /// An event that the service itself sends on account of another one, whose trace it continues.
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

    pub(crate) fn into_message(self, function: &str, now: u64) -> NewMessage {
        let attributes = Attributes {
            request_id: self.request_id.as_str().to_owned(),
            trace_id: self.trace_id,
            qualifier: self.qualifier,
            tenant_id: self.tenant_id,
        };
        NewMessage {
            queue: queue_of(function),
            body: self.payload.into(),
            // Strings do not fail to be JSON.
            attributes: serde_json::to_string(&attributes).unwrap_or_default(),
            not_before: now,
        }
    }

    /// Attributes that can not be read cost the event its ids, not its run.
    pub(crate) fn from_message(message: Message) -> Self {
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

    fn stored(message: NewMessage) -> Message {
        Message {
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
    fn an_event_comes_out_of_the_store_as_it_went_in() {
        let message = event().into_message("orders", 7);
        assert_eq!(
            (message.queue.as_str(), message.not_before),
            ("lambda:orders", 7)
        );
        assert_eq!(function_of(&message.queue), Some("orders"));
        assert_eq!(Event::from_message(stored(message)), event());
    }

    #[test]
    fn unreadable_attributes_do_not_cost_the_event() {
        let mut message = stored(event().into_message("orders", 7));
        message.attributes = "?".to_owned();
        let read = Event::from_message(message);
        assert_eq!(read.payload, event().payload);
        assert_eq!(read.request_id.as_str().len(), 36);
    }

    #[test]
    fn a_users_queue_is_no_functions_queue() {
        assert_eq!(function_of("orders"), None);
    }
}
