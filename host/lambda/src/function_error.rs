//! The payloads of function errors that the platform reports.
//!
//! The messages and the order of their keys are AWS's, because callers compare these texts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use lambkin_model::{FunctionError, FunctionErrorKind, RequestId};
use lambkin_process::Exit;
use serde::Serialize;

use crate::limits::RESPONSE_BYTES;

/// The error type when a process ended unexpectedly.
pub(crate) const EXIT_ERROR: &str = "Runtime.ExitError";
/// The error type when the function's program could not be started.
pub const INVALID_ENTRYPOINT: &str = "Runtime.InvalidEntrypoint";
/// The error type when the response exceeds the limit.
pub const RESPONSE_TOO_LARGE: &str = "Function.ResponseSizeTooLarge";
/// The error type when the working directory of an image does not exist.
pub(crate) const INVALID_WORKING_DIR: &str = "Runtime.InvalidWorkingDir";
const INVALID_RESPONSE_MODE: &str = "Runtime.InvalidResponseModeHeader";
const TRUNCATED_RESPONSE: &str = "Runtime.TruncatedResponse";
/// The error type when the function did not respond within its timeout.
pub(crate) const TIMED_OUT: &str = "Sandbox.Timedout";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeFirst<'a> {
    error_type: &'a str,
    error_message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageFirst<'a> {
    error_message: &'a str,
    error_type: &'a str,
}

/// The error that the runtime posted to `/invocation/{id}/error`.
pub(crate) fn reported(payload: Bytes) -> FunctionError {
    FunctionError {
        kind: FunctionErrorKind::Reported,
        payload,
    }
}

/// The error that the runtime posted to `/init/error`.
pub(crate) fn reported_in_init(payload: Bytes) -> FunctionError {
    FunctionError {
        kind: FunctionErrorKind::ReportedInInit,
        payload,
    }
}

/// The function did not respond within its timeout.
pub(crate) fn timed_out(id: &RequestId, timeout: Duration) -> FunctionError {
    let message = format!("RequestId: {id} Error: {}", timed_out_text(timeout));
    FunctionError {
        kind: FunctionErrorKind::TimedOut,
        payload: json(&TypeFirst {
            error_type: TIMED_OUT,
            error_message: &message,
        }),
    }
}

/// The message for responses and logs: `Task timed out after 3.00 seconds`.
pub fn timed_out_text(timeout: Duration) -> String {
    format!("Task timed out after {:.2} seconds", timeout.as_secs_f64())
}

/// The process ended before it responded.
pub(crate) fn exited(id: &RequestId, exit: &Exit) -> FunctionError {
    platform(
        EXIT_ERROR,
        &format!("RequestId: {id} Error: {}", exited_text(exit)),
    )
}

/// The message for responses and logs: `Runtime exited with error: exit status 1`.
pub(crate) fn exited_text(exit: &Exit) -> String {
    match exit {
        Exit::Code(0) => "Runtime exited without providing a reason".to_owned(),
        other => format!("Runtime exited with error: {other}"),
    }
}

/// No bootstrap was found at these paths.
pub(crate) fn invalid_entrypoint(id: &RequestId, tried: &[PathBuf]) -> FunctionError {
    let text = no_bootstrap_text(tried.iter().map(PathBuf::as_path));
    platform(
        INVALID_ENTRYPOINT,
        &format!("RequestId: {id} Error: {text}"),
    )
}

/// The message for responses and logs: `Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]`.
pub(crate) fn no_bootstrap_text<'a>(tried: impl Iterator<Item = &'a Path>) -> String {
    let paths: Vec<String> = tried.map(|path| path.display().to_string()).collect();
    format!("Couldn't find valid bootstrap(s): [{}]", paths.join(" "))
}

/// The interpreter of a managed runtime cannot be used.
pub(crate) fn no_interpreter(id: &RequestId, reason: &str) -> FunctionError {
    platform(
        INVALID_ENTRYPOINT,
        &format!("RequestId: {id} Error: {reason}"),
    )
}

/// An image cannot be started, with this type of error.
pub(crate) fn no_image_program(
    id: &RequestId,
    error_type: &'static str,
    reason: &str,
) -> FunctionError {
    platform(error_type, &format!("RequestId: {id} Error: {reason}"))
}

/// The operating system refused to start the bootstrap.
pub(crate) fn not_started(id: &RequestId, program: &Path, exit: &Exit) -> FunctionError {
    let text = not_started_text(program, exit);
    platform(
        INVALID_ENTRYPOINT,
        &format!("RequestId: {id} Error: {text}"),
    )
}

/// The message for responses and logs: `fork/exec /var/task/bootstrap: exec format error`.
pub(crate) fn not_started_text(program: &Path, exit: &Exit) -> String {
    format!("fork/exec {}: {exit}", program.display())
}

/// An extension could not be started, crashed, or reported an error; `reason` says which.
pub(crate) fn extension(id: &RequestId, error_type: &'static str, reason: &str) -> FunctionError {
    platform(error_type, &format!("RequestId: {id} Error: {reason}"))
}

/// The response exceeds the limit. In this payload, AWS puts the message first.
pub(crate) fn response_too_large() -> FunctionError {
    let payload = json(&MessageFirst {
        error_message: &response_too_large_text(),
        error_type: RESPONSE_TOO_LARGE,
    });
    FunctionError {
        kind: FunctionErrorKind::Platform(RESPONSE_TOO_LARGE),
        payload,
    }
}

/// The payload for a response that exceeds the limit, with the type first, as AWS's emulator sends it.
pub fn response_too_large_type_first() -> Bytes {
    json(&TypeFirst {
        error_type: RESPONSE_TOO_LARGE,
        error_message: &response_too_large_text(),
    })
}

fn response_too_large_text() -> String {
    format!("Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes).")
}

/// The runtime's request ended before the response was complete.
pub(crate) fn truncated_response(id: &RequestId) -> FunctionError {
    platform(
        TRUNCATED_RESPONSE,
        &format!("RequestId: {id} Error: HTTP request detected as truncated"),
    )
}

/// The header `Lambda-Runtime-Function-Response-Mode` had an unknown value.
pub(crate) fn invalid_response_mode(id: &RequestId) -> FunctionError {
    platform(
        INVALID_RESPONSE_MODE,
        &format!("RequestId: {id} Error: Invalid function response mode"),
    )
}

fn platform(error_type: &'static str, message: &str) -> FunctionError {
    let payload = json(&TypeFirst {
        error_type,
        error_message: message,
    });
    FunctionError {
        kind: FunctionErrorKind::Platform(error_type),
        payload,
    }
}

/// The part of an error report with a cause that the caller gets: the three members that AWS passes on.
pub(crate) fn without_cause(report: &[u8]) -> Bytes {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(report) else {
        return Bytes::from_static(b"\"Invalid error body\"");
    };
    let member = |key: &&str| Some(format!("\"{key}\":{}", members.get(*key)?));
    let kept: Vec<String> = ["errorMessage", "errorType", "stackTrace"]
        .iter()
        .filter_map(member)
        .collect();
    format!("{{{}}}", kept.join(",")).into()
}

/// The error type in the log for the type that a runtime reported: the same type if it has AWS's form, `Runtime.Name`
/// or `Function.Name`; otherwise `Runtime.Unknown` or `Function.Unknown`.
pub(crate) fn classify(error_type: Option<&str>) -> &str {
    let Some(error_type) = error_type else {
        return "Runtime.Unknown";
    };
    let name = error_type
        .strip_prefix("Runtime.")
        .or_else(|| error_type.strip_prefix("Function."));
    let mut letters = name.unwrap_or_default().chars();
    let starts_well = letters
        .next()
        .is_some_and(|first| first.is_ascii_uppercase());
    match error_type {
        kept if starts_well
            && letters.clone().count() > 0
            && letters.all(|letter| letter.is_ascii_alphabetic()) =>
        {
            kept
        }
        other if other.starts_with("Function.") => "Function.Unknown",
        _ => "Runtime.Unknown",
    }
}

/// The body of the Runtime API's own errors: `{"errorMessage":…,"errorType":…}` and a line feed.
pub fn api_error_body(error_type: &str, message: &str) -> Bytes {
    let mut body = json(&MessageFirst {
        error_message: message,
        error_type,
    })
    .to_vec();
    body.push(b'\n');
    body.into()
}

fn json(value: &impl Serialize) -> Bytes {
    // Serializing two strings does not fail.
    serde_json::to_vec(value).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: FunctionError) -> String {
        String::from_utf8(error.payload.to_vec()).unwrap()
    }

    #[test]
    fn the_caller_does_not_get_the_cause() {
        let report = br#"{"stackTrace":["a"],"errorCause":{"x":1},"errorType":"T","errorMessage":"m \"q\""}"#;
        assert_eq!(
            without_cause(report),
            &br#"{"errorMessage":"m \"q\"","errorType":"T","stackTrace":["a"]}"#[..]
        );
        assert_eq!(without_cause(b"{}"), &b"{}"[..]);
        for broken in [&b"nonsense"[..], b"[1]", b""] {
            assert_eq!(without_cause(broken), &b"\"Invalid error body\""[..]);
        }
    }

    #[test]
    fn error_types_in_awss_form_are_kept() {
        for (given, kept) in [
            (
                Some("Runtime.ImportModuleError"),
                "Runtime.ImportModuleError",
            ),
            (Some("Function.Bad"), "Function.Bad"),
            (Some("Function.bad"), "Function.Unknown"),
            (Some("Function."), "Function.Unknown"),
            (Some("ValueError"), "Runtime.Unknown"),
            (Some("Runtime.With Space"), "Runtime.Unknown"),
            (None, "Runtime.Unknown"),
        ] {
            assert_eq!(classify(given), kept, "{given:?}");
        }
    }

    #[test]
    fn payloads_are_those_of_aws() {
        let id = RequestId::new("r-1");
        assert_eq!(
            text(timed_out(&id, Duration::from_secs(1))),
            r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r-1 Error: Task timed out after 1.00 seconds"}"#
        );
        assert_eq!(
            text(exited(&id, &Exit::Code(0))),
            r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r-1 Error: Runtime exited without providing a reason"}"#
        );
        assert_eq!(
            text(exited(&id, &Exit::Code(3))),
            r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r-1 Error: Runtime exited with error: exit status 3"}"#
        );
        assert_eq!(
            text(exited(&id, &Exit::Signal(9))),
            r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r-1 Error: Runtime exited with error: signal: killed"}"#
        );
        assert_eq!(
            text(response_too_large()),
            r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#
        );
    }
}
