//! The errors of the Invoke API.
//!
//! Status, type, message and the case of the body's keys are AWS's, because clients build their exceptions from them.
//! Where AWS has no such error, because its Lambda has no such limitation, the message states what to do instead.

use std::borrow::Cow;

use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use lambkin_http::{Response, json};
use lambkin_lambda::limits::{ASYNC_EVENT_BYTES, SYNC_EVENT_BYTES};
use lambkin_lambda::{AcceptError, FunctionSpec};
use lambkin_model::InvokeError;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// An error response.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    error_type: &'static str,
    /// The body's members in AWS's order.
    members: Vec<(&'static str, Cow<'static, str>)>,
}

impl ApiError {
    /// An error in the form that most errors have.
    fn user(
        status: StatusCode,
        error_type: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            error_type,
            members: vec![("Message", message.into()), ("Type", "User".into())],
        }
    }

    pub(crate) fn unknown_operation(method: &Method, path: &str) -> Self {
        let message = format!(
            "Lambkin's Invoke API has no operation {method} {path}; functions are invoked with POST /2015-03-31/functions/NAME/invocations"
        );
        Self::user(StatusCode::NOT_FOUND, "UnknownOperationException", message)
    }

    pub(crate) fn read_only(method: &Method, path: &str) -> Self {
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

    pub(crate) fn validation(problems: &[String]) -> Self {
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
            status: StatusCode::BAD_REQUEST,
            error_type: "ValidationException",
            members: vec![("message", message.into())],
        }
    }

    pub(crate) fn invalid_parameter(message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self {
            status: StatusCode::BAD_REQUEST,
            error_type: "InvalidParameterValueException",
            members: vec![
                ("Type", "User".into()),
                ("Message", message.clone()),
                ("message", message),
            ],
        }
    }

    pub(crate) fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::user(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
    }

    pub(crate) fn no_published_version() -> Self {
        Self::user(
            StatusCode::BAD_REQUEST,
            "NoPublishedVersionException",
            "The function has no published versions available.",
        )
    }

    pub(crate) fn not_json(reason: &str) -> Self {
        Self::invalid_content(format!(
            "Could not parse request body into json: Could not parse payload into json: {reason}"
        ))
    }

    pub(crate) fn invalid_content(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error_type: "InvalidRequestContentException",
            members: vec![("message", message.into()), ("Type", "User".into())],
        }
    }

    pub(crate) fn event_too_large() -> Self {
        Self::too_large(format!(
            "Request must be smaller than {SYNC_EVENT_BYTES} bytes for the InvokeFunction operation"
        ))
    }

    pub(crate) fn async_event_too_large(length: usize) -> Self {
        Self::too_large(format!(
            "{length} byte payload is too large for the Event invocation type (limit {ASYNC_EVENT_BYTES} bytes)"
        ))
    }

    /// AWS's responses have this type; `RequestTooLargeException` is the name in its API models.
    pub(crate) fn too_large(message: String) -> Self {
        Self::user(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLargeException",
            message,
        )
    }

    /// AWS's answer to a body that stops midway is not known; S3's error has this name.
    pub(crate) fn timed_out(message: String) -> Self {
        Self::user(
            StatusCode::REQUEST_TIMEOUT,
            "RequestTimeoutException",
            message,
        )
    }

    pub(crate) fn recursion() -> Self {
        Self::user(
            StatusCode::BAD_REQUEST,
            "RecursiveInvocationException",
            "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services \
             resources and stopped your function's invocation.",
        )
    }

    /// The error for a function that was not invoked.
    pub(crate) fn not_invoked(error: &InvokeError, spec: &FunctionSpec) -> Self {
        match error {
            InvokeError::Throttled => Self::throttled(spec.reserved_concurrency),
            _ => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                error_type: "ServiceException",
                members: vec![
                    ("Message", "The Lambda host is shutting down.".into()),
                    ("Type", "Service".into()),
                ],
            },
        }
    }

    /// The error for an event that could not be stored.
    pub(crate) fn not_accepted(error: &AcceptError) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error_type: "ServiceException",
            members: vec![
                ("Message", error.to_string().into()),
                ("Type", "Service".into()),
            ],
        }
    }

    fn throttled(reserved: bool) -> Self {
        let reason = if reserved {
            "ReservedFunctionConcurrentInvocationLimitExceeded"
        } else {
            "ConcurrentInvocationLimitExceeded"
        };
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            error_type: "TooManyRequestsException",
            members: vec![
                ("Reason", reason.into()),
                ("Type", "User".into()),
                ("message", "Rate Exceeded.".into()),
            ],
        }
    }

    fn body(&self) -> String {
        let members: Vec<String> = self
            .members
            .iter()
            .map(|(key, value)| format!("\"{key}\":{}", serde_json::Value::from(value.as_ref())))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = json(self.status, self.body());
        let headers = response.headers_mut();
        headers.insert(ERROR_TYPE, HeaderValue::from_static(self.error_type));
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_the_keys_of_aws_in_its_order() {
        for (error, body) in [
            (
                ApiError::not_found("Function not found: x"),
                r#"{"Message":"Function not found: x","Type":"User"}"#,
            ),
            (
                ApiError::invalid_content("no"),
                r#"{"message":"no","Type":"User"}"#,
            ),
            (
                ApiError::validation(&["a".to_owned()]),
                r#"{"message":"1 validation error detected: a"}"#,
            ),
            (
                ApiError::throttled(true),
                r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#,
            ),
            (
                ApiError::invalid_parameter("m"),
                r#"{"Type":"User","Message":"m","message":"m"}"#,
            ),
        ] {
            assert_eq!(error.body(), body);
        }
    }
}
