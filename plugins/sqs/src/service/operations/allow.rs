//! RedriveAllowPolicy: which queues may use a queue as their dead-letter queue.
//!
//! As on AWS it is checked when a queue's RedrivePolicy is set. Changing it later does not affect queues that already
//! use the dead-letter queue.

use serde_json::{Map, Value as Json};

use crate::service::error::{self, SqsError};
use crate::service::limits;
use crate::service::operations::kept;
use crate::service::store::Settings;

/// The name of the attribute.
const NAME: &str = "RedriveAllowPolicy";

const PERMISSION: &str = "redrivePermission";
const SOURCES: &str = "sourceQueueArns";

/// Whether the queue with the ARN `source` may use a queue with these settings as its dead-letter queue.
pub fn permits(settings: &Settings, source: &str) -> bool {
    let policy = kept::get(settings, NAME).and_then(map);
    let Some(policy) = policy else {
        return true;
    };
    match policy.get(PERMISSION).and_then(Json::as_str) {
        Some("denyAll") => false,
        Some("byQueue") => {
            let sources = policy.get(SOURCES).and_then(Json::as_array);
            sources.is_some_and(|sources| sources.iter().any(|arn| arn == source))
        }
        _ => true,
    }
}

/// Checks the value of the attribute. An empty text, which removes the policy, is valid.
pub fn check(text: &str) -> Result<(), SqsError> {
    if text.is_empty() {
        return Ok(());
    }
    let policy = map(text).ok_or_else(unsupported)?;
    let by_queue = match policy.get(PERMISSION).and_then(Json::as_str) {
        Some("byQueue") => true,
        Some("allowAll" | "denyAll") => false,
        _ => return Err(unsupported()),
    };
    if policy.keys().any(|key| key != PERMISSION && key != SOURCES) {
        return Err(unsupported());
    }
    let sources = sources(&policy).ok_or_else(unsupported)?;
    let reason = match (by_queue, sources) {
        (false, None) | (true, Some(1..=limits::REDRIVE_SOURCES)) => return Ok(()),
        (false, Some(_)) => {
            "To specify one or more source queue ARNs, you must set redrivePermission to byQueue."
        }
        (true, None | Some(0)) => {
            "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values."
        }
        (true, Some(_)) => "The maximum number of source queue ARNs you can specify is 10.",
    };
    let message = format!("Amazon SQS can't create the redrive allow policy. {reason}");
    Err(SqsError::value(NAME, text, &message))
}

/// The number of sources in a policy: `Some(None)` if the member is absent, `None` if it is not a list of texts.
fn sources(policy: &Map<String, Json>) -> Option<Option<usize>> {
    match policy.get(SOURCES) {
        None => Some(None),
        Some(Json::Array(sources)) if sources.iter().all(Json::is_string) => {
            Some(Some(sources.len()))
        }
        Some(_) => None,
    }
}

fn unsupported() -> SqsError {
    // AWS's message has both kinds of apostrophes.
    SqsError::new(
        &error::INVALID_ATTRIBUTE_VALUE,
        "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, \
         as it\u{2019}s in an unsupported format.",
    )
}

fn map(text: &str) -> Option<Map<String, Json>> {
    serde_json::from_str(text).ok()
}
