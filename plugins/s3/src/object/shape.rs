//! From a change to an event.

use super::contract::Change;
use super::notification::{Notification, TestEvent};
use super::state::State;
use crate::{encoding, event_type};

/// The event of a change; `None` if the configuration does not include it. With the change that says that the
/// configuration begins, it is AWS's test event, which queues receive and functions do not.
///
/// # Errors
///
/// `state` was not written by [`configure`](super::configure()).
pub fn shape(state: &str, change: &Change) -> Result<Option<String>, String> {
    let state = State::read(state)?;
    let of_file = event_type::of_file(&change.event).map(|event| Change {
        event: event.to_owned(),
        ..change.clone()
    });
    let change = of_file.as_ref().unwrap_or(change);
    let event = if change.event == event_type::CONFIGURED {
        if !state.sends_test_event {
            return Ok(None);
        }
        serde_json::to_string(&TestEvent::new(&state, change))
    } else if is_wanted(&state, change) {
        serde_json::to_string(&Notification::new(&state, change))
    } else {
        return Ok(None);
    };
    event.map(Some).map_err(|error| {
        format!(
            "the event of change {} cannot be written: {error}",
            change.id
        )
    })
}

/// Whether the configuration includes the event type and the key. Filters apply to the key as the event contains it.
fn is_wanted(state: &State, change: &Change) -> bool {
    let encoded = encoding::key(&change.key);
    state
        .events
        .iter()
        .any(|name| event_type::matches(name, &change.event))
        && encoded.starts_with(&state.prefix)
        && encoded.ends_with(&state.suffix)
}

#[cfg(test)]
mod tests {
    use super::super::contract::Bucket;
    use super::*;

    #[test]
    fn a_queue_receives_a_test_event_when_its_configuration_begins() {
        let bucket = Bucket {
            name: "photos".to_owned(),
            extra: Vec::new(),
        };
        let begins = Change {
            id: "id".to_owned(),
            event: "triggers-changed".to_owned(),
            key: String::new(),
            size: None,
            etag: None,
            version: None,
            sequencer: 0,
            at_ms: 1_790_929_860_123,
            extra: Vec::new(),
        };
        let shaped = |config: &str| {
            let setup = super::super::configure(config, "us-east-1", &bucket).unwrap();
            shape(&setup.state, &begins).unwrap()
        };
        assert_eq!(shaped(r#"{"function":"f"}"#), None);
        let event = shaped(r#"{"target-queue":"q","events":["s3:ObjectRemoved:*"]}"#).unwrap();
        let start = concat!(
            r#"{"Service":"Amazon S3","Event":"s3:TestEvent","#,
            r#""Time":"2026-10-02T08:31:00.123Z","Bucket":"photos","RequestId":""#
        );
        assert!(event.starts_with(start), "{event}");
    }

    #[test]
    fn changes_of_files_have_the_events_of_put_and_delete() {
        let bucket = Bucket {
            name: "photos".to_owned(),
            extra: Vec::new(),
        };
        let config = r#"{"function":"f","events":["s3:ObjectCreated:Put","s3:ObjectRemoved:*"]}"#;
        let setup = super::super::configure(config, "us-east-1", &bucket).unwrap();
        let event_for = |event: &str| {
            let change = Change {
                id: "id".to_owned(),
                event: event.to_owned(),
                key: "key".to_owned(),
                size: None,
                etag: None,
                version: None,
                sequencer: 0,
                at_ms: 0,
                extra: Vec::new(),
            };
            shape(&setup.state, &change).unwrap()
        };
        for (of_file, of_service) in [
            ("file-written", "ObjectCreated:Put"),
            ("file-removed", "ObjectRemoved:Delete"),
        ] {
            assert!(event_for(of_file).is_some(), "{of_file}");
            assert_eq!(event_for(of_file), event_for(of_service), "{of_file}");
        }
    }
}
