//! The selection of the protocol, and behaviour that all operations share.

use serde_json::json;

use crate::service::output::{Node, Record};
use crate::service::protocol::{json as json_protocol, xml};

use super::*;

#[test]
fn json_responses_have_a_content_type_and_a_request_id() {
    let service = Service::standard();
    let response = service.json("GetQueueUrl", json!({"QueueName": "orders"}));
    assert_eq!(response.status, 200);
    assert_eq!(
        response.headers,
        [
            ("x-amzn-RequestId".to_owned(), "REQUEST".to_owned()),
            (
                "Content-Type".to_owned(),
                "application/x-amz-json-1.0".to_owned()
            ),
        ]
    );
    assert_eq!(text(&response), format!(r#"{{"QueueUrl":"{URL}"}}"#));
}

#[test]
fn responses_without_an_output_have_no_body() {
    let service = Service::standard();
    let response = service.json("PurgeQueue", json!({"QueueUrl": URL}));
    assert_eq!((response.status, response.body.len()), (200, 0));
    let body = format!("Action=DeleteQueue&QueueUrl={URL}");
    assert_eq!(service.xml(200, &body), envelope("DeleteQueue", ""));
}

#[test]
fn an_empty_output_is_still_written() {
    let service = Service::standard();
    let response = service.json("ReceiveMessage", json!({"QueueUrl": URL}));
    assert_eq!(text(&response), "{}");
    let body = format!("Action=ReceiveMessage&QueueUrl={URL}");
    assert_eq!(
        service.xml(200, &body),
        envelope("ReceiveMessage", "<ReceiveMessageResult/>")
    );
}

#[test]
fn json_errors_include_the_query_code() {
    let service = Service::empty();
    let response = service.json("GetQueueUrl", json!({"QueueName": "nope"}));
    assert_eq!(response.status, 400);
    assert_eq!(
        text(&response),
        r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#
    );
    assert_eq!(
        header(&response, "x-amzn-query-error").unwrap(),
        "AWS.SimpleQueueService.NonExistentQueue;Sender"
    );
    assert_eq!(
        header(&response, "Content-Type").unwrap(),
        "application/x-amz-json-1.0"
    );
}

#[test]
fn query_errors_are_xml() {
    let service = Service::empty();
    let response = service.form("Action=GetQueueUrl&QueueName=nope&Version=2012-11-05");
    assert_eq!(response.status, 400);
    assert_eq!(
        text(&response),
        xml_error(
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist for this wsdl version."
        )
    );
    assert_eq!(header(&response, "Content-Type").unwrap(), "text/xml");
    assert_eq!(header(&response, "x-amzn-query-error"), None);
}

#[test]
fn json_is_accepted_at_any_path() {
    let service = Service::standard();
    let mut request = Request {
        method: "POST".into(),
        path: "/000000000000/orders".into(),
        headers: vec![
            ("content-type".into(), "application/x-amz-json-1.0".into()),
            ("x-amz-target".into(), "AmazonSQS.ListQueues".into()),
        ],
        ..Request::default()
    };
    assert_eq!(
        text(&service.send(request.clone())),
        format!(r#"{{"QueueUrls":["{URL}"]}}"#)
    );
    request.headers.truncate(1);
    let response = service.send(request);
    assert_eq!(response.status, 404);
    assert_eq!(
        text(&response),
        r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#
    );
}

#[test]
fn unknown_operations_are_rejected() {
    let service = Service::empty();
    let response = service.json("Nonsense", json!({}));
    assert_eq!(response.status, 404);
    assert_eq!(
        text(&response),
        r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#
    );
    assert_eq!(
        service.xml(400, "Action=Nonsense"),
        xml_error(
            "InvalidAction",
            "The action Nonsense is not valid for this endpoint."
        )
    );
}

#[test]
fn queue_urls_accept_get_requests() {
    let service = Service::standard();
    let path = "/000000000000/orders";
    let sent = service.get(path, "Action=SendMessage&MessageBody=foobar");
    assert_eq!(
        text(&sent),
        envelope(
            "SendMessage",
            "<SendMessageResult><MessageId>00000000-0000-4000-8000-000000000001</MessageId>\
             <MD5OfMessageBody>3858f62230ac3c915f300c664312c63f</MD5OfMessageBody></SendMessageResult>"
        )
    );
    for action in ["CreateQueue", "ListQueues", "Nonsense"] {
        let response = service.get(path, &format!("Action={action}&QueueName=x"));
        assert_eq!(response.status, 400);
        assert_eq!(
            text(&response),
            xml_error(
                "InvalidAction",
                &format!("The action {action} is not valid for this endpoint.")
            )
        );
    }
    let response = service.get(path, "");
    assert_eq!(response.status, 404);
    assert_eq!(text(&response), "<UnknownOperationException/>");
    assert_eq!(header(&response, "x-amzn-RequestId").unwrap(), "REQUEST");
}

#[test]
fn a_parameter_takes_precedence_over_the_path() {
    let service = Service::standard();
    service.ok("CreateQueue", json!({"QueueName": "other"}));
    let response = service.form_on(
        "/000000000000/other",
        &format!("Action=GetQueueAttributes&AttributeName.1=QueueArn&QueueUrl={URL}"),
    );
    assert_eq!(
        text(&response),
        envelope(
            "GetQueueAttributes",
            "<GetQueueAttributesResult><Attribute><Name>QueueArn</Name>\
             <Value>arn:aws:sqs:eu-west-1:000000000000:orders</Value></Attribute></GetQueueAttributesResult>"
        )
    );
}

#[test]
fn bad_json_is_a_serialization_error() {
    let service = Service::standard();
    for (input, message) in [
        (
            json!({"QueueUrl": URL, "MessageBody": {}}),
            "Start of structure or map found where not expected.",
        ),
        (
            json!({"QueueUrl": URL, "MessageBody": []}),
            "Start of list found where not expected",
        ),
        (
            json!({"QueueUrl": URL, "MessageBody": "x", "DelaySeconds": []}),
            "Start of list found where not expected",
        ),
        (
            json!({"QueueUrl": URL, "MessageBody": "x", "DelaySeconds": "1"}),
            "STRING_VALUE can not be converted to an Integer",
        ),
        (
            json!({"QueueUrl": URL, "MessageBody": "x", "MessageAttributes": 1}),
            "Expected null or structure",
        ),
    ] {
        let expected = (
            400,
            "com.amazon.coral.service#SerializationException".to_owned(),
            message.to_owned(),
            String::new(),
        );
        assert_eq!(service.refused("SendMessage", input), expected);
    }
    let (_, _, message, _) = service.refused(
        "CreateQueue",
        json!({"QueueName": "x", "Attributes": {"DelaySeconds": []}}),
    );
    assert_eq!(
        message,
        "Unrecognized collection type class java.lang.String"
    );
    let mut request = Request {
        method: "POST".into(),
        headers: vec![("x-amz-target".into(), "AmazonSQS.ListQueues".into())],
        ..Request::default()
    };
    for body in ["{", "[]", "\"x\"", "\u{1}"] {
        request.body = body.into();
        let response = service.send(request.clone());
        assert_eq!(
            (response.status, text(&response)),
            (
                400,
                r#"{"__type":"com.amazon.coral.service#SerializationException"}"#.to_owned()
            )
        );
    }
}

#[test]
fn numbers_and_booleans_are_accepted_as_texts() {
    let service = Service::standard();
    let sent = service.ok("SendMessage", json!({"QueueUrl": URL, "MessageBody": 0}));
    assert_eq!(sent["MD5OfMessageBody"], "cfcd208495d565ef66e7dff9f98764da");
}

#[test]
fn malformed_credentials_are_rejected() {
    let service = Service::empty();
    let answer = |authorization: &str| {
        let response = service.send(Request {
            method: "POST".into(),
            headers: vec![
                ("x-amz-target".into(), "AmazonSQS.ListQueues".into()),
                ("authorization".into(), authorization.into()),
                ("x-amz-date".into(), "20260101T000000Z".into()),
            ],
            ..Request::default()
        });
        (response.status, text(&response))
    };
    let right = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/sqs/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature=0123";
    assert_eq!(answer(right), (200, "{}".to_owned()));
    let (status, body) = answer("AWS4-HMAC-SHA256 Credential=test/1/2/3/4");
    assert_eq!(status, 400);
    assert!(
        body.starts_with(
            r#"{"__type":"com.amazon.coral.service#IncompleteSignatureException","message":"Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed"#
        ),
        "{body}"
    );
    let (status, body) = answer("AWS4-HMAC-SHA256 nonsense");
    assert_eq!(status, 400);
    assert!(
        body.contains("'nonsense' not a valid key=value pair (missing equal-sign)"),
        "{body}"
    );
    let (_, body) = answer("AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=0");
    assert!(
        body.contains("Credential must have exactly 5 slash-delimited elements"),
        "{body}"
    );
    let (status, body) = answer("Bearer x");
    assert_eq!(status, 403);
    assert!(
        body.contains("MissingAuthenticationTokenException"),
        "{body}"
    );
}

#[test]
fn unknown_versions_are_rejected() {
    let service = Service::empty();
    assert_eq!(
        service.xml(400, "Action=ListQueues&Version=1999-01-01"),
        xml_error(
            "NoSuchVersion",
            "The requested version ( 1999-01-01 ) is not valid."
        )
    );
}

#[test]
fn the_service_is_unavailable_while_the_store_cannot_write() {
    let service = Service::standard();
    service
        .store
        .fail_with(crate::service::store::StoreError::Unavailable(
            "disk full".into(),
        ));
    let response = service.json("SendMessage", json!({"QueueUrl": URL, "MessageBody": "x"}));
    assert_eq!(response.status, 503);
    assert_eq!(
        header(&response, "x-amzn-query-error").unwrap(),
        "ServiceUnavailable;Receiver"
    );
    assert!(text(&response).contains("disk full"));
}

#[test]
fn an_output_fits_into_the_capacity_reserved_for_it() {
    let escaped = "\"\\&<>\r\n\t\u{1}\u{7f}é€".repeat(10_000);
    let entries = || vec![(escaped.clone(), Node::Flag(false))];
    let message = Record::default()
        .text("Body", escaped.as_str())
        .number("ApproximateNumberOfMessagesToMove", u64::MAX)
        .map("MessageAttributes", "MessageAttribute", "Name", entries());
    let answer = Record::default().list("Messages", "Message", vec![Node::Record(message)]);
    let slack = 1_000;
    let json = json_protocol::write(&answer);
    assert!((json.len()..json.len() + slack).contains(&json.capacity()));
    let xml = xml::success("ReceiveMessage", &Some(answer), "id").body;
    assert!((xml.len()..xml.len() + slack).contains(&xml.capacity()));
}

#[test]
fn the_query_protocol_answers_in_json_if_the_client_accepts_that() {
    let service = Service::standard();
    let get = |path: &str, query: &str, accept: &str| {
        let response = service.send(Request {
            method: "GET".into(),
            path: path.into(),
            query: query.into(),
            headers: vec![("accept".to_owned(), accept.to_owned())],
            ..Request::default()
        });
        let kind = header(&response, "Content-Type").unwrap_or_default();
        (response.status, kind, text(&response))
    };
    let json = |path: &str, query: &str| {
        let (status, kind, body) = get(path, query, "application/json");
        assert_eq!(kind, "application/json", "{body}");
        let value: Value = serde_json::from_str(&body).unwrap();
        (status, value)
    };
    let queue = "/000000000000/orders";
    let metadata = json!({"RequestId": "REQUEST"});
    let delay = "Action=GetQueueAttributes&AttributeName.1=DelaySeconds";
    assert_eq!(
        json(queue, delay),
        (
            200,
            json!({"GetQueueAttributesResponse": {
                "GetQueueAttributesResult": {"Attributes": [{"Name": "DelaySeconds", "Value": "0"}]},
                "ResponseMetadata": metadata,
            }})
        )
    );
    assert_eq!(
        json(queue, "Action=PurgeQueue"),
        (
            200,
            json!({"PurgeQueueResponse": {"ResponseMetadata": metadata}})
        )
    );
    let (status, refused) = json(queue, "Action=ListQueues");
    assert_eq!(status, 400);
    let message = "The action ListQueues is not valid for this endpoint.";
    assert_eq!(
        refused,
        json!({
            "Error": {"Type": "Sender", "Code": "InvalidAction", "Message": message},
            "RequestId": "REQUEST",
        })
    );
    for accept in ["*/*", "text/xml, application/json"] {
        let (status, kind, _) = get(queue, delay, accept);
        assert_eq!((status, kind.as_str()), (200, "text/xml"), "{accept}");
    }
    let (status, _, body) = get(queue, "", "application/json");
    assert!(status == 404 && body.contains("<UnknownOperationException"));
}
