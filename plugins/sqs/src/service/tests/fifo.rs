//! FIFO queues.

use serde_json::json;

use super::*;

fn message(body: &str) -> Value {
    json!({"QueueUrl": FIFO_URL, "MessageBody": body, "MessageGroupId": "g", "MessageDeduplicationId": "d"})
}

#[test]
fn messages_have_a_sequence_number() {
    let service = Service::fifo(json!({}));
    let sent = service.ok("SendMessage", message("foobar"));
    assert_eq!(sent["SequenceNumber"], "00000000000000000002");
    let received = service.ok(
        "ReceiveMessage",
        json!({"QueueUrl": FIFO_URL, "AttributeNames": ["All"]}),
    );
    let attributes = &received["Messages"][0]["Attributes"];
    assert_eq!(attributes["MessageGroupId"], "g");
    assert_eq!(attributes["MessageDeduplicationId"], "d");
    assert_eq!(attributes["SequenceNumber"], "00000000000000000002");
}

#[test]
fn the_deduplication_id_can_be_derived_from_the_body() {
    let service = Service::fifo(json!({"ContentBasedDeduplication": "true"}));
    service.ok(
        "SendMessage",
        json!({"QueueUrl": FIFO_URL, "MessageBody": "foobar", "MessageGroupId": "g"}),
    );
    let received = service.ok(
        "ReceiveMessage",
        json!({"QueueUrl": FIFO_URL, "AttributeNames": ["All"]}),
    );
    assert_eq!(
        received["Messages"][0]["Attributes"]["MessageDeduplicationId"],
        "c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2"
    );
}

#[test]
fn group_and_deduplication_ids_are_required() {
    let service = Service::fifo(json!({}));
    let no_deduplication = invalid(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    );
    let input = json!({"QueueUrl": FIFO_URL, "MessageBody": "x", "MessageGroupId": "g"});
    assert_eq!(service.refused("SendMessage", input), no_deduplication);
    let input = json!({"QueueUrl": FIFO_URL, "MessageBody": "x", "MessageDeduplicationId": "d"});
    assert_eq!(
        service.refused("SendMessage", input),
        missing("MessageGroupId")
    );
    let batch = |entry: Value| json!({"QueueUrl": FIFO_URL, "Entries": [entry]});
    let input = batch(json!({"Id": "a", "MessageBody": "x", "MessageGroupId": "g"}));
    assert_eq!(service.refused("SendMessageBatch", input), no_deduplication);
    let input = batch(json!({"Id": "a", "MessageBody": "x", "MessageDeduplicationId": "d"}));
    assert_eq!(
        service.refused("SendMessageBatch", input),
        invalid("The request must contain the parameter MessageGroupId.")
    );
}

#[test]
fn invalid_ids_are_rejected() {
    for (service, url) in [
        (Service::fifo(json!({})), FIFO_URL),
        (Service::standard(), URL),
    ] {
        for name in ["MessageGroupId", "MessageDeduplicationId"] {
            for id in [
                String::new(),
                "a".repeat(129),
                "group 123".into(),
                "ü".into(),
            ] {
                let mut input = message("x");
                input["QueueUrl"] = url.into();
                if url == URL {
                    input = json!({"QueueUrl": URL, "MessageBody": "x"});
                }
                input[name] = id.clone().into();
                assert_eq!(
                    service.refused("SendMessage", input),
                    invalid(&format!(
                        "Value {id} for parameter {name} is invalid. Reason: \
                         {name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
                    ))
                );
            }
        }
    }
}

#[test]
fn delays_and_ids_of_the_other_queue_type_are_rejected() {
    let service = Service::fifo(json!({}));
    let mut input = message("x");
    input["DelaySeconds"] = 2.into();
    let reason = "The request include parameter that is not valid for this queue type.";
    assert_eq!(
        service.refused("SendMessage", input.clone()),
        invalid(&format!(
            "Value 2 for parameter DelaySeconds is invalid. Reason: {reason}"
        ))
    );
    input["DelaySeconds"] = 0.into();
    service.ok("SendMessage", input);
    let service = Service::standard();
    let input = json!({"QueueUrl": URL, "MessageBody": "x", "MessageDeduplicationId": "d"});
    assert_eq!(
        service.refused("SendMessage", input),
        invalid(&format!(
            "Value d for parameter MessageDeduplicationId is invalid. Reason: {reason}"
        ))
    );
}

#[test]
fn receipt_handles_expire() {
    let service = Service::fifo(json!({"VisibilityTimeout": "1"}));
    service.ok("SendMessage", message("x"));
    let receipt = service.receipt(FIFO_URL);
    service.store.advance(2);
    let expired = format!(
        "Value {receipt} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    );
    let input = json!({"QueueUrl": FIFO_URL, "ReceiptHandle": receipt, "VisibilityTimeout": 5});
    assert_eq!(
        service.refused("DeleteMessage", input.clone()),
        invalid(&expired)
    );
    assert_eq!(
        service.refused("ChangeMessageVisibility", input),
        invalid(&expired)
    );
    let form = format!("Action=DeleteMessage&QueueUrl={FIFO_URL}&ReceiptHandle={receipt}");
    assert_eq!(
        service.xml(400, &form),
        xml_error("InvalidParameterValue", &expired)
    );
}

#[test]
fn a_receive_request_attempt_can_be_repeated() {
    let service = Service::fifo(json!({}));
    service.ok("SendMessage", message("foobar"));
    let attempt = json!({"QueueUrl": FIFO_URL, "ReceiveRequestAttemptId": "a-1"});
    let received = service.ok("ReceiveMessage", attempt.clone());
    assert_eq!(received["Messages"][0]["Body"], "foobar");
    assert_eq!(service.ok("ReceiveMessage", attempt.clone()), received);
    let receipt = &received["Messages"][0]["ReceiptHandle"];
    let delete = json!({"QueueUrl": FIFO_URL, "ReceiptHandle": receipt});
    service.json("DeleteMessage", delete);
    assert_eq!(
        service.refused("ReceiveMessage", attempt),
        invalid(
            "Value a-1 for parameter ReceiveRequestAttemptId is invalid. Reason: \
             The receiveRequestAttemptId is not valid anymore since the receive call is not retryable."
        )
    );
}
