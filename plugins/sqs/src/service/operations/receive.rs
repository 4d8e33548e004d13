//! ReceiveMessage.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::md5;
use crate::service::call::{Call, Target};
use crate::service::error::SqsError;
use crate::service::input::{Input, Plural};
use crate::service::limits;
use crate::service::operations::{attributes, kept, message};
use crate::service::output::{self, Node, Output, Record};
use crate::service::store::{Attribute, Message, StoreError, Value};

const ATTEMPT: &str = "ReceiveRequestAttemptId";

/// The system attributes of a received message, in AWS's order.
const SYSTEM_ATTRIBUTES: [&str; 9] = [
    "SenderId",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "SentTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
];

pub fn receive(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let wait = wait_seconds(call, &target, input)?;
    let given = input.number("MaxNumberOfMessages")?.unwrap_or(1);
    let max = in_range(given, &limits::RECEIVE).ok_or_else(|| {
        SqsError::value(
            "MaxNumberOfMessages",
            given,
            "Must be between 1 and 10, if provided.",
        )
    })?;
    let lease = lease_seconds(input)?;
    let attempt_id = input.text(ATTEMPT)?;
    let attempt = attempt_id.as_deref();
    message::check_fifo_id(ATTEMPT, attempt)?;
    let system = system_names(input)?;
    let user = input.texts(Plural {
        json: "MessageAttributeNames",
        query: "MessageAttributeName",
    })?;

    let wait_ms = u32::try_from(wait * 1000).unwrap_or(0);
    let lease_ms = lease.map(|seconds| seconds * 1000);
    let messages = match target.queue.receive(
        attempt,
        u32::try_from(max).unwrap_or(1),
        lease_ms,
        wait_ms,
    ) {
        // AWS returns OverLimit for a short poll of a standard queue only; other receives get no messages.
        Err(StoreError::OverLimit) if wait_ms > 0 || target.name.ends_with(".fifo") => Vec::new(),
        Err(StoreError::Invalid(_)) if attempt.is_some() => {
            return Err(SqsError::value(
                ATTEMPT,
                attempt.unwrap_or_default(),
                "The receiveRequestAttemptId is not valid anymore since the receive call is not retryable.",
            ));
        }
        messages => messages.map_err(|error| call.store_error(error))?,
    };
    let records = messages
        .into_iter()
        .map(|message| Node::Record(render(call, message, &system, &user)))
        .collect();
    Ok(Some(Record::default().list("Messages", "Message", records)))
}

fn in_range(value: i64, range: &std::ops::RangeInclusive<u64>) -> Option<u64> {
    u64::try_from(value)
        .ok()
        .filter(|value| range.contains(value))
}

fn wait_seconds(call: &Call<'_>, target: &Target, input: &Input<'_>) -> Result<u64, SqsError> {
    if let Some(wait) = input.number("WaitTimeSeconds")? {
        return in_range(wait, &limits::WAIT_TIME_SECONDS).ok_or_else(|| {
            SqsError::value(
                "WaitTimeSeconds",
                wait,
                "Must be >= 0 and <= 20, if provided.",
            )
        });
    }
    let settings = attributes::describe(call, target)?.settings;
    let wait = kept::get(&settings, "ReceiveMessageWaitTimeSeconds");
    Ok(wait.and_then(|wait| wait.parse().ok()).unwrap_or(0))
}

fn lease_seconds(input: &Input<'_>) -> Result<Option<u64>, SqsError> {
    let Some(lease) = input.number("VisibilityTimeout")? else {
        return Ok(None);
    };
    match in_range(lease, &limits::VISIBILITY_TIMEOUT) {
        Some(lease) => Ok(Some(lease)),
        None => Err(SqsError::value(
            "VisibilityTimeout",
            lease,
            "Must be >= 0 and <= 43200, if provided.",
        )),
    }
}

/// The names of the requested system attributes. If a request has both parameters, JSON uses the newer one; the query
/// protocol uses the older one, because SDKs send the newer parameter under the older name there. Names of queue
/// attributes are accepted and select nothing.
fn system_names<'a>(input: &Input<'a>) -> Result<Vec<Cow<'a, str>>, SqsError> {
    let newer = input.texts(Plural {
        json: "MessageSystemAttributeNames",
        query: "MessageSystemAttributeName",
    })?;
    let older = input.texts(Plural {
        json: "AttributeNames",
        query: "AttributeName",
    })?;
    let (first, second) = if input.is_query() {
        (older, newer)
    } else {
        (newer, older)
    };
    let names = if first.is_empty() { second } else { first };
    let is_known = |name: &str| SYSTEM_ATTRIBUTES.contains(&name) || attributes::is_name(name);
    match names.iter().find(|name| !is_known(name)) {
        Some(name) => Err(SqsError::unknown_attribute(name)),
        None => Ok(names),
    }
}

fn render(
    call: &Call<'_>,
    message: Message,
    system: &[Cow<'_, str>],
    user: &[Cow<'_, str>],
) -> Record {
    let wanted = |name: &str| system.iter().any(|asked| asked == "All" || asked == name);
    let attributes = output::pairs(
        SYSTEM_ATTRIBUTES
            .iter()
            .filter(|name| wanted(name))
            .filter_map(|name| Some(((*name).to_owned(), system_value(call, &message, name)?))),
    );
    let selected: Vec<&Attribute> = message
        .attributes
        .iter()
        .filter(|attribute| is_selected(&attribute.name, user))
        .collect();
    let digest = md5::of_attributes(selected.iter().copied());
    let selected_nodes: Vec<_> = selected
        .into_iter()
        .map(|attribute| (attribute.name.clone(), render_attribute(attribute)))
        .collect();
    let body_digest = md5::of_body(&message.body);
    Record::default()
        .text("MessageId", message.id)
        .text("ReceiptHandle", message.receipt)
        .text("MD5OfBody", body_digest)
        .text("Body", into_text(message.body))
        .map("Attributes", "Attribute", "Name", attributes)
        .maybe_text("MD5OfMessageAttributes", digest)
        .map(
            "MessageAttributes",
            "MessageAttribute",
            "Name",
            selected_nodes,
        )
}

/// The body as text. Bodies that came through this service are UTF-8; for others, invalid bytes are replaced.
fn into_text(body: Vec<u8>) -> String {
    match String::from_utf8(body) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

fn system_value(call: &Call<'_>, message: &Message, name: &str) -> Option<String> {
    match name {
        "ApproximateFirstReceiveTimestamp" => Some(message.first_received_at_ms.to_string()),
        "ApproximateReceiveCount" => Some(message.receive_count.to_string()),
        "SentTimestamp" => Some(message.sent_at_ms.to_string()),
        "SequenceNumber" => message.sequence.clone(),
        "MessageDeduplicationId" => message.deduplication.clone(),
        "MessageGroupId" => message.group.clone(),
        "DeadLetterQueueSourceArn" => message
            .dead_letter_source
            .as_deref()
            .map(|name| call.arn(name)),
        _ => {
            let extra = message.extra.iter().find(|(other, _)| other == name);
            extra.map(|(_, value)| value.clone())
        }
    }
}

/// Whether an attribute is requested: `All`, `.*` and `*` select every attribute, `Foo.*` those that start with `Foo`.
fn is_selected(name: &str, asked: &[Cow<'_, str>]) -> bool {
    asked.iter().any(|pattern| match pattern.as_ref() {
        "All" | "*" => true,
        pattern => match pattern.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => pattern == name,
        },
    })
}

fn render_attribute(attribute: &Attribute) -> Node {
    let record = match &attribute.value {
        Value::Text(text) => Record::default().text("StringValue", text.as_str()),
        Value::Binary(bytes) => Record::default().text("BinaryValue", BASE64.encode(bytes)),
    };
    Node::Record(record.text("DataType", attribute.data_type.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_selected_by_name_and_prefix() {
        let asked = |names: &[&'static str], name: &str| {
            let names: Vec<_> = names.iter().map(|name| Cow::Borrowed(*name)).collect();
            is_selected(name, &names)
        };
        assert!(asked(&["All"], "x") && asked(&[".*"], "x") && asked(&["*"], "x"));
        assert!(asked(&["Hel.*"], "Hello") && asked(&["Hel.*"], "Help.Me"));
        assert!(asked(&["a", "b"], "b") && !asked(&["a"], "A"));
        assert!(!asked(&["Hel.*"], "General") && !asked(&["Hel*"], "Hello") && !asked(&[], "x"));
    }
}
