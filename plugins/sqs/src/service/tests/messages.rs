//! Messages in a standard queue: sending, receiving, hiding and deleting them.

use serde_json::json;

use super::*;
use crate::service::fake::START_MS;

const ID: &str = "00000000-0000-4000-8000-000000000001";

#[test]
fn a_message_is_received_as_it_was_sent() {
    let service = Service::standard();
    let sent = service.ok(
        "SendMessage",
        json!({
            "QueueUrl": URL,
            "MessageBody": "foobar",
            "MessageAttributes": {
                "Foo": {"DataType": "String", "StringValue": "Bar"},
                "Bytes": {"DataType": "Binary", "BinaryValue": "AAEC"},
            },
            "MessageSystemAttributes": {
                "AWSTraceHeader": {"DataType": "String", "StringValue": "some-trace-id"},
            },
            "MessageGroupId": "tenant",
        }),
    );
    assert_eq!(
        sent["MD5OfMessageSystemAttributes"],
        "fdce4f2818803f2f73becc09a54792c0"
    );
    let input = json!({
        "QueueUrl": URL, "MessageAttributeNames": ["Foo"], "MessageSystemAttributeNames": ["All"],
    });
    assert_eq!(
        service.ok("ReceiveMessage", input),
        json!({"Messages": [{
            "MessageId": ID,
            "ReceiptHandle": format!("receipt-{ID}-1"),
            "MD5OfBody": "3858f62230ac3c915f300c664312c63f",
            "Body": "foobar",
            "Attributes": {
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": START_MS.to_string(),
                "ApproximateReceiveCount": "1",
                "SentTimestamp": START_MS.to_string(),
                "MessageGroupId": "tenant",
                "AWSTraceHeader": "some-trace-id",
            },
            "MD5OfMessageAttributes": "ae7155c6026991b6d54b11589678bf9c",
            "MessageAttributes": {"Foo": {"StringValue": "Bar", "DataType": "String"}},
        }]})
    );
}

#[test]
fn the_query_protocol_repeats_elements() {
    let service = Service::standard();
    let sent = service.xml(
        200,
        &format!(
            "Action=SendMessage&QueueUrl={URL}&MessageBody=a%3C%26b%0D&MessageAttribute.1.Name=Foo\
             &MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=Bar\
             &MessageAttribute.2.Name=Bytes&MessageAttribute.2.Value.DataType=Binary\
             &MessageAttribute.2.Value.BinaryValue=AAEC&DelaySeconds=0"
        ),
    );
    assert!(sent.contains("<MD5OfMessageAttributes>"), "{sent}");
    let received = service.xml(
        200,
        &format!(
            "Action=ReceiveMessage&QueueUrl={URL}&AttributeName.1=SenderId&AttributeName.2=SentTimestamp\
             &MessageAttributeName.1=All&MaxNumberOfMessages=10"
        ),
    );
    let digest = crate::md5::of_body(b"a<&b\r");
    let attributes = sent.split("<MD5OfMessageAttributes>").nth(1).unwrap();
    let attributes = attributes.split('<').next().unwrap();
    assert_eq!(
        received,
        envelope(
            "ReceiveMessage",
            &format!(
                "<ReceiveMessageResult><Message><MessageId>{ID}</MessageId>\
                 <ReceiptHandle>receipt-{ID}-1</ReceiptHandle><MD5OfBody>{digest}</MD5OfBody>\
                 <Body>a&lt;&amp;b&#xD;</Body>\
                 <Attribute><Name>SenderId</Name><Value>AIDAIENQZJOLO23YVJ4VO</Value></Attribute>\
                 <Attribute><Name>SentTimestamp</Name><Value>{START_MS}</Value></Attribute>\
                 <MD5OfMessageAttributes>{attributes}</MD5OfMessageAttributes>\
                 <MessageAttribute><Name>Foo</Name><Value><StringValue>Bar</StringValue>\
                 <DataType>String</DataType></Value></MessageAttribute>\
                 <MessageAttribute><Name>Bytes</Name><Value><BinaryValue>AAEC</BinaryValue>\
                 <DataType>Binary</DataType></Value></MessageAttribute></Message></ReceiveMessageResult>"
            )
        )
    );
}

#[test]
fn the_trace_header_of_the_request_reaches_the_message() {
    let service = Service::standard();
    service.send(Request {
        method: "POST".into(),
        headers: vec![
            ("x-amz-target".into(), "AmazonSQS.SendMessage".into()),
            ("x-amzn-trace-id".into(), "Root=1-2-3".into()),
        ],
        body: json!({"QueueUrl": URL, "MessageBody": "x"})
            .to_string()
            .into(),
        ..Request::default()
    });
    let input = json!({"QueueUrl": URL, "AttributeNames": ["AWSTraceHeader"]});
    let received = service.ok("ReceiveMessage", input);
    assert_eq!(
        received["Messages"][0]["Attributes"],
        json!({"AWSTraceHeader": "Root=1-2-3"})
    );
}

#[test]
fn attributes_that_are_not_requested_are_absent() {
    let service = Service::standard();
    service.ok(
        "SendMessage",
        json!({
            "QueueUrl": URL, "MessageBody": "x",
            "MessageAttributes": {"Foo": {"DataType": "String", "StringValue": "Bar"}},
        }),
    );
    let receive = |names: Value| {
        let received = service.ok(
            "ReceiveMessage",
            json!({
                "QueueUrl": URL, "VisibilityTimeout": 0, "MessageAttributeNames": names,
                "AttributeNames": ["SequenceNumber", "Policy"],
            }),
        );
        let mut message = received["Messages"][0].as_object().unwrap().clone();
        let attributes = message.remove("MessageAttributes");
        let mut keys: Vec<_> = message.keys().cloned().collect();
        keys.sort();
        assert_eq!(keys, ["Body", "MD5OfBody", "MessageId", "ReceiptHandle"]);
        attributes
    };
    assert_eq!(receive(json!([])), None);
    assert_eq!(receive(json!(["AWS.", "..foo"])), None, "no names at all");
    assert_eq!(receive(json!(["Other"])), None, "names that match nothing");
    let received = service.xml(
        200,
        &format!(
            "Action=ReceiveMessage&QueueUrl={URL}&MessageAttributeName.1=Other&VisibilityTimeout=0"
        ),
    );
    assert!(!received.contains("MessageAttribute"), "{received}");
    service.ok(
        "SendMessage",
        json!({"QueueUrl": URL, "MessageBody": "bare"}),
    );
    service.receipt(URL);
    assert_eq!(
        receive(json!(["Other"])),
        None,
        "there is nothing to select from"
    );
}

#[test]
fn json_prefers_the_newer_attribute_names_and_query_the_older() {
    let service = Service::standard();
    service.ok("SendMessage", json!({"QueueUrl": URL, "MessageBody": "x"}));
    let received = service.ok(
        "ReceiveMessage",
        json!({
            "QueueUrl": URL, "AttributeNames": ["SenderId"], "VisibilityTimeout": 0,
            "MessageSystemAttributeNames": ["SentTimestamp"],
        }),
    );
    let attributes = &received["Messages"][0]["Attributes"];
    assert_eq!(attributes, &json!({"SentTimestamp": START_MS.to_string()}));
    let received = service.xml(200, &format!(
        "Action=ReceiveMessage&QueueUrl={URL}&AttributeName.1=SenderId&MessageSystemAttributeName.1=SentTimestamp"
    ));
    assert!(
        received.contains("SenderId") && !received.contains("SentTimestamp"),
        "{received}"
    );
}

#[test]
fn wait_times_and_visibility_timeouts_reach_the_store() {
    let service = Service::standard();
    let set = |name: &str, value: &str| {
        service.ok(
            "SetQueueAttributes",
            json!({"QueueUrl": URL, "Attributes": {name: value}}),
        );
    };
    set("ReceiveMessageWaitTimeSeconds", "7");
    service.ok("ReceiveMessage", json!({"QueueUrl": URL}));
    assert_eq!(service.store.now(), START_MS + 7000);
    service.ok(
        "ReceiveMessage",
        json!({"QueueUrl": URL, "WaitTimeSeconds": 0}),
    );
    assert_eq!(service.store.now(), START_MS + 7000);
    service.ok(
        "SendMessage",
        json!({"QueueUrl": URL, "MessageBody": "x", "DelaySeconds": 5}),
    );
    let receive = json!({"QueueUrl": URL, "WaitTimeSeconds": 0, "VisibilityTimeout": 2});
    assert_eq!(service.ok("ReceiveMessage", receive.clone()), json!({}));
    service.store.advance(5);
    assert!(service.ok("ReceiveMessage", receive.clone())["Messages"].is_array());
    assert_eq!(service.ok("ReceiveMessage", receive.clone()), json!({}));
    service.store.advance(2);
    assert!(service.ok("ReceiveMessage", receive)["Messages"].is_array());
}

#[test]
fn deleting_twice_succeeds() {
    let service = Service::standard();
    service.ok("SendMessage", json!({"QueueUrl": URL, "MessageBody": "x"}));
    let receipt = service.receipt(URL);
    for _ in 0..2 {
        let response = service.json(
            "DeleteMessage",
            json!({"QueueUrl": URL, "ReceiptHandle": receipt}),
        );
        assert_eq!((response.status, response.body.len()), (200, 0));
    }
    assert_eq!(
        service.refused(
            "DeleteMessage",
            json!({"QueueUrl": URL, "ReceiptHandle": "nonsense"})
        ),
        model(
            400,
            "ReceiptHandleIsInvalid",
            "The input receipt handle \"nonsense\" is not a valid receipt handle.",
            "ReceiptHandleIsInvalid",
        )
    );
    let result = service.ok(
        "DeleteMessageBatch",
        json!({"QueueUrl": URL, "Entries": [
            {"Id": "a", "ReceiptHandle": receipt}, {"Id": "b", "ReceiptHandle": "nonsense"},
        ]}),
    );
    assert_eq!(
        result,
        json!({
            "Successful": [{"Id": "a"}],
            "Failed": [{"Id": "b", "SenderFault": true, "Code": "ReceiptHandleIsInvalid",
                        "Message": "The input receipt handle \"nonsense\" is not a valid receipt handle."}],
        })
    );
}

#[test]
fn visibility_can_be_changed_while_a_message_is_in_flight() {
    let service = Service::standard();
    service.ok("SendMessage", json!({"QueueUrl": URL, "MessageBody": "x"}));
    let receipt = service.receipt(URL);
    let change = |seconds: u64| json!({"QueueUrl": URL, "ReceiptHandle": receipt, "VisibilityTimeout": seconds});
    service.ok("ChangeMessageVisibility", change(100));
    service.store.advance(50);
    assert_eq!(
        service.refused("ChangeMessageVisibility", change(43_200)),
        invalid(
            "Value 43200 for parameter VisibilityTimeout is invalid. Reason: \
             Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
        )
    );
    service.ok("ChangeMessageVisibility", change(0));
    // AWS reports success and changes nothing.
    service.ok("ChangeMessageVisibility", change(10));
    let again = service.receipt(URL);
    service.ok(
        "DeleteMessage",
        json!({"QueueUrl": URL, "ReceiptHandle": again}),
    );
    assert_eq!(
        service.refused("ChangeMessageVisibility", change(10)),
        invalid(&format!(
            "Value {receipt} for parameter ReceiptHandle is invalid. Reason: \
             Message does not exist or is not available for visibility timeout change."
        ))
    );
    let result = service.ok(
        "ChangeMessageVisibilityBatch",
        json!({"QueueUrl": URL, "Entries": [
            {"Id": "a", "ReceiptHandle": "nonsense", "VisibilityTimeout": 1},
        ]}),
    );
    assert_eq!(result["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
    assert!(result.get("Successful").is_none());
}
