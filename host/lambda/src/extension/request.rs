//! Reading what an extension sends when it registers.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::error;
use super::event::EventType;
use crate::runtime_api::error::ApiError;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    events: Option<Vec<String>>,
    configuration_keys: Option<IgnoredAny>,
}

/// The events an extension wants, in its order. None, and no list at all, are fine.
pub(crate) fn events(body: &[u8]) -> Result<Vec<String>, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(error::invalid_request("unexpected end of JSON input"));
    }
    let body: Body =
        serde_json::from_slice(body).map_err(|error| error::invalid_request(error.to_string()))?;
    if body.configuration_keys.is_some() {
        let message = "configurationKeys are deprecated; use environment variables instead";
        return Err(error::invalid_request(message));
    }
    Ok(body.events.unwrap_or_default())
}

/// What these names mean; an internal extension has no process of its own to shut down.
pub(crate) fn event_types(events: &[String], external: bool) -> Result<Vec<EventType>, ApiError> {
    let mut types = Vec::new();
    for event in events {
        let event_type = match event.as_str() {
            "INVOKE" => EventType::Invoke,
            "SHUTDOWN" if external => EventType::Shutdown,
            "SHUTDOWN" => return Err(error::internal_shutdown()),
            other => return Err(error::unknown_event(other)),
        };
        if !types.contains(&event_type) {
            types.push(event_type);
        }
    }
    Ok(types)
}

/// Whether `Lambda-Extension-Accept-Feature`, a comma-separated list, names a feature.
pub(crate) fn accepts(features: Option<&str>, feature: &str) -> bool {
    features.is_some_and(|list| list.split(',').any(|one| one.trim() == feature))
}

/// What an error report says, if it says anything that can be read.
pub(crate) fn error_message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        error_message: String,
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    Some(body.error_message)
}
