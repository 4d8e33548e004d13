//! From a change to an event.

use super::contract::Change;
use super::event_type;
use super::notification::Notification;
use super::state::State;
use crate::encoding;

/// Shapes a change. None if the configuration does not ask for it.
///
/// # Errors
///
/// `state` is not from [`configure`](super::configure()).
pub fn shape(state: &str, change: &Change) -> Result<Option<String>, String> {
    let state = State::read(state)?;
    if !asks_for(&state, change) {
        return Ok(None);
    }
    serde_json::to_string(&Notification::new(&state, change))
        .map(Some)
        .map_err(|error| {
            format!(
                "the event of change {} can not be written: {error}",
                change.id
            )
        })
}

/// Whether type and key are those of the configuration. Filters look at the key as the event writes it.
fn asks_for(state: &State, change: &Change) -> bool {
    let encoded = encoding::key(&change.key);
    state
        .events
        .iter()
        .any(|name| event_type::covers(name, &change.event))
        && encoded.starts_with(&state.prefix)
        && encoded.ends_with(&state.suffix)
}
