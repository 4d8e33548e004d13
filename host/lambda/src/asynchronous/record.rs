//! The records for destinations and the attributes for dead-letter queues. The keys, their order and their presence are
//! AWS's.

use bytes::Bytes;
use jiff::Timestamp;
use lambkin_model::{Attribute, AttributeValue};
use serde::Serialize;
use serde_json::value::RawValue;

use super::event::Event;
use super::schedule::Condition;
use crate::limits::DEAD_LETTER_MESSAGE_BYTES;

/// The value with which AWS marks every function error.
const UNHANDLED: &str = "Unhandled";

/// How an event ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    pub condition: Condition,
    /// How many times the function was invoked with the event, as far as known.
    pub invoke_count: u32,
    /// The result of the last run; `None` if the last attempt did not run.
    pub response: Option<Response>,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub payload: Bytes,
    pub failed: bool,
}

/// The function that ran.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Executed<'a> {
    /// The ARN with the qualifier.
    pub arn: &'a str,
    pub version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    version: &'static str,
    timestamp: String,
    request_context: RequestContext<'a>,
    request_payload: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_context: Option<ResponseContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_payload: Option<Box<RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: &'a str,
    function_arn: &'a str,
    condition: &'static str,
    approximate_invoke_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext<'a> {
    status_code: u16,
    executed_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_error: Option<&'static str>,
}

/// The invocation record (version 1.0) for a destination.
pub(crate) fn record(event: &Event, end: &End, executed: Executed<'_>, now: u64) -> Vec<u8> {
    let response_context = end.response.as_ref().map(|response| ResponseContext {
        status_code: 200,
        executed_version: executed.version,
        function_error: response.failed.then_some(UNHANDLED),
    });
    let record = Record {
        version: "1.0",
        timestamp: timestamp(now),
        request_context: RequestContext {
            request_id: event.request_id.as_str(),
            function_arn: executed.arn,
            condition: end.condition.as_str(),
            approximate_invoke_count: end.invoke_count,
        },
        request_payload: embedded(&event.payload),
        response_context,
        response_payload: end
            .response
            .as_ref()
            .map(|response| embedded(&response.payload)),
    };
    // Serializing strings, numbers and JSON does not fail.
    serde_json::to_vec(&record).unwrap_or_default()
}

/// The attributes of the event in a dead-letter queue. An event that never ran has those of a throttled call.
pub(crate) fn dead_letter_attributes(event: &Event, end: &End) -> Vec<Attribute> {
    let (code, message) = match &end.response {
        Some(response) => ("200", error_message(&response.payload)),
        None => ("429", Some("Rate Exceeded.".to_owned())),
    };
    let attribute = |name: &str, data_type: &str, value: String| Attribute {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
        value: AttributeValue::Text(value),
    };
    let request_id = event.request_id.as_str().to_owned();
    let mut attributes = vec![
        attribute("RequestID", "String", request_id),
        attribute("ErrorCode", "Number", code.to_owned()),
    ];
    attributes.extend(message.map(|message| attribute("ErrorMessage", "String", message)));
    attributes
}

/// The beginning of an error's `errorMessage`. `None` if the payload is not an error report, or if the message is
/// empty: SQS does not allow empty attributes.
fn error_message(payload: &[u8]) -> Option<String> {
    let report: serde_json::Value = serde_json::from_slice(payload).ok()?;
    let mut message = report.get("errorMessage")?.as_str()?.to_owned();
    message.truncate(message.floor_char_boundary(DEAD_LETTER_MESSAGE_BYTES));
    (!message.is_empty()).then_some(message)
}

/// The payload if it is JSON; otherwise a JSON string of the payload.
fn embedded(payload: &[u8]) -> Box<RawValue> {
    if let Ok(json) = serde_json::from_slice(payload) {
        return json;
    }
    let text = String::from_utf8_lossy(payload);
    serde_json::value::to_raw_value(&text).unwrap_or_default()
}

/// Formats a time as `2026-03-01T12:00:00.123Z`.
fn timestamp(ms: u64) -> String {
    let since_epoch = i64::try_from(ms).unwrap_or_default();
    let time = Timestamp::from_millisecond(since_epoch).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use lambkin_model::RequestId;

    use super::*;

    const NOW: u64 = 1_772_366_400_007;
    const EXECUTED: Executed<'_> = Executed {
        arn: "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST",
        version: "$LATEST",
    };

    fn event() -> Event {
        Event {
            request_id: RequestId::new("r-1"),
            payload: Bytes::from_static(br#"{"a": [1]}"#),
            qualifier: None,
            trace_id: String::new(),
            tenant_id: None,
        }
    }

    fn end(condition: Condition, invoke_count: u32, response: Option<(&str, bool)>) -> End {
        End {
            condition,
            invoke_count,
            response: response.map(|(payload, failed)| Response {
                payload: payload.to_owned().into(),
                failed,
            }),
        }
    }

    fn recorded(end: &End) -> String {
        String::from_utf8(record(&event(), end, EXECUTED, NOW)).unwrap()
    }

    /// The part of a record up to `requestPayload`.
    fn head(condition: &str, invoke_count: u32) -> String {
        format!(
            r#"{{"version":"1.0","timestamp":"2026-03-01T12:00:00.007Z","requestContext":{{"requestId":"r-1","functionArn":"arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST","condition":"{condition}","approximateInvokeCount":{invoke_count}}},"requestPayload":{{"a": [1]}}"#
        )
    }

    #[test]
    fn the_record_of_a_success_has_no_function_error() {
        let end = end(Condition::Success, 1, Some((r#"{"ok":1.50}"#, false)));
        let response = r#","responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":{"ok":1.50}}"#;
        assert_eq!(recorded(&end), head("Success", 1) + response);
    }

    #[test]
    fn the_record_of_a_failure_carries_the_last_error() {
        let error = r#"{"errorMessage":"no","errorType":"E","stackTrace":[]}"#;
        let response = format!(
            r#","responseContext":{{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"}},"responsePayload":{error}}}"#
        );
        for (condition, text) in [
            (Condition::RetriesExhausted, "RetriesExhausted"),
            (Condition::EventAgeExceeded, "EventAgeExceeded"),
        ] {
            let end = end(condition, 3, Some((error, true)));
            assert_eq!(recorded(&end), head(text, 3) + &response);
        }
    }

    #[test]
    fn the_record_of_an_event_that_never_ran_has_no_response() {
        let end = end(Condition::ZeroReservedConcurrency, 0, None);
        assert_eq!(recorded(&end), head("ZeroReservedConcurrency", 0) + "}");
    }

    #[test]
    fn a_response_that_is_not_json_becomes_a_string() {
        let end = end(Condition::Success, 1, Some(("say \"hi\"", false)));
        assert!(recorded(&end).ends_with(r#""responsePayload":"say \"hi\""}"#));
    }

    #[test]
    fn a_dead_letter_has_awss_three_attributes() {
        let error = format!(
            r#"{{"errorMessage":"{}é","errorType":"E"}}"#,
            "x".repeat(1023)
        );
        let end = end(Condition::RetriesExhausted, 3, Some((&error, true)));
        assert_eq!(
            shown(dead_letter_attributes(&event(), &end)),
            [
                "RequestID String r-1".to_owned(),
                "ErrorCode Number 200".to_owned(),
                format!("ErrorMessage String {}", "x".repeat(1023)),
            ]
        );
    }

    fn shown(attributes: Vec<Attribute>) -> Vec<String> {
        let show = |attribute: Attribute| match attribute.value {
            AttributeValue::Text(text) => {
                format!("{} {} {text}", attribute.name, attribute.data_type)
            }
            AttributeValue::Binary(_) => panic!("{attribute:?}"),
        };
        attributes.into_iter().map(show).collect()
    }

    #[test]
    fn a_dead_letter_without_an_error_message_or_without_a_run_has_fewer_attributes() {
        let odd = end(Condition::RetriesExhausted, 1, Some(("[1]", true)));
        assert_eq!(
            shown(dead_letter_attributes(&event(), &odd)),
            ["RequestID String r-1", "ErrorCode Number 200"]
        );
        let never = end(Condition::ZeroReservedConcurrency, 0, None);
        assert_eq!(
            shown(dead_letter_attributes(&event(), &never))[1..],
            ["ErrorCode Number 429", "ErrorMessage String Rate Exceeded."]
        );
    }
}
