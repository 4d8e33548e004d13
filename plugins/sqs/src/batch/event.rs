//! One message as a record of the event, with its keys in AWS's order.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plugin_kit::arn;
use serde::{Serialize, Serializer};

use super::contract::{Attribute, AttributeValue, Body, Message};
use super::state::State;
use crate::md5;

/// The `SenderId` of messages that were sent without one, in the form of an AWS user id.
const SENDER: &str = "AIDAIENQZJOLO23YVJ4VO";

/// An item of the event's `Records`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    message_id: &'a str,
    receipt_handle: &'a str,
    body: Cow<'a, str>,
    attributes: SystemAttributes<'a>,
    #[serde(serialize_with = "message_attributes")]
    message_attributes: &'a [Attribute],
    #[serde(skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<String>,
    md5_of_body: String,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
    aws_region: &'a str,
}

/// The system attributes of a message. All values are strings, as in AWS's events.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SystemAttributes<'a> {
    approximate_receive_count: String,
    #[serde(rename = "AWSTraceHeader", skip_serializing_if = "Option::is_none")]
    trace_header: Option<&'a str>,
    sent_timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<&'a str>,
    sender_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_deduplication_id: Option<&'a str>,
    approximate_first_receive_timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_queue_source_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageAttribute<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    string_list_values: [(); 0],
    binary_list_values: [(); 0],
    data_type: &'a str,
}

impl<'a> Record<'a> {
    /// Makes the record of a message.
    pub fn new(state: &'a State, message: &'a Message) -> Self {
        let bytes = match &message.body {
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
        };
        Self {
            message_id: &message.id,
            receipt_handle: &message.receipt,
            body: String::from_utf8_lossy(bytes),
            attributes: SystemAttributes::new(state, message),
            message_attributes: &message.attributes,
            md5_of_message_attributes: md5::of_attributes(&message.attributes),
            md5_of_body: md5::of_body(bytes),
            event_source: "aws:sqs",
            event_source_arn: &state.arn,
            aws_region: &state.region,
        }
    }

    /// The message's body; bytes that are not UTF-8 are replaced.
    pub fn body(&self) -> &str {
        &self.body
    }
}

impl<'a> SystemAttributes<'a> {
    fn new(state: &State, message: &'a Message) -> Self {
        let extra = |name: &str| {
            let found = message.extra.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        };
        Self {
            approximate_receive_count: message.receive_count.unwrap_or(1).to_string(),
            trace_header: extra("AWSTraceHeader"),
            sent_timestamp: message.sent_at_ms.to_string(),
            sequence_number: message.sequence.as_deref(),
            message_group_id: message.group.as_deref(),
            sender_id: extra("SenderId").unwrap_or(SENDER),
            message_deduplication_id: message.deduplication.as_deref(),
            approximate_first_receive_timestamp: message
                .first_received_at_ms
                .unwrap_or(message.sent_at_ms)
                .to_string(),
            dead_letter_queue_source_arn: message.dead_letter_source.as_ref().map(|queue| {
                if queue.starts_with("arn:") {
                    queue.clone()
                } else {
                    arn::queue(&state.region, &state.account, queue)
                }
            }),
        }
    }
}

/// Writes the message attributes as a map, in the order of the list.
fn message_attributes<S: Serializer>(
    attributes: &[Attribute],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(attributes.iter().map(|attribute| {
        let (string_value, binary_value) = match &attribute.value {
            AttributeValue::Text(text) => (Some(text.as_str()), None),
            AttributeValue::Binary(bytes) => (None, Some(STANDARD.encode(bytes))),
        };
        let value = MessageAttribute {
            string_value,
            binary_value,
            string_list_values: [],
            binary_list_values: [],
            data_type: &attribute.data_type,
        };
        (&attribute.name, value)
    }))
}
