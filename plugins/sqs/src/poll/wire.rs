//! Requests and responses of SQS's JSON protocol, from the client's side.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::poll::contract::{Attribute, AttributeValue, Error, Message};

/// The content type of every request.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Maximum number of messages per request, received or deleted: AWS's limit.
pub const MAX_MESSAGES: u32 = 10;

/// Maximum `WaitTimeSeconds` of SQS.
const MAX_WAIT_SECONDS: u32 = 20;

/// A request to SQS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The header `X-Amz-Target`, such as `AmazonSQS.ReceiveMessage`.
    pub target: &'static str,
    /// The operation's input, as JSON.
    pub body: String,
}

/// ReceiveMessage: up to `max` messages, with a long poll of up to `wait_ms`; both are cut to SQS's limits.
pub fn receive(queue_url: &str, max: u32, wait_ms: u32) -> Request {
    let body = json!({
        "QueueUrl": queue_url,
        "MaxNumberOfMessages": max.clamp(1, MAX_MESSAGES),
        "WaitTimeSeconds": (wait_ms / 1_000).min(MAX_WAIT_SECONDS),
        "MessageAttributeNames": ["All"],
        "MessageSystemAttributeNames": ["All"],
    });
    Request {
        target: "AmazonSQS.ReceiveMessage",
        body: body.to_string(),
    }
}

/// DeleteMessageBatch: as many requests as the receipts need.
pub fn delete(queue_url: &str, receipts: &[String]) -> Vec<Request> {
    let requests = receipts.chunks(MAX_MESSAGES as usize).map(|receipts| {
        let entries: Vec<Json> = receipts
            .iter()
            .enumerate()
            .map(|(id, receipt)| json!({ "Id": id.to_string(), "ReceiptHandle": receipt }))
            .collect();
        let body = json!({ "QueueUrl": queue_url, "Entries": entries });
        Request {
            target: "AmazonSQS.DeleteMessageBatch",
            body: body.to_string(),
        }
    });
    requests.collect()
}

/// ChangeMessageVisibilityBatch: makes each receipt's message visible after the given milliseconds, rounded up to
/// seconds.
pub fn change_visibility(queue_url: &str, changes: &[(String, u32)]) -> Vec<Request> {
    let requests = changes.chunks(MAX_MESSAGES as usize).map(|changes| {
        let entries: Vec<Json> = changes
            .iter()
            .enumerate()
            .map(|(id, (receipt, after_ms))| {
                json!({ "Id": id.to_string(), "ReceiptHandle": receipt, "VisibilityTimeout": after_ms.div_ceil(1_000) })
            })
            .collect();
        let body = json!({ "QueueUrl": queue_url, "Entries": entries });
        Request { target: "AmazonSQS.ChangeMessageVisibilityBatch", body: body.to_string() }
    });
    requests.collect()
}

/// Checks the status of a response.
///
/// # Errors
///
/// Fails with the service's error code and message unless the status is 2xx.
pub fn check(status: u16, body: &[u8]) -> Result<(), Error> {
    if (200..300).contains(&status) {
        return Ok(());
    }
    let error: Json = serde_json::from_slice(body).unwrap_or_default();
    let kind = error
        .get("__type")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let code = kind.rsplit('#').next().unwrap_or_default();
    let message = ["message", "Message"]
        .iter()
        .find_map(|key| error.get(*key)?.as_str());
    let reason = match (code, message) {
        ("", None) => format!("status {status}"),
        (code, message) => format!("{code}: {}", message.unwrap_or("no reason given")),
    };
    // AWS reports throttling with status 400.
    let overloaded =
        status >= 500 || status == 429 || code.contains("Throttl") || code == "OverLimit";
    Err(if overloaded {
        Error::Transient(reason)
    } else {
        Error::Permanent(reason)
    })
}

/// Checks the response to a request of [`delete`] or [`change_visibility`], which has status 200 even if entries
/// failed.
///
/// # Errors
///
/// Fails with the messages of all failed entries. The failure is permanent if SQS blames the sender for each of them.
pub fn check_entries(body: &[u8]) -> Result<(), Error> {
    let answer: Json = serde_json::from_slice(body).unwrap_or_default();
    let failed = answer.get("Failed").and_then(Json::as_array);
    let Some(failed) = failed.filter(|failed| !failed.is_empty()) else {
        return Ok(());
    };
    let text = |entry: &Json, key| {
        let text = entry.get(key).and_then(Json::as_str);
        text.unwrap_or("no reason given").to_owned()
    };
    let reasons: BTreeSet<String> = failed
        .iter()
        .map(|entry| format!("{}: {}", text(entry, "Code"), text(entry, "Message")))
        .collect();
    let reason = format!(
        "{} message(s) could not be settled: {}",
        failed.len(),
        reasons.into_iter().collect::<Vec<_>>().join("; ")
    );
    let is_senders_fault = |entry: &Json| entry.get("SenderFault") == Some(&Json::Bool(true));
    Err(if failed.iter().all(is_senders_fault) {
        Error::Permanent(reason)
    } else {
        Error::Transient(reason)
    })
}

/// The messages in a response to [`receive`].
///
/// # Errors
///
/// Fails with a transient failure if the response is malformed.
pub fn messages(body: &[u8]) -> Result<Vec<Message>, Error> {
    let answer: Json = serde_json::from_slice(body)
        .map_err(|error| Error::Transient(format!("the response is not JSON: {error}")))?;
    let messages = answer.get("Messages").and_then(Json::as_array);
    messages.into_iter().flatten().map(message).collect()
}

fn message(value: &Json) -> Result<Message, Error> {
    let required = |key: &str| {
        let text = value.get(key).and_then(Json::as_str);
        text.map(str::to_owned)
            .ok_or_else(|| Error::Transient(format!("a message in the response has no {key}")))
    };
    let system = |key: &str| {
        let text = value.get("Attributes")?.get(key)?.as_str();
        text.map(str::to_owned)
    };
    let number = |key: &str| system(key).and_then(|text| text.parse::<u64>().ok());
    let extra = ["SenderId", "AWSTraceHeader"].into_iter();
    let attributes = value.get("MessageAttributes").and_then(Json::as_object);
    Ok(Message {
        id: required("MessageId")?,
        receipt: required("ReceiptHandle")?,
        body: required("Body")?.into_bytes(),
        attributes: attributes
            .into_iter()
            .flatten()
            .filter_map(attribute)
            .collect(),
        group: system("MessageGroupId"),
        deduplication: system("MessageDeduplicationId"),
        cursor: None,
        key: None,
        sequence: system("SequenceNumber"),
        sent_at_ms: number("SentTimestamp").unwrap_or_default(),
        first_received_at_ms: number("ApproximateFirstReceiveTimestamp"),
        receive_count: number("ApproximateReceiveCount")
            .and_then(|count| u32::try_from(count).ok()),
        dead_letter_source: system("DeadLetterQueueSourceArn")
            .map(|arn| arn.rsplit(':').next().unwrap_or_default().to_owned()),
        extra: extra
            .filter_map(|key| Some((key.to_owned(), system(key)?)))
            .collect(),
    })
}

fn attribute((name, value): (&String, &Json)) -> Option<Attribute> {
    let data_type = value.get("DataType")?.as_str()?.to_owned();
    let content = match value.get("BinaryValue").and_then(Json::as_str) {
        Some(binary) => AttributeValue::Binary(STANDARD.decode(binary).ok()?),
        None => AttributeValue::Text(value.get("StringValue")?.as_str()?.to_owned()),
    };
    Some(Attribute {
        name: name.clone(),
        data_type,
        value: content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_of_a_message_are_read() {
        let answer = json!({ "Messages": [{
            "MessageId": "id", "ReceiptHandle": "handle", "Body": "body", "MD5OfBody": "…",
            "Attributes": {
                "SenderId": "AIDA", "SentTimestamp": "1", "ApproximateReceiveCount": "3",
                "ApproximateFirstReceiveTimestamp": "2", "MessageGroupId": "g", "SequenceNumber": "0007",
                "DeadLetterQueueSourceArn": "arn:aws:sqs:us-east-1:123456789012:orders",
            },
            "MessageAttributes": { "b": { "DataType": "Binary", "BinaryValue": "AAE=" } },
        }] });
        let expected = Message {
            id: "id".to_owned(),
            receipt: "handle".to_owned(),
            body: b"body".to_vec(),
            attributes: vec![Attribute {
                name: "b".to_owned(),
                data_type: "Binary".to_owned(),
                value: AttributeValue::Binary(vec![0, 1]),
            }],
            group: Some("g".to_owned()),
            deduplication: None,
            cursor: None,
            key: None,
            sequence: Some("0007".to_owned()),
            sent_at_ms: 1,
            first_received_at_ms: Some(2),
            receive_count: Some(3),
            dead_letter_source: Some("orders".to_owned()),
            extra: vec![("SenderId".to_owned(), "AIDA".to_owned())],
        };
        assert_eq!(messages(answer.to_string().as_bytes()), Ok(vec![expected]));
        assert_eq!(messages(b"{}"), Ok(Vec::new()));
    }

    #[test]
    fn a_missing_queue_is_permanent_and_an_overload_is_transient() {
        let missing = br#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#;
        let reason = "QueueDoesNotExist: The specified queue does not exist.".to_owned();
        assert_eq!(check(400, missing), Err(Error::Permanent(reason)));
        assert!(matches!(check(503, b"busy"), Err(Error::Transient(_))));
        let throttled = br#"{"__type":"com.amazon.coral.service#ThrottlingException"}"#;
        assert!(matches!(check(400, throttled), Err(Error::Transient(_))));
        assert_eq!(check(200, b""), Ok(()));
    }

    #[test]
    fn failed_entries_are_reported() {
        let failed = |fault: bool| {
            json!({ "Successful": [{ "Id": "1" }], "Failed": [
                { "Id": "0", "Code": "InternalError", "Message": "later", "SenderFault": fault },
                { "Id": "2", "Code": "ReceiptHandleIsInvalid", "Message": "no", "SenderFault": true },
            ] })
            .to_string()
        };
        let expected =
            "2 message(s) could not be settled: InternalError: later; ReceiptHandleIsInvalid: no";
        let reason = expected.to_owned();
        assert_eq!(
            check_entries(failed(false).as_bytes()),
            Err(Error::Transient(reason.clone()))
        );
        assert_eq!(
            check_entries(failed(true).as_bytes()),
            Err(Error::Permanent(reason))
        );
        for fine in [
            &br#"{"Successful":[{"Id":"0"}],"Failed":[]}"#[..],
            b"{}",
            b"",
        ] {
            assert_eq!(check_entries(fine), Ok(()));
        }
    }

    #[test]
    fn requests_respect_the_limits_of_sqs() {
        let receipts: Vec<String> = (0..25).map(|n| n.to_string()).collect();
        let requests = delete("url", &receipts);
        assert_eq!(requests.len(), 3);
        let last: Json = serde_json::from_str(&requests[2].body).unwrap();
        assert_eq!(last["Entries"][4]["ReceiptHandle"], "24");
        let body: Json = serde_json::from_str(&receive("url", 5_000, 60_000).body).unwrap();
        assert_eq!(
            (&body["MaxNumberOfMessages"], &body["WaitTimeSeconds"]),
            (&json!(10), &json!(20))
        );
        let changed = change_visibility("url", &[("r".to_owned(), 1_001)]);
        assert!(changed[0].body.contains(r#""VisibilityTimeout":2"#));
    }
}
