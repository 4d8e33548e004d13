//! From a change to an event.

use super::contract::Change;
use super::event_type;
use super::notification::Notification;
use super::state::State;
use crate::encoding;

/// The event of a change; `None` if the configuration does not include it.
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
    if !is_wanted(&state, change) {
        return Ok(None);
    }
    serde_json::to_string(&Notification::new(&state, change))
        .map(Some)
        .map_err(|error| {
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
    fn changes_of_files_have_the_events_of_put_and_delete() {
        let bucket = Bucket {
            name: "photos".to_owned(),
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            extra: Vec::new(),
        };
        let config = r#"{"function":"f","events":["s3:ObjectCreated:Put","s3:ObjectRemoved:*"]}"#;
        let setup = super::super::configure(config, &bucket).unwrap();
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
