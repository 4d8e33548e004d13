//! Dead-letter queues: the attribute RedrivePolicy, and ListDeadLetterSourceQueues.

use serde_json::{Map, Value as Json};

use crate::service::address;
use crate::service::call::Call;
use crate::service::error::{self, SqsError};
use crate::service::input::Input;
use crate::service::limits;
use crate::service::operations::allow;
use crate::service::operations::page::{self, PageRequest};
use crate::service::output::Output;
use crate::service::store::{DeadLetter, Settings};

const TARGET: &str = "deadLetterTargetArn";
const COUNT: &str = "maxReceiveCount";

/// The value of RedrivePolicy, as AWS formats it.
pub fn render(call: &Call<'_>, settings: &Settings) -> Option<String> {
    let DeadLetter {
        queue,
        max_receives,
    } = settings.dead_letter.as_ref()?;
    let arn = call.arn(queue);
    Some(format!(
        r#"{{"{TARGET}":"{arn}","{COUNT}":{max_receives}}}"#
    ))
}

/// Reads a RedrivePolicy for the queue `source`, which has these settings. An empty text removes the policy.
pub fn parse(
    call: &Call<'_>,
    source: &str,
    settings: &Settings,
    text: &str,
) -> Result<Option<DeadLetter>, SqsError> {
    if text.is_empty() {
        return Ok(None);
    }
    let invalid = |reason: &str| SqsError::value("RedrivePolicy", text, reason);
    let policy = map(text).ok_or_else(|| {
        SqsError::new(
            &error::INVALID_ATTRIBUTE_VALUE,
            "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.",
        )
    })?;
    for name in [COUNT, TARGET] {
        if policy.get(name).is_none_or(Json::is_null) {
            return Err(invalid(&format!(
                "Redrive policy does not contain mandatory attribute: {name}."
            )));
        }
    }
    if policy.len() > 2 {
        return Err(invalid(&format!(
            "Only following attributes are supported: [{COUNT}, {TARGET}]."
        )));
    }
    let max_receives = max_receives(&policy).map_err(|reason| invalid(&reason))?;
    let arn = policy
        .get(TARGET)
        .and_then(Json::as_str)
        .unwrap_or_default();
    let queue = target(call, source, settings, arn).map_err(invalid)?;
    Ok(Some(DeadLetter {
        queue,
        max_receives,
    }))
}

fn map(text: &str) -> Option<Map<String, Json>> {
    match serde_json::from_str(text) {
        Ok(Json::Object(map)) => Some(map),
        _ => None,
    }
}

/// Reads the count, which AWS accepts as a number and as a text.
fn max_receives(policy: &Map<String, Json>) -> Result<u32, String> {
    let given = match policy.get(COUNT) {
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let count = given.parse::<u64>().ok();
    count
        .filter(|count| limits::MAX_RECEIVE_COUNT.contains(count))
        .and_then(|count| u32::try_from(count).ok())
        .ok_or_else(|| {
            format!("Invalid value for {COUNT}: {given}, valid values are from 1 to 1000 both inclusive.")
        })
}

/// The name of the dead-letter queue with this ARN, if the queue `source` may use it.
fn target(
    call: &Call<'_>,
    source: &str,
    settings: &Settings,
    arn: &str,
) -> Result<String, &'static str> {
    let arn = address::parse_arn(arn).ok_or("Invalid value for deadLetterTargetArn.")?;
    if arn.service != "sqs" {
        return Err("Only SQS queues are valid resources for deadLetterTargetArn.");
    }
    if arn.account != call.context.account {
        return Err("Dead-letter target owner should be same as the source.");
    }
    if arn.region != call.context.region {
        return Err("Dead-letter target must be in the same region as the source.");
    }
    if arn.name.ends_with(".fifo") != settings.ordered {
        return Err("Dead-letter queue must be same type of queue as the source..");
    }
    let missing = "Dead letter target does not exist.";
    let queue = call.store().open(arn.name).map_err(|_| missing)?;
    let description = queue.describe().map_err(|_| missing)?;
    if allow::permits(&description.settings, &call.arn(source)) {
        return Ok(arn.name.to_owned());
    }
    Err("Queue does not have permission to use the dead-letter target.")
}

pub fn list_sources(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let range = PageRequest::read(input)?;
    let page = target
        .queue
        .dead_letter_sources(range.after.as_deref(), range.max)
        .map_err(|error| call.store_error(error))?;
    Ok(page::urls(call, "queueUrls", &range, page))
}
