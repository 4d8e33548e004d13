//! Errors for invalid requests.

use serde_json::json;

use super::*;

/// The operations on one queue.
const ON_A_QUEUE: [&str; 17] = [
    "SendMessage",
    "SendMessageBatch",
    "ReceiveMessage",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "DeleteQueue",
    "GetQueueAttributes",
    "SetQueueAttributes",
    "PurgeQueue",
    "TagQueue",
    "UntagQueue",
    "ListQueueTags",
    "ListDeadLetterSourceQueues",
    "AddPermission",
    "RemovePermission",
];

#[test]
fn operations_fail_without_their_queue() {
    let service = Service::empty();
    for operation in ON_A_QUEUE {
        assert_eq!(
            service.refused(operation, json!({"QueueUrl": URL})),
            model(
                400,
                "QueueDoesNotExist",
                "The specified queue does not exist.",
                "AWS.SimpleQueueService.NonExistentQueue",
            ),
            "{operation}"
        );
        assert_eq!(
            service.xml(400, &format!("Action={operation}&QueueUrl={URL}")),
            xml_error(
                "AWS.SimpleQueueService.NonExistentQueue",
                "The specified queue does not exist for this wsdl version."
            )
        );
        assert_eq!(service.refused(operation, json!({})), missing("QueueUrl"));
    }
}

#[test]
fn a_url_that_is_not_that_of_a_queue_is_that_of_a_queue_that_does_not_exist() {
    let service = Service::standard();
    for url in [
        "http://whatever",
        "http://localhost:9324/",
        "whatever",
        "a b",
        "/",
    ] {
        for operation in ON_A_QUEUE {
            let refused = service.refused(operation, json!({"QueueUrl": url}));
            assert_eq!(
                (refused.0, refused.1.as_str()),
                (400, "com.amazonaws.sqs#QueueDoesNotExist"),
                "{operation} {url}"
            );
            let refused = service.xml(400, &format!("Action={operation}&QueueUrl={url}"));
            assert!(
                refused.contains("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"),
                "{operation} {url}: {refused}"
            );
        }
    }
}

#[test]
fn other_accounts_are_rejected() {
    let service = Service::standard();
    let get = |url: &str| service.refused("GetQueueAttributes", json!({"QueueUrl": url}));
    let (status, kind, message, query) = get("http://localhost:9324/111111111111/orders");
    assert_eq!((status, query.as_str()), (403, "AccessDenied;Sender"));
    assert_eq!(kind, "com.amazon.coral.service#AccessDeniedException");
    assert_eq!(
        message,
        "Access to the resource http://localhost:9324/ is denied."
    );
    assert_eq!(
        get("http://localhost:9324/queue/orders").1,
        "com.amazonaws.sqs#QueueDoesNotExist"
    );
    assert_eq!(get("nope").1, "com.amazonaws.sqs#QueueDoesNotExist");
    let input = json!({"QueueName": "orders", "QueueOwnerAWSAccountId": "111111111111"});
    assert_eq!(
        service.refused("GetQueueUrl", input).1,
        "com.amazonaws.sqs#QueueDoesNotExist"
    );
    assert_eq!(
        service
            .refused("CreateQueue", json!({"QueueName": "forbidden"}))
            .0,
        403
    );
}

#[test]
fn queue_urls_may_have_any_host() {
    let service = Service::standard();
    for url in [
        "https://sqs.eu-west-1.amazonaws.com/000000000000/orders",
        "https://eu-west-1.queue.amazonaws.com/000000000000/orders",
        "/000000000000/orders",
        "orders",
    ] {
        service.ok("SendMessage", json!({"QueueUrl": url, "MessageBody": "x"}));
    }
}

#[test]
fn the_size_of_a_message_includes_its_attributes() {
    let service = Service::standard();
    let too_long = |limit: u64| {
        invalid(&format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
        ))
    };
    let send = |body: usize, attribute: usize| {
        json!({
            "QueueUrl": URL, "MessageBody": "x".repeat(body),
            "MessageAttributes": {"a": {"DataType": "String", "StringValue": "y".repeat(attribute)}},
        })
    };
    // The attribute's name and type have 7 bytes.
    service.ok("SendMessage", send(1_048_576 - 7 - 10, 10));
    assert_eq!(
        service.refused("SendMessage", send(1_048_576 - 7 - 9, 10)),
        too_long(1_048_576)
    );
    let entries = json!([
        {"Id": "a", "MessageBody": "x".repeat(1_048_576)},
        {"Id": "b", "MessageBody": "x"},
    ]);
    assert_eq!(
        service.refused(
            "SendMessageBatch",
            json!({"QueueUrl": URL, "Entries": entries})
        ),
        model(
            400,
            "BatchRequestTooLong",
            "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
            "AWS.SimpleQueueService.BatchRequestTooLong",
        )
    );
    service.ok(
        "SetQueueAttributes",
        json!({"QueueUrl": URL, "Attributes": {"MaximumMessageSize": "1024"}}),
    );
    assert_eq!(
        service.refused("SendMessage", send(1024, 1)),
        too_long(1024)
    );
    let entries = json!([
        {"Id": "a", "MessageBody": "x".repeat(1025)},
        {"Id": "b", "MessageBody": "x".repeat(1024)},
    ]);
    let result = service.ok(
        "SendMessageBatch",
        json!({"QueueUrl": URL, "Entries": entries}),
    );
    assert_eq!(
        result["Failed"],
        json!([{
            "Id": "a", "SenderFault": true, "Code": "InvalidParameterValue",
            "Message": "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.",
        }])
    );
    assert_eq!(result["Successful"][0]["Id"], "b");
}

#[test]
fn invalid_bodies_are_rejected() {
    let service = Service::standard();
    let send =
        |body: Value| service.refused("SendMessage", json!({"QueueUrl": URL, "MessageBody": body}));
    assert_eq!(send(json!("")), missing("MessageBody"));
    assert_eq!(send(Value::Null), missing("MessageBody"));
    let message = "Invalid binary character '#x8' was found in the message body, the set of allowed characters is \
                   #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]";
    assert_eq!(
        send(json!("a\u{8}")),
        model(
            400,
            "InvalidMessageContents",
            message,
            "InvalidMessageContents"
        )
    );
    assert_eq!(
        service.refused(
            "SendMessage",
            json!({"QueueUrl": URL, "MessageBody": "x", "DelaySeconds": -234})
        ),
        invalid(
            "Value -234 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
        )
    );
}

#[test]
fn invalid_message_attributes_are_rejected() {
    let service = Service::standard();
    let send = |name: &str, attribute: Value| {
        let input =
            json!({"QueueUrl": URL, "MessageBody": "x", "MessageAttributes": {name: attribute}});
        service.refused("SendMessage", input)
    };
    let text = |kind: &str, value: &str| json!({"DataType": kind, "StringValue": value});
    let type_invalid = "The type of message (user) attribute 'a' is invalid. \
                        You must use only the following supported type prefixes: Binary, Number, String.";
    let reserved = "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. \
                    These strings are reserved for internal use.";
    for (name, attribute, message) in [
        (
            "",
            text("String", "x"),
            "The request must contain non-empty message (user) attribute names.",
        ),
        (
            "a",
            json!({}),
            "The message (user) attribute 'a' must contain a non-empty message attribute value.",
        ),
        (
            "a",
            text("String", ""),
            "Message (user) attribute 'a' must contain a non-empty value of type 'String'.",
        ),
        (
            "a",
            text("Number", ""),
            "Message (user) attribute 'a' must contain a non-empty value of type 'Number'.",
        ),
        (
            "a",
            json!({"DataType": "Binary"}),
            "Message (user) attribute 'a' must contain a non-empty value of type 'Binary'.",
        ),
        (
            "a",
            text("Number", "x"),
            "Can't cast the value of message (user) attribute 'a' to a number.",
        ),
        ("a", text("Nonsense", "x"), type_invalid),
        ("a", text("Strings", "x"), type_invalid),
        ("AWS.a", text("String", "x"), reserved),
        ("amazon.a", text("String", "x"), reserved),
        (
            "a",
            json!({"DataType": "StringList", "StringListValues": ["x"]}),
            "Message attribute list values in SendMessage operation are not supported.",
        ),
        (
            &"n".repeat(257),
            text("String", "x"),
            "Message (user) attribute name must be shorter than 256 bytes.",
        ),
        (
            "a",
            text(&format!("String.{}", "t".repeat(250)), "x"),
            "Message (user) attribute type must be shorter than 256 bytes.",
        ),
    ] {
        assert_eq!(send(name, attribute), invalid(message));
    }
    for name in [".a", "a.", "a..b", "a b", "a!", "§", "\u{1F411}"] {
        assert_eq!(send(name, text("String", "x")).0, 400, "{name}");
    }
    // Letters of all languages are accepted, although AWS's message lists ASCII only.
    let input = json!({
        "QueueUrl": URL, "MessageBody": "x", "MessageAttributes": {"attr.1øßä": text("String", "x")},
    });
    service.ok("SendMessage", input);
    let many: serde_json::Map<_, _> = (0..11)
        .map(|n| (format!("a{n}"), text("String", "x")))
        .collect();
    assert_eq!(
        service.refused(
            "SendMessage",
            json!({"QueueUrl": URL, "MessageBody": "x", "MessageAttributes": many})
        ),
        invalid("Number of message attributes [11] exceeds the allowed maximum [10].")
    );
    let input = json!({
        "QueueUrl": URL, "MessageBody": "x", "MessageSystemAttributes": {"Hello": text("String", "Context")},
    });
    assert_eq!(
        service.refused("SendMessage", input),
        invalid("Message system attribute name 'Hello' is invalid.")
    );
}

#[test]
fn parameters_of_a_receive_are_limited() {
    let service = Service::standard();
    for (name, value, reason) in [
        (
            "MaxNumberOfMessages",
            0,
            "Must be between 1 and 10, if provided.",
        ),
        (
            "MaxNumberOfMessages",
            11,
            "Must be between 1 and 10, if provided.",
        ),
        (
            "WaitTimeSeconds",
            -1,
            "Must be >= 0 and <= 20, if provided.",
        ),
        (
            "WaitTimeSeconds",
            21,
            "Must be >= 0 and <= 20, if provided.",
        ),
        (
            "VisibilityTimeout",
            43201,
            "Must be >= 0 and <= 43200, if provided.",
        ),
    ] {
        let message = format!("Value {value} for parameter {name} is invalid. Reason: {reason}");
        let input = json!({"QueueUrl": URL, name: value});
        assert_eq!(service.refused("ReceiveMessage", input), invalid(&message));
        let xml = service.xml(
            400,
            &format!("Action=ReceiveMessage&QueueUrl={URL}&{name}={value}"),
        );
        let escaped = message.replace('>', "&gt;").replace('<', "&lt;");
        assert_eq!(xml, xml_error("InvalidParameterValue", &escaped));
    }
    assert_eq!(
        service.refused(
            "ReceiveMessage",
            json!({"QueueUrl": URL, "AttributeNames": ["Nonsense"]})
        ),
        model(
            400,
            "InvalidAttributeName",
            "Unknown Attribute Nonsense.",
            "InvalidAttributeName"
        )
    );
}

#[test]
fn too_many_messages_in_flight_are_an_error_for_short_polls_only() {
    use crate::service::store::StoreError;

    let service = Service::standard();
    service.store.fail_receives_with(StoreError::OverLimit);
    let receive = |url: &str, seconds: u64| json!({"QueueUrl": url, "WaitTimeSeconds": seconds});
    let (status, kind, _, query) = service.refused("ReceiveMessage", receive(URL, 0));
    assert_eq!((status, query.as_str()), (403, "OverLimit;Sender"));
    assert_eq!(kind, "com.amazonaws.sqs#OverLimit");
    assert_eq!(service.ok("ReceiveMessage", receive(URL, 1)), json!({}));
    let service = Service::fifo(json!({}));
    service.store.fail_receives_with(StoreError::OverLimit);
    assert_eq!(
        service.ok("ReceiveMessage", receive(FIFO_URL, 0)),
        json!({})
    );
}

#[test]
fn a_missing_parameter_is_named() {
    let service = Service::standard();
    for (operation, input, parameter) in [
        ("DeleteMessage", json!({}), "ReceiptHandle"),
        ("ChangeMessageVisibility", json!({}), "ReceiptHandle"),
        (
            "ChangeMessageVisibility",
            json!({"ReceiptHandle": "x"}),
            "VisibilityTimeout",
        ),
        ("SetQueueAttributes", json!({}), "Attribute.Name"),
        (
            "SetQueueAttributes",
            json!({"Attributes": {}}),
            "Attribute.Name",
        ),
        ("SendMessageBatch", json!({}), "Entries"),
        (
            "DeleteMessage",
            json!({"ReceiptHandle": " "}),
            "ReceiptHandle",
        ),
        ("UntagQueue", json!({}), "TagKeys"),
        ("AddPermission", json!({}), "Label"),
    ] {
        let mut input = input;
        input["QueueUrl"] = URL.into();
        assert_eq!(
            service.refused(operation, input),
            missing(parameter),
            "{operation}"
        );
    }
    assert_eq!(
        service.refused("StartMessageMoveTask", json!({})),
        missing("SourceArn")
    );
    assert_eq!(
        service.refused("CancelMessageMoveTask", json!({})),
        missing("TaskHandle")
    );
    let form = format!("Action=SendMessage&QueueUrl={URL}");
    assert_eq!(
        service.xml(400, &form),
        xml_error(
            "MissingParameter",
            "The request must contain the parameter MessageBody."
        )
    );
}
