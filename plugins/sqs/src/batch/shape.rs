//! `shape`: turns a batch of messages into an event.

use super::contract::{Invocation, Message};
use super::event::Record;
use super::filter::Filters;
use super::limits;
use super::state::State;
use super::token::Token;

const HEAD: &str = "{\"Records\":[";
const TAIL: &str = "]}";

/// Filters a batch and writes the event.
///
/// The first message is always part of the event. The first further message that would exceed the event's size limit is
/// deferred, and so are all messages after it, so that the messages of a group stay in order.
///
/// # Errors
///
/// Fails if [`configure`](super::configure()) did not write `state`.
pub fn shape(state: &str, messages: &[Message]) -> Result<Invocation, String> {
    let state = State::read(state)?;
    let filters = Filters::parse(&state.patterns)
        .map_err(|error| format!("the state has a malformed pattern: {error}"))?;
    let mut event = String::from(HEAD);
    let mut token = Token::default();
    let mut is_empty = true;
    let mut skipped = Vec::new();
    for message in messages {
        if !token.deferred.is_empty() {
            token.deferred.push(message.id.clone());
            continue;
        }
        let record = Record::new(&state, message);
        if !filters.matches(&record) {
            skipped.push(message.id.clone());
            continue;
        }
        let json = serde_json::to_string(&record).map_err(|error| {
            format!("message {} cannot be written as JSON: {error}", message.id)
        })?;
        if is_empty {
            event.push_str(&json);
        } else if event.len() + 1 + json.len() + TAIL.len() <= limits::EVENT {
            event.push(',');
            event.push_str(&json);
        } else {
            token.deferred.push(message.id.clone());
            continue;
        }
        is_empty = false;
    }
    event.push_str(TAIL);
    Ok(Invocation {
        event: (!is_empty).then_some(event),
        skipped,
        token: token.write(),
        extra: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::contract::{Action, Body, Ending, Source, Verdict};
    use crate::batch::{configure, settle};

    fn state() -> String {
        let source = Source {
            name: "orders".to_owned(),
            ordered: false,
            lease_ms: None,
            region: "eu-central-1".to_owned(),
            account: "123456789012".to_owned(),
            extra: Vec::new(),
        };
        configure(r#"{"function":"orders"}"#, &source, &[])
            .unwrap()
            .state
    }

    fn message(id: usize, body: String) -> Message {
        Message {
            id: id.to_string(),
            receipt: "receipt".to_owned(),
            body: Body::Text(body),
            attributes: Vec::new(),
            group: None,
            deduplication: None,
            key: None,
            part: None,
            sequence: None,
            sent_at_ms: 1,
            first_received_at_ms: Some(2),
            receive_count: Some(1),
            dead_letter_source: None,
            extra: Vec::new(),
        }
    }

    #[test]
    fn messages_that_do_not_fit_into_the_event_are_retried_at_once() {
        let mut messages: Vec<_> = (0..10)
            .map(|id| message(id, "x".repeat(1024 * 1024)))
            .collect();
        // It would fit, but must not overtake the messages before it.
        messages.push(message(10, String::new()));
        let invocation = shape(&state(), &messages).unwrap();
        assert!(invocation.event.unwrap().len() <= limits::EVENT);
        let ending = Ending::Completed("null".to_owned());
        let ids: Vec<_> = messages.iter().map(|message| message.id.clone()).collect();
        let settlement = settle(&state(), &invocation.token, &ids, &ending).unwrap();
        assert_eq!(settlement.otherwise, Action::Ack);
        let deferred = ids.iter().skip(5).map(|id| Verdict {
            id: id.clone(),
            action: Action::Retry(Some(0)),
        });
        assert_eq!(settlement.but, deferred.collect::<Vec<_>>());
    }

    #[test]
    fn an_event_always_has_its_first_message() {
        let grows = message(0, "\u{1}".repeat(1024 * 1024 + 1));
        let invocation = shape(&state(), &[grows, message(1, String::new())]).unwrap();
        assert!(invocation.event.unwrap().len() > limits::EVENT);
        assert_eq!(invocation.token, r#"{"deferred":["1"]}"#);
    }

    #[test]
    fn a_full_batch_of_small_messages_is_shaped() {
        let messages: Vec<_> = (0..10_000).map(|id| message(id, "x".to_owned())).collect();
        let invocation = shape(&state(), &messages).unwrap();
        let event: serde_json::Value = serde_json::from_str(&invocation.event.unwrap()).unwrap();
        assert_eq!(event["Records"].as_array().unwrap().len(), 10_000);
    }

    #[test]
    fn a_state_of_another_plugin_is_an_error() {
        let error = shape("", &[]).unwrap_err();
        assert!(error.starts_with("the state was not written"), "{error}");
    }
}
