//! SQS through SDKs.

use serde_json::{Value, json};

use super::{Sdk, answer, assert_refused, call, for_each_sdk, rust, server};

for_each_sdk!(
    a_message_is_received_with_its_attributes,
    a_batch_is_sent_received_and_deleted,
    a_fifo_queue_keeps_the_order_and_drops_duplicates,
    a_receive_attempt_can_be_repeated_and_a_name_works_as_a_url,
    queues_are_created_described_tagged_and_deleted,
    errors_match_awss,
    dead_letters_are_moved_back,
    large_batches_and_messages_are_accepted,
);

fn a_message_is_received_with_its_attributes(sdk: Sdk) {
    let server = server();
    let url = answer(json!([0, "QueueUrl"]));
    let attributes = json!({
        "Text": { "DataType": "String", "StringValue": "ü \u{1F411}" },
        "Count": { "DataType": "Number.int", "StringValue": "7" },
        "Bytes": { "DataType": "Binary.png", "BinaryValue": { "$base64": "AAH/gA==" } },
    });
    let calls = [
        call("CreateQueue", json!({ "QueueName": "there-and-back" })),
        call(
            "SendMessage",
            json!({
                "QueueUrl": url, "MessageBody": "a body\nof two lines",
                "MessageAttributes": attributes,
                "MessageSystemAttributes": { "AWSTraceHeader": { "DataType": "String", "StringValue": "Root=1-5e1b4151-5ac6c58dc39a6a0efc2c1b0a" } },
            }),
        ),
        call(
            "ReceiveMessage",
            json!({
                "QueueUrl": url, "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"], "WaitTimeSeconds": 5,
            }),
        ),
        call(
            "ChangeMessageVisibility",
            json!({
                "QueueUrl": url, "ReceiptHandle": answer(json!([2, "Messages", 0, "ReceiptHandle"])), "VisibilityTimeout": 0,
            }),
        ),
        call(
            "ReceiveMessage",
            json!({ "QueueUrl": url, "MessageAttributeNames": ["Co*", "Text"], "MessageSystemAttributeNames": ["ApproximateReceiveCount"] }),
        ),
        call(
            "DeleteMessage",
            json!({ "QueueUrl": url, "ReceiptHandle": answer(json!([4, "Messages", 0, "ReceiptHandle"])) }),
        ),
        call("ReceiveMessage", json!({ "QueueUrl": url })),
    ];
    let Ok(answers) = sdk(&server, "sqs", &calls) else {
        return;
    };
    let first = &answers[2]["Messages"][0];
    assert_eq!(first["MessageId"], answers[1]["MessageId"], "{answers:?}");
    assert_eq!(first["Body"], "a body\nof two lines");
    for name in ["Text", "Count", "Bytes"] {
        assert_eq!(first["MessageAttributes"][name], attributes[name], "{name}");
    }
    assert_eq!(first["Attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(
        first["Attributes"]["AWSTraceHeader"],
        "Root=1-5e1b4151-5ac6c58dc39a6a0efc2c1b0a"
    );
    let second = &answers[4]["Messages"][0];
    assert_eq!(
        second["Attributes"],
        json!({ "ApproximateReceiveCount": "2" })
    );
    assert_eq!(second["MessageAttributes"]["Text"], attributes["Text"]);
    assert_eq!(answers[6]["Messages"], Value::Null);
}

fn a_batch_is_sent_received_and_deleted(sdk: Sdk) {
    let server = server();
    let url = answer(json!([0, "QueueUrl"]));
    let entries: Vec<Value> = (0..10)
        .map(|n| json!({ "Id": format!("id-{n}"), "MessageBody": format!("body {n}") }))
        .collect();
    let deletions: Vec<Value> = (0..10)
        .map(|n| json!({ "Id": n.to_string(), "ReceiptHandle": answer(json!([2, "Messages", n, "ReceiptHandle"])) }))
        .collect();
    let calls = [
        call("CreateQueue", json!({ "QueueName": "batches" })),
        call(
            "SendMessageBatch",
            json!({ "QueueUrl": url, "Entries": entries }),
        ),
        call(
            "ReceiveMessage",
            json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 5 }),
        ),
        call(
            "DeleteMessageBatch",
            json!({ "QueueUrl": url, "Entries": deletions }),
        ),
        call(
            "GetQueueAttributes",
            json!({ "QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] }),
        ),
    ];
    let Ok(answers) = sdk(&server, "sqs", &calls) else {
        return;
    };
    let successful = |answer: &Value| answer["Successful"].as_array().map(Vec::len);
    assert_eq!(successful(&answers[1]), Some(10), "{}", answers[1]);
    assert_eq!(answers[2]["Messages"].as_array().map(Vec::len), Some(10));
    assert_eq!(successful(&answers[3]), Some(10), "{}", answers[3]);
    assert_eq!(
        answers[4]["Attributes"],
        json!({ "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0" })
    );
}

fn a_fifo_queue_keeps_the_order_and_drops_duplicates(sdk: Sdk) {
    let server = server();
    let url = answer(json!([0, "QueueUrl"]));
    let send = |group: &str, body: &str| {
        call(
            "SendMessage",
            json!({ "QueueUrl": url, "MessageBody": body, "MessageGroupId": group }),
        )
    };
    let receive = call(
        "ReceiveMessage",
        json!({
            "QueueUrl": url, "MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["SequenceNumber", "MessageGroupId"],
        }),
    );
    let calls = [
        call(
            "CreateQueue",
            json!({ "QueueName": "order.fifo", "Attributes": { "FifoQueue": "true", "ContentBasedDeduplication": "true" } }),
        ),
        send("a", "1"),
        send("a", "2"),
        send("a", "1"),
        send("b", "3"),
        receive.clone(),
        receive.clone(),
        call(
            "DeleteMessage",
            json!({ "QueueUrl": url, "ReceiptHandle": answer(json!([5, "Messages", 0, "ReceiptHandle"])) }),
        ),
        receive,
    ];
    let Ok(answers) = sdk(&server, "sqs", &calls) else {
        return;
    };
    assert_eq!(
        answers[1]["MessageId"], answers[3]["MessageId"],
        "{answers:?}"
    );
    assert_eq!(answers[1]["SequenceNumber"], answers[3]["SequenceNumber"]);
    let sequence = answers[1]["SequenceNumber"].as_str().unwrap();
    assert_eq!(sequence.len(), 20);
    assert!(sequence < answers[2]["SequenceNumber"].as_str().unwrap());
    let of_a: Vec<&str> = answers[5]["Messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|message| message["Attributes"]["MessageGroupId"] == "a")
        .filter_map(|message| message["Body"].as_str())
        .collect();
    assert_eq!(of_a, ["1", "2"]);
    // Both groups have a message in flight; group `a` still has one after its first message was deleted.
    assert_eq!(answers[6]["Messages"], Value::Null);
    assert_eq!(answers[8]["Messages"], Value::Null);
}

fn a_receive_attempt_can_be_repeated_and_a_name_works_as_a_url(sdk: Sdk) {
    let server = server();
    let url = answer(json!([0, "QueueUrl"]));
    let receive = |attempt: &str| {
        call(
            "ReceiveMessage",
            json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "ReceiveRequestAttemptId": attempt }),
        )
    };
    let calls = [
        call(
            "CreateQueue",
            json!({ "QueueName": "again.fifo", "Attributes": { "FifoQueue": "true", "ContentBasedDeduplication": "true" } }),
        ),
        call(
            "SendMessage",
            json!({ "QueueUrl": "again.fifo", "MessageBody": "1", "MessageGroupId": "a" }),
        ),
        receive("one"),
        receive("one"),
        receive("two"),
        call(
            "DeleteMessage",
            json!({ "QueueUrl": url, "ReceiptHandle": answer(json!([2, "Messages", 0, "ReceiptHandle"])) }),
        ),
        receive("one"),
    ];
    let Ok(answers) = sdk(&server, "sqs", &calls) else {
        return;
    };
    assert_eq!(answers[2]["Messages"][0]["Body"], "1", "{answers:?}");
    assert_eq!(answers[3]["Messages"], answers[2]["Messages"]);
    assert_eq!(answers[4]["Messages"], Value::Null);
    let why =
        "The receiveRequestAttemptId is not valid anymore since the receive call is not retryable.";
    let message =
        format!("Value one for parameter ReceiveRequestAttemptId is invalid. Reason: {why}");
    assert_refused(&answers[6], 400, &message);
}

fn queues_are_created_described_tagged_and_deleted(sdk: Sdk) {
    let server = server();
    let url = answer(json!([0, "QueueUrl"]));
    let calls = [
        call(
            "CreateQueue",
            json!({ "QueueName": "made", "Attributes": { "VisibilityTimeout": "45" }, "tags": { "team": "a" } }),
        ),
        call(
            "CreateQueue",
            json!({ "QueueName": "made", "Attributes": { "VisibilityTimeout": "45" } }),
        ),
        call(
            "CreateQueue",
            json!({ "QueueName": "made", "Attributes": { "VisibilityTimeout": "46" } }),
        ),
        call("GetQueueUrl", json!({ "QueueName": "made" })),
        call(
            "SetQueueAttributes",
            json!({ "QueueUrl": url, "Attributes": { "DelaySeconds": "5" } }),
        ),
        call(
            "GetQueueAttributes",
            json!({ "QueueUrl": url, "AttributeNames": ["All"] }),
        ),
        call(
            "TagQueue",
            json!({ "QueueUrl": url, "Tags": { "stage": "test" } }),
        ),
        call(
            "UntagQueue",
            json!({ "QueueUrl": url, "TagKeys": ["team"] }),
        ),
        call("ListQueueTags", json!({ "QueueUrl": url })),
        call("ListQueues", json!({ "QueueNamePrefix": "ma" })),
        call("PurgeQueue", json!({ "QueueUrl": url })),
        call("PurgeQueue", json!({ "QueueUrl": url })),
        call("DeleteQueue", json!({ "QueueUrl": url })),
        call("ListQueues", json!({})),
        call("CreateQueue", json!({ "QueueName": "made" })),
    ];
    let Ok(answers) = sdk(&server, "sqs", &calls) else {
        return;
    };
    assert_eq!(answers[1], answers[0], "{answers:?}");
    assert_refused(
        &answers[2],
        400,
        "A queue already exists with the same name and a different value for attribute VisibilityTimeout",
    );
    assert_eq!(answers[3], answers[0]);
    let attributes = answers[5]["Attributes"].as_object().unwrap();
    for (name, value) in [
        ("QueueArn", "arn:aws:sqs:us-east-1:123456789012:made"),
        ("VisibilityTimeout", "45"),
        ("DelaySeconds", "5"),
        ("MaximumMessageSize", "1048576"),
        ("MessageRetentionPeriod", "345600"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("SqsManagedSseEnabled", "true"),
        ("ApproximateNumberOfMessages", "0"),
    ] {
        assert_eq!(attributes[name], value, "{name}");
    }
    assert!(!attributes.contains_key("FifoQueue"));
    assert_eq!(answers[8]["Tags"], json!({ "stage": "test" }));
    assert_eq!(answers[9]["QueueUrls"].as_array().map(Vec::len), Some(1));
    assert_refused(
        &answers[11],
        403,
        "Only one PurgeQueue operation on made is allowed every 60 seconds.",
    );
    assert_eq!(answers[13]["QueueUrls"], Value::Null);
    assert_refused(
        &answers[14],
        400,
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    );
}

fn errors_match_awss(sdk: Sdk) {
    let server = server();
    let url = answer(json!([0, "QueueUrl"]));
    let nowhere = format!("{}/123456789012/nowhere", server.service_url("sqs"));
    let table = [
        (
            call(
                "SendMessage",
                json!({ "QueueUrl": nowhere, "MessageBody": "x" }),
            ),
            400,
            "The specified queue does not exist.",
        ),
        (
            call(
                "ReceiveMessage",
                json!({ "QueueUrl": url, "MaxNumberOfMessages": 11 }),
            ),
            400,
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        (
            call(
                "ReceiveMessage",
                json!({ "QueueUrl": url, "WaitTimeSeconds": 21 }),
            ),
            400,
            "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
        (
            call(
                "SendMessage",
                json!({ "QueueUrl": url, "MessageBody": "x".repeat(1_048_577) }),
            ),
            400,
            "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
        ),
        (
            call(
                "DeleteMessage",
                json!({ "QueueUrl": url, "ReceiptHandle": "garbage" }),
            ),
            400,
            "The input receipt handle \"garbage\" is not a valid receipt handle.",
        ),
        (
            call(
                "GetQueueAttributes",
                json!({ "QueueUrl": url, "AttributeNames": ["Nonsense"] }),
            ),
            400,
            "Unknown Attribute Nonsense.",
        ),
        (
            call(
                "SendMessageBatch",
                json!({ "QueueUrl": url, "Entries": [
            { "Id": "a", "MessageBody": "1" }, { "Id": "a", "MessageBody": "2" }] }),
            ),
            400,
            "Id a repeated.",
        ),
    ];
    let mut calls = vec![call("CreateQueue", json!({ "QueueName": "errors" }))];
    calls.extend(table.iter().map(|(call, ..)| call.clone()));
    let Ok(answers) = sdk(&server, "sqs", &calls) else {
        return;
    };
    for ((_, status, message), answer) in table.iter().zip(&answers[1..]) {
        assert_refused(answer, *status, message);
    }
}

fn dead_letters_are_moved_back(sdk: Sdk) {
    let server = server();
    let (dead, url) = (
        answer(json!([0, "QueueUrl"])),
        answer(json!([1, "QueueUrl"])),
    );
    let arn = "arn:aws:sqs:us-east-1:123456789012:dead";
    let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 1 }).to_string();
    let receive = |url: &Value, wait: u64| {
        call(
            "ReceiveMessage",
            json!({ "QueueUrl": url, "VisibilityTimeout": 0, "WaitTimeSeconds": wait, "MessageSystemAttributeNames": ["All"] }),
        )
    };
    let calls = [
        call("CreateQueue", json!({ "QueueName": "dead" })),
        call(
            "CreateQueue",
            json!({ "QueueName": "alive", "Attributes": { "RedrivePolicy": policy } }),
        ),
        call(
            "SendMessage",
            json!({ "QueueUrl": url, "MessageBody": "again" }),
        ),
        receive(&url, 1),
        receive(&url, 0),
        receive(&dead, 1),
        call("ListDeadLetterSourceQueues", json!({ "QueueUrl": dead })),
        call("StartMessageMoveTask", json!({ "SourceArn": arn })),
        receive(&url, 20),
        call("ListMessageMoveTasks", json!({ "SourceArn": arn })),
    ];
    let Ok(answers) = sdk(&server, "sqs", &calls) else {
        return;
    };
    assert_eq!(answers[3]["Messages"][0]["Body"], "again", "{answers:?}");
    assert_eq!(answers[4]["Messages"], Value::Null);
    assert_eq!(
        answers[5]["Messages"][0]["Attributes"]["DeadLetterQueueSourceArn"],
        "arn:aws:sqs:us-east-1:123456789012:alive"
    );
    // The name of the member differs between the SDKs.
    let sources = answers[6].as_object().unwrap().values().next().unwrap();
    assert_eq!(sources, &json!([answers[1]["QueueUrl"]]));
    assert!(answers[7]["TaskHandle"].is_string(), "{}", answers[7]);
    assert_eq!(answers[8]["Messages"][0]["Body"], "again");
    assert_eq!(answers[9]["Results"][0]["SourceArn"], arn);
}

fn large_batches_and_messages_are_accepted(sdk: Sdk) {
    let server = server();
    let url = answer(json!([0, "QueueUrl"]));
    let entries: Vec<Value> = (0..10)
        .map(|n| json!({ "Id": n.to_string(), "MessageBody": "x".repeat(100_000) }))
        .collect();
    let mut too_much = entries.clone();
    too_much[0]["MessageBody"] = json!("x".repeat(200_000));
    let calls = [
        call("CreateQueue", json!({ "QueueName": "large" })),
        call(
            "SendMessage",
            json!({ "QueueUrl": url, "MessageBody": "x".repeat(1_048_576) }),
        ),
        call("ReceiveMessage", json!({ "QueueUrl": url })),
        call(
            "SendMessageBatch",
            json!({ "QueueUrl": url, "Entries": entries }),
        ),
        call(
            "SendMessageBatch",
            json!({ "QueueUrl": url, "Entries": too_much }),
        ),
    ];
    let Ok(answers) = sdk(&server, "sqs", &calls) else {
        return;
    };
    assert_eq!(
        answers[2]["Messages"][0]["Body"].as_str().map(str::len),
        Some(1_048_576)
    );
    assert_eq!(
        answers[3]["Successful"].as_array().map(Vec::len),
        Some(10),
        "{}",
        answers[3]
    );
    assert_refused(
        &answers[4],
        400,
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1100000 bytes.",
    );
}

#[test]
fn the_sdk_for_rust_reads_every_response() {
    let server = server();
    let Ok(seen) = rust(&server, "sqs") else {
        return;
    };
    assert_eq!(
        seen,
        json!({
            "one": { "sameId": true, "body": "one", "attribute": [0, 1, 255], "receives": "1" },
            "batch": { "sent": 10, "received": 10, "deleted": 10 },
            "left": "0",
            "missing": { "is": true, "code": seen["missing"]["code"], "message": "The specified queue does not exist." },
        })
    );
}
