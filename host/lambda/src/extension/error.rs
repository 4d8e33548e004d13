//! The errors of the Extensions API, with AWS's types and messages. All of them are 403.

use std::borrow::Cow;

use http::StatusCode;

use super::state::ExtensionState;
use crate::api_error::ApiError;
use crate::limits::EXTENSIONS;
use crate::state_machine::TransitionError;

const INVALID_STATE: &str = "Extension.InvalidExtensionState";
const INVALID_EVENT: &str = "Extension.InvalidEventType";

pub(super) fn empty_name() -> ApiError {
    forbidden("Extension.InvalidExtensionName", "Empty extension name")
}

/// The request cannot be parsed, for this reason.
pub(super) fn invalid_request(reason: impl Into<Cow<'static, str>>) -> ApiError {
    forbidden("InvalidRequestFormat", reason)
}

pub(super) fn unknown_event(event: &str) -> ApiError {
    forbidden(INVALID_EVENT, format!("{event}: ErrorInvalidEventType"))
}

pub(super) fn internal_shutdown() -> ApiError {
    let message = "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension";
    forbidden(INVALID_EVENT, message)
}

pub(super) fn name_in_use() -> ApiError {
    forbidden(INVALID_STATE, "Extension with this name already registered")
}

pub(super) fn registration_closed() -> ApiError {
    let message = "Extension registration closed already";
    forbidden("Extension.RegistrationClosed", message)
}

pub(super) fn too_many() -> ApiError {
    let message = format!("Extension limit ({EXTENSIONS}) reached");
    forbidden("Extension.TooManyExtensions", message)
}

pub(super) fn missing_identifier() -> ApiError {
    let message = "Missing Lambda-Extension-Identifier header";
    forbidden("Extension.MissingExtensionIdentifier", message)
}

pub(super) fn invalid_identifier() -> ApiError {
    let message = "Invalid Lambda-Extension-Identifier";
    forbidden("Extension.InvalidExtensionIdentifier", message)
}

pub(super) fn unknown_identifier(id: &str) -> ApiError {
    let message = format!("Unknown extension {id}");
    forbidden("Extension.UnknownExtensionIdentifier", message)
}

pub(super) fn missing_error_type() -> ApiError {
    let message = "Lambda-Extension-Function-Error-Type not found";
    forbidden("Extension.MissingHeader", message)
}

pub(super) fn transition(name: &str, error: TransitionError<ExtensionState>) -> ApiError {
    let message = error.message(format_args!("extension {name}"));
    forbidden(INVALID_STATE, message)
}

fn forbidden(error_type: &'static str, message: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, error_type, message)
}
