//! The ending of an invocation, as plugins receive it.

use bytes::Bytes;
use lambkin_model::{FunctionError, FunctionErrorKind, InvokeError, Outcome};
use lambkin_plugin::Ending;

/// Translates the outcome of an invocation of `function`.
pub(crate) fn to_ending(outcome: Outcome, function: &str) -> Ending {
    match outcome.result {
        Ok(payload) => Ending::Completed(text(payload)),
        Err(InvokeError::Function(FunctionError {
            kind: FunctionErrorKind::TimedOut,
            ..
        })) => Ending::TimedOut,
        Err(InvokeError::Function(FunctionError {
            kind: FunctionErrorKind::Reported | FunctionErrorKind::ReportedInInit,
            payload,
        })) => Ending::Failed {
            kind: "handler".to_owned(),
            payload: text(payload),
        },
        Err(InvokeError::Function(FunctionError {
            kind: FunctionErrorKind::Platform(error_type),
            payload,
        })) => Ending::Failed {
            kind: error_type.to_owned(),
            payload: text(payload),
        },
        Err(InvokeError::Throttled) => Ending::Throttled,
        Err(InvokeError::UnknownFunction) => {
            Ending::Unavailable(format!("there is no function {function:?}"))
        }
        Err(InvokeError::ShuttingDown) => {
            Ending::Unavailable("the host is shutting down".to_owned())
        }
    }
}

/// The payload as text. Invalid UTF-8 is replaced; valid UTF-8 is not copied.
fn text(payload: Bytes) -> String {
    String::from_utf8(payload.into())
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_that_is_not_utf_8_is_repaired() {
        assert_eq!(text(Bytes::from_static(b"a\xffb")), "a\u{fffd}b");
    }
}
