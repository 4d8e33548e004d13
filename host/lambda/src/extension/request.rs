//! Parsing the requests of extensions.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::error;
use super::event::EventType;
use crate::api_error::ApiError;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    events: Option<Vec<String>>,
    configuration_keys: Option<IgnoredAny>,
}

/// The events in the body of a registration, in its order. The list may be empty or missing.
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

/// The event types with these names, each once. An internal extension cannot subscribe to SHUTDOWN, as it has no
/// process of its own.
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

/// Whether `Lambda-Extension-Accept-Feature`, a comma-separated list, contains a feature.
pub(crate) fn accepts(features: Option<&str>, feature: &str) -> bool {
    features.is_some_and(|list| list.split(',').any(|item| item.trim() == feature))
}

/// The message of an error report; `None` if the body is not a valid report.
pub(crate) fn error_message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        error_message: String,
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    Some(body.error_message)
}
