//! What the Extensions API refuses, in AWS's types and words. All of it is 403.

use std::borrow::Cow;

use http::StatusCode;

use super::state::TransitionError;
use crate::limits::EXTENSIONS;
use crate::runtime_api::refusal::Refusal;

const INVALID_STATE: &str = "Extension.InvalidExtensionState";
const INVALID_EVENT: &str = "Extension.InvalidEventType";

pub(crate) fn empty_name() -> Refusal {
    forbidden("Extension.InvalidExtensionName", "Empty extension name")
}

/// The reason is a parser's.
pub(crate) fn invalid_request(reason: impl Into<Cow<'static, str>>) -> Refusal {
    forbidden("InvalidRequestFormat", reason)
}

pub(crate) fn unknown_event(event: &str) -> Refusal {
    forbidden(INVALID_EVENT, format!("{event}: ErrorInvalidEventType"))
}

pub(crate) fn internal_shutdown() -> Refusal {
    let message = "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension";
    forbidden(INVALID_EVENT, message)
}

pub(crate) fn name_taken() -> Refusal {
    forbidden(INVALID_STATE, "Extension with this name already registered")
}

pub(crate) fn registration_closed() -> Refusal {
    let message = "Extension registration closed already";
    forbidden("Extension.RegistrationClosed", message)
}

pub(crate) fn too_many() -> Refusal {
    let message = format!("Extension limit ({EXTENSIONS}) reached");
    forbidden("Extension.TooManyExtensions", message)
}

pub(crate) fn missing_identifier() -> Refusal {
    let message = "Missing Lambda-Extension-Identifier header";
    forbidden("Extension.MissingExtensionIdentifier", message)
}

pub(crate) fn invalid_identifier() -> Refusal {
    let message = "Invalid Lambda-Extension-Identifier";
    forbidden("Extension.InvalidExtensionIdentifier", message)
}

pub(crate) fn unknown_identifier(id: &str) -> Refusal {
    let message = format!("Unknown extension {id}");
    forbidden("Extension.UnknownExtensionIdentifier", message)
}

pub(crate) fn missing_error_type() -> Refusal {
    let message = "Lambda-Extension-Function-Error-Type not found";
    forbidden("Extension.MissingHeader", message)
}

pub(crate) fn not_allowed(name: &str, refused: TransitionError) -> Refusal {
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
) -> Refusal {
    Refusal {
        status: StatusCode::FORBIDDEN,
        error_type,
        message: message.into(),
    }
}
