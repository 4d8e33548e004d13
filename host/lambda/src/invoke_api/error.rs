//! Errors of a request, as AWS words them.
//!
//! Status, type, message and the case of the body's keys are AWS's, for clients build their exceptions from them. Where
//! AWS has no such error, because its Lambda has no such limitation, the message says what to do instead.

use std::borrow::Cow;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use lambkin_http::Response;
use lambkin_model::Failure;

use crate::function::FunctionSpec;
use crate::limits::{ASYNC_EVENT_BYTES, SYNC_EVENT_BYTES};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// Which key of the body holds the message. AWS uses all three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Upper,
    Lower,
    Both,
}

/// A request that is refused.
#[derive(Debug)]
pub(super) struct Error {
    status: StatusCode,
    error_type: &'static str,
    /// Whose fault it is: `User` or `Service`; validation errors do not say.
    fault: Option<&'static str>,
    /// Why a call was throttled.
    reason: Option<&'static str>,
    key: Key,
    message: Cow<'static, str>,
}

impl Error {
    fn user(
        status: StatusCode,
        error_type: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            error_type,
            fault: Some("User"),
            reason: None,
            key: Key::Upper,
            message: message.into(),
        }
    }

    pub(super) fn unknown_operation(method: &Method, path: &str) -> Self {
        let message = format!(
            "Lambkin's Invoke API has no operation {method} {path}; functions are invoked with POST /2015-03-31/functions/NAME/invocations"
        );
        Self::user(StatusCode::NOT_FOUND, "UnknownOperationException", message)
    }

    pub(super) fn read_only(method: &Method, path: &str) -> Self {
        let message = format!(
            "{method} {path} would change a function, and Lambkin's functions are defined in lambkin.toml: \
             change them there and restart `lambkin serve`"
        );
        Self::user(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplementedException",
            message,
        )
    }

    pub(super) fn validation(problems: &[String]) -> Self {
        let noun = match problems {
            [_] => "validation error",
            _ => "validation errors",
        };
        let message = format!(
            "{} {noun} detected: {}",
            problems.len(),
            problems.join("; ")
        );
        Self {
            fault: None,
            key: Key::Lower,
            ..Self::user(StatusCode::BAD_REQUEST, "ValidationException", message)
        }
    }

    pub(super) fn invalid_parameter(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            key: Key::Both,
            ..Self::user(
                StatusCode::BAD_REQUEST,
                "InvalidParameterValueException",
                message,
            )
        }
    }

    pub(super) fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::user(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
    }

    pub(super) fn no_published_version() -> Self {
        Self::user(
            StatusCode::BAD_REQUEST,
            "NoPublishedVersionException",
            "The function has no published versions available.",
        )
    }

    pub(super) fn not_json(reason: &str) -> Self {
        Self::invalid_content(format!(
            "Could not parse request body into json: Could not parse payload into json: {reason}"
        ))
    }

    pub(super) fn invalid_content(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            key: Key::Lower,
            ..Self::user(
                StatusCode::BAD_REQUEST,
                "InvalidRequestContentException",
                message,
            )
        }
    }

    pub(super) fn event_too_large() -> Self {
        Self::too_large(format!(
            "Request must be smaller than {SYNC_EVENT_BYTES} bytes for the InvokeFunction operation"
        ))
    }

    pub(super) fn async_event_too_large(length: usize) -> Self {
        Self::too_large(format!(
            "{length} byte payload is too large for the Event invocation type (limit {ASYNC_EVENT_BYTES} bytes)"
        ))
    }

    /// On the wire AWS calls it so; `RequestTooLargeException` is in its models only.
    pub(super) fn too_large(message: String) -> Self {
        Self::user(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLargeException",
            message,
        )
    }

    pub(super) fn recursion() -> Self {
        Self::user(
            StatusCode::BAD_REQUEST,
            "RecursiveInvocationException",
            "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services \
             resources and stopped your function's invocation.",
        )
    }

    /// Why a function was not invoked at all.
    pub(super) fn not_invoked(failure: &Failure, spec: &FunctionSpec) -> Self {
        match failure {
            Failure::Throttled => Self::throttled(spec.reserved_concurrency),
            _ => Self {
                fault: Some("Service"),
                ..Self::user(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "ServiceException",
                    "The Lambda host is shutting down.",
                )
            },
        }
    }

    fn throttled(reserved: bool) -> Self {
        let reason = if reserved {
            "ReservedFunctionConcurrentInvocationLimitExceeded"
        } else {
            "ConcurrentInvocationLimitExceeded"
        };
        Self {
            reason: Some(reason),
            key: Key::Lower,
            ..Self::user(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                "Rate Exceeded.",
            )
        }
    }

    /// Reason, message and type in the order in which AWS has them.
    fn body(&self) -> String {
        let upper = matches!(self.key, Key::Upper).then_some(("Message", &*self.message));
        let lower = matches!(self.key, Key::Lower).then_some(("message", &*self.message));
        let both = matches!(self.key, Key::Both)
            .then_some([("Message", &*self.message), ("message", &*self.message)]);
        let fault = self.fault.map(|fault| ("Type", fault));
        let reason = self.reason.map(|reason| ("Reason", reason));
        // The message comes last where something else is the news.
        let (early, late) = if self.reason.is_some() {
            (None, lower)
        } else {
            (upper.or(lower), None)
        };
        let members: Vec<String> = reason
            .into_iter()
            .chain(early)
            .chain(fault)
            .chain(late)
            .chain(both.into_iter().flatten())
            .map(|(key, value)| format!("\"{key}\":{}", serde_json::Value::from(value)))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = Response::new(self.body().into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ERROR_TYPE, HeaderValue::from_static(self.error_type));
        if self.reason.is_some() {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_awss_keys_in_awss_order() {
        for (error, body) in [
            (
                Error::not_found("Function not found: x"),
                r#"{"Message":"Function not found: x","Type":"User"}"#,
            ),
            (
                Error::invalid_content("no"),
                r#"{"message":"no","Type":"User"}"#,
            ),
            (
                Error::validation(&["a".to_owned()]),
                r#"{"message":"1 validation error detected: a"}"#,
            ),
            (
                Error::throttled(true),
                r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#,
            ),
            (
                Error::invalid_parameter("m"),
                r#"{"Type":"User","Message":"m","message":"m"}"#,
            ),
        ] {
            assert_eq!(error.body(), body);
        }
    }
}
