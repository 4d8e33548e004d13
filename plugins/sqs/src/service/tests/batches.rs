//! Batches: rules for their entries, and the result for each entry.

use serde_json::json;

use super::*;

#[test]
fn malformed_batches_are_rejected() {
    let service = Service::standard();
    let names = [
        ("SendMessageBatch", "SendMessageBatchRequestEntry"),
        ("DeleteMessageBatch", "DeleteMessageBatchRequestEntry"),
        (
            "ChangeMessageVisibilityBatch",
            "ChangeMessageVisibilityBatchRequestEntry",
        ),
    ];
    for (operation, entry) in names {
        let refused = |ids: &[&str]| {
            let entries: Vec<_> = ids
                .iter()
                .map(|id| json!({"Id": id, "MessageBody": "x", "ReceiptHandle": "x", "VisibilityTimeout": 1}))
                .collect();
            service.refused(operation, json!({"QueueUrl": URL, "Entries": entries}))
        };
        let error = |shape: &str, message: &str| {
            model(
                400,
                shape,
                message,
                &format!("AWS.SimpleQueueService.{shape}"),
            )
        };
        assert_eq!(
            refused(&[]),
            error(
                "EmptyBatchRequest",
                &format!("There should be at least one {entry} in the request.")
            )
        );
        let ids: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(
            refused(&ids),
            error(
                "TooManyEntriesInBatchRequest",
                "Maximum number of entries per request are 10. You have sent 11."
            )
        );
        assert_eq!(
            refused(&["a", "b", "a"]),
            error("BatchEntryIdsNotDistinct", "Id a repeated.")
        );
        for id in ["", "in:valid", &"x".repeat(81)] {
            assert_eq!(
                refused(&[id]),
                error(
                    "InvalidBatchEntryId",
                    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                     It can be at most 80 letters long."
                )
            );
        }
    }
}

#[test]
fn errors_of_delete_and_visibility_batches_have_no_detail() {
    let service = Service::standard();
    let error = |operation: &str| service.xml(400, &format!("Action={operation}&QueueUrl={URL}"));
    assert!(error("SendMessageBatch").contains("<Detail/>"));
    assert!(!error("DeleteMessageBatch").contains("Detail"));
    assert!(!error("ChangeMessageVisibilityBatch").contains("Detail"));
}

#[test]
fn each_entry_succeeds_or_fails_on_its_own() {
    let service = Service::standard();
    let result = service.ok("SendMessageBatch", json!({"QueueUrl": URL, "Entries": [
        {"Id": "a", "MessageBody": "foobar"},
        {"Id": "b", "MessageBody": "x", "DelaySeconds": 901},
        {"Id": "c", "MessageBody": ""},
        {"Id": "d", "MessageBody": "x", "MessageAttributes": {"A": {"DataType": "Number", "StringValue": "one"}}},
    ]}));
    let prefix = "One or more parameters cannot be validated. Reason:";
    assert_eq!(
        result,
        json!({
            "Successful": [{"Id": "a", "MessageId": "00000000-0000-4000-8000-000000000001", "MD5OfMessageBody": "3858f62230ac3c915f300c664312c63f"}],
            "Failed": [
                {"Id": "b", "SenderFault": true, "Code": "InvalidParameterValue",
                 "Message": format!("{prefix} Value 901 for parameter DelaySeconds is invalid. \
                                     Reason: DelaySeconds must be >= 0 and <= 900.")},
                {"Id": "c", "SenderFault": true, "Code": "MissingParameter",
                 "Message": "The request must contain the parameter SendMessageBatchRequestEntry.3.MessageBody."},
                {"Id": "d", "SenderFault": true, "Code": "InvalidParameterValue",
                 "Message": format!("{prefix} Can't cast the value of message (user) attribute 'A' to a number.")},
            ],
        })
    );
    let xml = service.xml(
        200,
        &format!(
            "Action=SendMessageBatch&QueueUrl={URL}&SendMessageBatchRequestEntry.1.Id=x\
         &SendMessageBatchRequestEntry.1.MessageBody=foobar"
        ),
    );
    assert!(
        xml.contains("<SendMessageBatchResult><SendMessageBatchResultEntry><Id>x</Id><MessageId>"),
        "{xml}"
    );
    assert!(!xml.contains("BatchResultErrorEntry"), "{xml}");
}

#[test]
fn results_are_in_the_order_of_the_entries() {
    let service = Service::standard();
    service.ok("SendMessage", json!({"QueueUrl": URL, "MessageBody": "x"}));
    let receipt = service.receipt(URL);
    let entry = |id: &str, receipt: &str, seconds: i64| json!({"Id": id, "ReceiptHandle": receipt, "VisibilityTimeout": seconds});
    let result = service.ok(
        "ChangeMessageVisibilityBatch",
        json!({"QueueUrl": URL, "Entries": [
            entry("a", "nonsense", 1),
            entry("b", &receipt, -1),
            entry("c", &receipt, 1),
            {"Id": "d", "ReceiptHandle": receipt},
            {"Id": "e", "VisibilityTimeout": 1},
        ]}),
    );
    let failed = |id: &str, code: &str, message: &str| json!({"Id": id, "SenderFault": true, "Code": code, "Message": message});
    assert_eq!(
        result,
        json!({
            "Successful": [{"Id": "c"}],
            "Failed": [
                failed("a", "ReceiptHandleIsInvalid",
                       "The input receipt handle \"nonsense\" is not a valid receipt handle."),
                failed("b", "InvalidParameterValue",
                       "Value -1 for parameter VisibilityTimeout is invalid. \
                        Reason: VisibilityTimeout must be an integer between 0 and 43200"),
                failed("d", "MissingParameter",
                       "The request must contain the parameter \
                        ChangeMessageVisibilityBatchRequestEntry.4.VisibilityTimeout."),
                failed("e", "MissingParameter", "The request must contain the parameter ReceiptHandle."),
            ],
        })
    );
}

#[test]
fn an_entry_needs_an_id() {
    let service = Service::standard();
    let entries = json!([{"Id": "a", "MessageBody": "x"}, {"MessageBody": "y"}]);
    let input = json!({"QueueUrl": URL, "Entries": entries});
    assert_eq!(
        service.refused("SendMessageBatch", input),
        missing("SendMessageBatchRequestEntry.2.Id")
    );
    assert_eq!(
        service.ok("ReceiveMessage", json!({"QueueUrl": URL})),
        json!({})
    );
}

#[test]
fn a_fifo_queue_rejects_a_batch_with_an_invalid_entry() {
    let service = Service::fifo(json!({"MaximumMessageSize": "1024"}));
    let refused = |entry: Value| {
        let mut second = json!({"Id": "b", "MessageGroupId": "g", "MessageDeduplicationId": "2"});
        second
            .as_object_mut()
            .unwrap()
            .extend(entry.as_object().unwrap().clone());
        let first = json!({"Id": "a", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "1"});
        let input = json!({"QueueUrl": FIFO_URL, "Entries": [first, second]});
        service.refused("SendMessageBatch", input)
    };
    assert_eq!(
        refused(json!({})),
        missing("SendMessageBatchRequestEntry.2.MessageBody")
    );
    assert_eq!(
        refused(json!({"MessageBody": "x", "DelaySeconds": 3})),
        invalid(
            "Value 3 for parameter DelaySeconds is invalid. \
             Reason: The request include parameter that is not valid for this queue type."
        )
    );
    assert_eq!(
        refused(json!({"MessageBody": "x".repeat(1025)})),
        invalid(
            "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
        )
    );
    let received = service.ok("ReceiveMessage", json!({"QueueUrl": FIFO_URL}));
    assert_eq!(received, json!({}));
}
