//! GetQueueAttributes and SetQueueAttributes. The attributes, their ranges and their mapping to the store's settings
//! are shared with CreateQueue.

use std::ops::RangeInclusive;

use crate::service::call::{Call, Target};
use crate::service::error::{self, SqsError};
use crate::service::input::{Input, Pairs, Plural};
use crate::service::limits::{self, defaults};
use crate::service::operations::{allow, kept, policy, redrive};
use crate::service::output::{self, Output, Record};
use crate::service::store::{Counts, Description, Settings};

/// The parameter with the attributes to set, in SetQueueAttributes and CreateQueue.
pub const ATTRIBUTES: Pairs = Pairs {
    plural: Plural {
        json: "Attributes",
        query: "Attribute",
    },
    key: "Name",
};

/// Read-only attributes, in AWS's order.
const OBSERVED: [&str; 6] = [
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
];

/// Attributes that can be set, in AWS's order.
const CHOSEN: [&str; 15] = [
    "VisibilityTimeout",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "DelaySeconds",
    "Policy",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "FifoQueue",
    "DeduplicationScope",
    "FifoThroughputLimit",
    "ContentBasedDeduplication",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
];

const SSE: &str = "SqsManagedSseEnabled";
const KMS_KEY: &str = "KmsMasterKeyId";
const KMS_REUSE: &str = "KmsDataKeyReusePeriodSeconds";

pub fn get(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let names = input.texts(Plural {
        json: "AttributeNames",
        query: "AttributeName",
    })?;
    if let Some(unknown) = names.iter().find(|name| !is_name(name)) {
        return Err(SqsError::unknown_attribute(unknown));
    }
    let wanted = |name: &&str| names.iter().any(|asked| asked == "All" || asked == name);
    let observed: Vec<&str> = OBSERVED.into_iter().filter(wanted).collect();
    let description = describe(call, &target)?;
    let counts = if observed.iter().any(|name| name.starts_with("Approximate")) {
        let counts = target.queue.counts();
        Some(counts.map_err(|error| call.store_error(error))?)
    } else {
        None
    };
    let observed_values = observed
        .into_iter()
        .filter_map(|name| Some((name, observe(call, &description, counts, name)?)));
    let chosen_values = CHOSEN
        .into_iter()
        .filter(wanted)
        .filter_map(|name| Some((name, value(call, &description.settings, name)?)));
    let attributes = observed_values
        .chain(chosen_values)
        .map(|(name, value)| (name.to_owned(), value));
    Ok(Some(Record::default().map(
        "Attributes",
        "Attribute",
        "Name",
        output::pairs(attributes),
    )))
}

/// Whether GetQueueAttributes accepts this attribute name.
pub fn is_name(name: &str) -> bool {
    name == "All" || OBSERVED.contains(&name) || CHOSEN.contains(&name)
}

pub fn set(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let changes = input.pairs(ATTRIBUTES)?.unwrap_or_default();
    if changes.is_empty() {
        return Err(SqsError::missing("Attribute.Name"));
    }
    let mut settings = describe(call, &target)?.settings;
    apply(call, &target.name, &mut settings, &changes)?;
    change(call, &target, &settings)?;
    Ok(None)
}

/// The queue's name, settings and times.
pub fn describe(call: &Call<'_>, target: &Target) -> Result<Description, SqsError> {
    let description = target.queue.describe();
    description.map_err(|error| call.store_error(error))
}

/// Replaces a queue's settings.
pub fn change(call: &Call<'_>, target: &Target, settings: &Settings) -> Result<(), SqsError> {
    let changed = target.queue.change(settings);
    changed.map_err(|error| call.store_error(error))
}

/// The default settings of a new queue.
pub fn initial(fifo: bool) -> Settings {
    Settings {
        ordered: fifo,
        lease_ms: defaults::VISIBILITY_TIMEOUT * 1000,
        delay_ms: 0,
        retention_ms: defaults::RETENTION_PERIOD * 1000,
        deduplication_by_group: false,
        dead_letter: None,
        attributes: Vec::new(),
    }
}

fn observe(
    call: &Call<'_>,
    description: &Description,
    counts: Option<Counts>,
    name: &str,
) -> Option<String> {
    let number = match name {
        "QueueArn" => return Some(call.arn(&description.name)),
        "ApproximateNumberOfMessages" => counts?.visible,
        "ApproximateNumberOfMessagesNotVisible" => counts?.leased,
        "ApproximateNumberOfMessagesDelayed" => counts?.delayed,
        "CreatedTimestamp" => description.created_at_ms / 1000,
        _ => description.changed_at_ms / 1000,
    };
    Some(number.to_string())
}

/// The value of an attribute that can be set; `None` if AWS does not return it.
pub fn value(call: &Call<'_>, settings: &Settings, name: &str) -> Option<String> {
    let stored = || kept::get(settings, name).map(str::to_owned);
    let fifo = |default: &str| {
        let value = stored().unwrap_or_else(|| default.to_owned());
        settings.ordered.then_some(value)
    };
    match name {
        "VisibilityTimeout" => Some((settings.lease_ms / 1000).to_string()),
        "DelaySeconds" => Some((settings.delay_ms / 1000).to_string()),
        "MessageRetentionPeriod" => Some((settings.retention_ms / 1000).to_string()),
        "MaximumMessageSize" => stored().or_else(|| Some(limits::MESSAGE_SIZE.to_string())),
        "ReceiveMessageWaitTimeSeconds" => stored().or_else(|| Some("0".to_owned())),
        "RedrivePolicy" => redrive::render(call, settings),
        "FifoQueue" => settings.ordered.then(|| "true".to_owned()),
        "DeduplicationScope" => fifo("queue"),
        "FifoThroughputLimit" => fifo("perQueue"),
        "ContentBasedDeduplication" => fifo("false"),
        KMS_REUSE => stored()
            .or_else(|| kept::get(settings, KMS_KEY).map(|_| defaults::DATA_KEY_REUSE.to_string())),
        SSE => stored().or_else(|| Some("true".to_owned())),
        _ => stored(),
    }
}

/// Applies changes to settings.
///
/// # Errors
///
/// Fails at the first attribute that cannot be set to its value.
pub fn apply(
    call: &Call<'_>,
    queue: &str,
    settings: &mut Settings,
    changes: &[(String, String)],
) -> Result<(), SqsError> {
    check_encryption(changes)?;
    for (name, text) in changes {
        apply_one(call, queue, settings, name, text)?;
    }
    if kept::get(settings, "FifoThroughputLimit") == Some("perMessageGroupId")
        && kept::get(settings, "DeduplicationScope") != Some("messageGroup")
    {
        return Err(SqsError::new(
            &error::INVALID_ATTRIBUTE_VALUE,
            "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.",
        ));
    }
    Ok(())
}

fn apply_one(
    call: &Call<'_>,
    queue: &str,
    settings: &mut Settings,
    name: &str,
    text: &str,
) -> Result<(), SqsError> {
    let millis = |range| Ok::<_, SqsError>(number(name, text, range)? * 1000);
    match name {
        "VisibilityTimeout" => settings.lease_ms = millis(&limits::VISIBILITY_TIMEOUT)?,
        "DelaySeconds" => settings.delay_ms = millis(&limits::DELAY_SECONDS)?,
        "MessageRetentionPeriod" => settings.retention_ms = millis(&limits::RETENTION_PERIOD)?,
        "MaximumMessageSize" => keep_number(settings, name, text, &limits::MAXIMUM_MESSAGE_SIZE)?,
        "ReceiveMessageWaitTimeSeconds" => {
            keep_number(settings, name, text, &limits::WAIT_TIME_SECONDS)?;
        }
        "RedrivePolicy" => settings.dead_letter = redrive::parse(call, queue, settings, text)?,
        "RedriveAllowPolicy" => {
            allow::check(text)?;
            kept::set(settings, name, text);
        }
        "Policy" => {
            policy::check(text)?;
            kept::set(settings, name, text);
        }
        "FifoQueue" => check_kind(settings, text)?,
        "ContentBasedDeduplication" if settings.ordered => keep_flag(settings, name, text)?,
        "DeduplicationScope" | "FifoThroughputLimit" => keep_choice(settings, name, text)?,
        KMS_KEY => {
            kept::set(settings, name, text);
            if !text.is_empty() {
                kept::set(settings, SSE, "false");
            }
        }
        KMS_REUSE => {
            keep_number(settings, name, text, &limits::DATA_KEY_REUSE)?;
            if text.parse() == Ok(defaults::DATA_KEY_REUSE) {
                kept::set(settings, name, "");
            }
        }
        SSE => {
            keep_flag(settings, name, text)?;
            if text.eq_ignore_ascii_case("true") {
                kept::set(settings, KMS_KEY, "");
                kept::set(settings, KMS_REUSE, "");
            }
        }
        _ => return Err(SqsError::unknown_attribute(name)),
    }
    Ok(())
}

/// Checks `FifoQueue`: the type of a queue cannot be changed.
fn check_kind(settings: &Settings, text: &str) -> Result<(), SqsError> {
    if !settings.ordered {
        return Err(SqsError::unknown_attribute("FifoQueue"));
    }
    if text.eq_ignore_ascii_case("true") {
        return Ok(());
    }
    Err(SqsError::new(
        &error::INVALID_ATTRIBUTE_VALUE,
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    ))
}

/// Checks that a request does not enable both kinds of server-side encryption. Enabling one disables the other.
fn check_encryption(changes: &[(String, String)]) -> Result<(), SqsError> {
    let asked = |name: &str, right: fn(&str) -> bool| {
        let found = changes.iter().find(|(other, _)| other == name);
        found.is_some_and(|(_, text)| right(text))
    };
    let own = asked(SSE, |text| text.eq_ignore_ascii_case("true"));
    if own && asked(KMS_KEY, |text| !text.is_empty()) {
        return Err(SqsError::new(
            &error::INVALID_ATTRIBUTE_NAME,
            "You can use one type of server-side encryption (SSE) at one time. \
             You can either enable KMS SSE or SQS SSE.",
        ));
    }
    Ok(())
}

fn number(name: &str, text: &str, range: &RangeInclusive<u64>) -> Result<u64, SqsError> {
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| SqsError::attribute_value(name))
}

fn keep_number(
    settings: &mut Settings,
    name: &str,
    text: &str,
    range: &RangeInclusive<u64>,
) -> Result<(), SqsError> {
    let number = number(name, text, range)?;
    kept::set(settings, name, &number.to_string());
    Ok(())
}

fn keep_flag(settings: &mut Settings, name: &str, text: &str) -> Result<(), SqsError> {
    let flag = text.to_ascii_lowercase();
    if !matches!(flag.as_str(), "true" | "false") {
        return Err(SqsError::attribute_value(name));
    }
    kept::set(settings, name, &flag);
    Ok(())
}

fn keep_choice(settings: &mut Settings, name: &str, text: &str) -> Result<(), SqsError> {
    if !settings.ordered {
        return Err(SqsError::new(
            &error::INVALID_ATTRIBUTE_NAME,
            format!("You can specify the {name} only when FifoQueue is set to true."),
        ));
    }
    let choices = match name {
        "DeduplicationScope" => ["messageGroup", "queue"],
        _ => ["perMessageGroupId", "perQueue"],
    };
    if !choices.contains(&text) {
        return Err(SqsError::attribute_value(name));
    }
    kept::set(settings, name, text);
    if name == "DeduplicationScope" {
        settings.deduplication_by_group = text == "messageGroup";
    }
    Ok(())
}
