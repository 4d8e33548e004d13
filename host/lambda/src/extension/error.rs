//! What the Extensions API refuses, in AWS's types and words. All of it is 403.

use std::borrow::Cow;

use http::StatusCode;

use super::state::TransitionError;
use crate::limits::EXTENSIONS;
use crate::runtime_api::error::ApiError;

const INVALID_STATE: &str = "Extension.InvalidExtensionState";
const INVALID_EVENT: &str = "Extension.InvalidEventType";

pub(crate) fn empty_name() -> ApiError {
    forbidden("Extension.InvalidExtensionName", "Empty extension name")
}

/// The reason is a parser's.
pub(crate) fn invalid_request(reason: impl Into<Cow<'static, str>>) -> ApiError {
    forbidden("InvalidRequestFormat", reason)
}

pub(crate) fn unknown_event(event: &str) -> ApiError {
    forbidden(INVALID_EVENT, format!("{event}: ErrorInvalidEventType"))
}

pub(crate) fn internal_shutdown() -> ApiError {
    let message = "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension";
    forbidden(INVALID_EVENT, message)
}

pub(crate) fn name_taken() -> ApiError {
    forbidden(INVALID_STATE, "Extension with this name already registered")
}

pub(crate) fn registration_closed() -> ApiError {
    let message = "Extension registration closed already";
    forbidden("Extension.RegistrationClosed", message)
}

pub(crate) fn too_many() -> ApiError {
    let message = format!("Extension limit ({EXTENSIONS}) reached");
    forbidden("Extension.TooManyExtensions", message)
}

pub(crate) fn missing_identifier() -> ApiError {
    let message = "Missing Lambda-Extension-Identifier header";
    forbidden("Extension.MissingExtensionIdentifier", message)
}

pub(crate) fn invalid_identifier() -> ApiError {
    let message = "Invalid Lambda-Extension-Identifier";
    forbidden("Extension.InvalidExtensionIdentifier", message)
}

pub(crate) fn unknown_identifier(id: &str) -> ApiError {
    let message = format!("Unknown extension {id}");
    forbidden("Extension.UnknownExtensionIdentifier", message)
}

pub(crate) fn missing_error_type() -> ApiError {
    let message = "Lambda-Extension-Function-Error-Type not found";
    forbidden("Extension.MissingHeader", message)
}

pub(crate) fn not_allowed(name: &str, refused: TransitionError) -> ApiError {
    let TransitionError { from, to } = refused;
    let message = format!(
        "State transition from {from} to {to} failed for extension {name}. \
         Error: State transition is not allowed"
    );
    forbidden(INVALID_STATE, message)
}

/// A 403 with this type and message.
pub(crate) fn forbidden(
    error_type: &'static str,
    message: impl Into<Cow<'static, str>>,
) -> ApiError {
    ApiError {
        status: StatusCode::FORBIDDEN,
        error_type,
        message: message.into(),
    }
}
