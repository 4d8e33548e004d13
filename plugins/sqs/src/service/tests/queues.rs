//! Queues, their attributes and their tags.

use serde_json::json;

use super::*;
use crate::service::fake::START_MS;

#[test]
fn creating_a_queue_again_returns_its_url() {
    let service = Service::empty();
    let input = json!({"QueueName": "orders", "Attributes": {"DelaySeconds": "1"}, "tags": {"a": "1", "b": ""}});
    let url = json!({"QueueUrl": URL});
    assert_eq!(service.ok("CreateQueue", input.clone()), url);
    assert_eq!(service.ok("CreateQueue", input), url);
    assert_eq!(
        service.ok("CreateQueue", json!({"QueueName": "orders"})),
        url
    );
    let input = json!({"QueueName": "orders", "Attributes": {"DelaySeconds": "2"}});
    let message = "A queue already exists with the same name and a different value for attribute DelaySeconds";
    assert_eq!(
        service.refused("CreateQueue", input),
        model(400, "QueueNameExists", message, "QueueAlreadyExists")
    );
    let form =
        "Action=CreateQueue&QueueName=orders&Attribute.1.Name=DelaySeconds&Attribute.1.Value=2";
    assert_eq!(
        service.xml(400, form),
        xml_error("QueueAlreadyExists", message)
    );
    assert_eq!(
        service.ok("ListQueueTags", url.clone()),
        json!({"Tags": {"a": "1", "b": ""}})
    );
    assert_eq!(
        service.xml(
            200,
            "Action=CreateQueue&QueueName=orders&Attribute.Name=DelaySeconds&Attribute.Value=1"
        ),
        envelope(
            "CreateQueue",
            &format!("<CreateQueueResult><QueueUrl>{URL}</QueueUrl></CreateQueueResult>")
        )
    );
}

#[test]
fn invalid_names_are_rejected() {
    let service = Service::empty();
    let standard =
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
    for name in ["a.b", "a.fifo", "ä", &"x".repeat(81)] {
        assert_eq!(
            service.refused("CreateQueue", json!({"QueueName": name})),
            invalid(standard)
        );
    }
    let fifo = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, \
                must end with .fifo suffix and be 1 to 80 in length.";
    for name in ["orders", ".fifo", "a.b.fifo"] {
        let input = json!({"QueueName": name, "Attributes": {"FifoQueue": "true"}});
        assert_eq!(service.refused("CreateQueue", input), invalid(fifo));
    }
    let no_name =
        invalid("Value for parameter QueueName is invalid. Reason: Must specify a queue name.");
    let empty = json!({"QueueName": ""});
    assert_eq!(service.refused("CreateQueue", json!({})), no_name);
    assert_eq!(service.refused("GetQueueUrl", json!({})), no_name);
    assert_eq!(service.refused("GetQueueUrl", empty.clone()), no_name);
    assert_eq!(
        service.refused("CreateQueue", empty),
        invalid("Queue name cannot be empty")
    );
}

#[test]
fn the_name_of_a_deleted_queue_is_free_after_a_minute() {
    let service = Service::standard();
    let response = service.json("DeleteQueue", json!({"QueueUrl": URL}));
    assert_eq!((response.status, response.body.len()), (200, 0));
    service.store.advance(59);
    assert_eq!(
        service.refused("CreateQueue", json!({"QueueName": "orders"})),
        model(
            400,
            "QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
            "AWS.SimpleQueueService.QueueDeletedRecently",
        )
    );
    service.store.advance(1);
    service.ok("CreateQueue", json!({"QueueName": "orders"}));
}

#[test]
fn a_queue_is_purged_once_per_minute() {
    let service = Service::standard();
    service.ok("PurgeQueue", json!({"QueueUrl": URL}));
    let message = "Only one PurgeQueue operation on orders is allowed every 60 seconds.";
    assert_eq!(
        service.refused("PurgeQueue", json!({"QueueUrl": URL})),
        model(
            403,
            "PurgeQueueInProgress",
            message,
            "AWS.SimpleQueueService.PurgeQueueInProgress"
        )
    );
    assert_eq!(
        service.xml(403, &format!("Action=PurgeQueue&QueueUrl={URL}")),
        xml_error("AWS.SimpleQueueService.PurgeQueueInProgress", message)
    );
    service.store.advance(60);
    service.ok("PurgeQueue", json!({"QueueUrl": URL}));
}

#[test]
fn queues_are_listed_page_by_page() {
    let service = Service::empty();
    assert_eq!(service.ok("ListQueues", json!({})), json!({}));
    assert_eq!(
        service.xml(200, "Action=ListQueues"),
        envelope("ListQueues", "<ListQueuesResult/>")
    );
    for name in ["a-1", "a-2", "a-3", "b"] {
        service.ok("CreateQueue", json!({"QueueName": name}));
    }
    let url = |name: &str| format!("http://localhost:9324/000000000000/{name}");
    let first = service.ok(
        "ListQueues",
        json!({"QueueNamePrefix": "a-", "MaxResults": 2}),
    );
    assert_eq!(first["QueueUrls"], json!([url("a-1"), url("a-2")]));
    let input = json!({"QueueNamePrefix": "a-", "MaxResults": 2, "NextToken": first["NextToken"]});
    assert_eq!(
        service.ok("ListQueues", input),
        json!({"QueueUrls": [url("a-3")]})
    );
    assert_eq!(
        service.xml(200, "Action=ListQueues&QueueNamePrefix=b"),
        envelope(
            "ListQueues",
            &format!(
                "<ListQueuesResult><QueueUrl>{}</QueueUrl></ListQueuesResult>",
                url("b")
            )
        )
    );
    assert_eq!(
        service.refused("ListQueues", json!({"MaxResults": 1001})),
        invalid(
            "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000."
        )
    );
    let all = service.ok("ListQueues", json!({"MaxResults": 0}));
    assert_eq!(all["QueueUrls"].as_array().unwrap().len(), 4);
    assert!(all.get("NextToken").is_none());
    assert_eq!(
        service.refused("ListQueues", json!({"NextToken": "!"})),
        invalid("Invalid or expired next token.")
    );
}

#[test]
fn all_attributes_are_returned_in_order() {
    let service = Service::fifo(json!({}));
    let seconds = START_MS / 1000;
    let expected = [
        ("QueueArn", "arn:aws:sqs:eu-west-1:000000000000:orders.fifo"),
        ("ApproximateNumberOfMessages", "0"),
        ("ApproximateNumberOfMessagesNotVisible", "0"),
        ("ApproximateNumberOfMessagesDelayed", "0"),
        ("CreatedTimestamp", &seconds.to_string()),
        ("LastModifiedTimestamp", &seconds.to_string()),
        ("VisibilityTimeout", "30"),
        ("MaximumMessageSize", "1048576"),
        ("MessageRetentionPeriod", "345600"),
        ("DelaySeconds", "0"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("FifoQueue", "true"),
        ("DeduplicationScope", "queue"),
        ("FifoThroughputLimit", "perQueue"),
        ("ContentBasedDeduplication", "false"),
        ("SqsManagedSseEnabled", "true"),
    ];
    let elements: String = expected
        .iter()
        .map(|(name, value)| {
            format!("<Attribute><Name>{name}</Name><Value>{value}</Value></Attribute>")
        })
        .collect();
    let form = format!("Action=GetQueueAttributes&QueueUrl={FIFO_URL}&AttributeName.1=All");
    assert_eq!(
        service.xml(200, &form),
        envelope(
            "GetQueueAttributes",
            &format!("<GetQueueAttributesResult>{elements}</GetQueueAttributesResult>")
        )
    );
    let all = service.ok(
        "GetQueueAttributes",
        json!({"QueueUrl": FIFO_URL, "AttributeNames": ["All"]}),
    );
    assert_eq!(all["Attributes"].as_object().unwrap().len(), expected.len());
    for (name, value) in expected {
        assert_eq!(all["Attributes"][name], value, "{name}");
    }
}

#[test]
fn requested_attributes_are_returned() {
    let service = Service::standard();
    assert_eq!(
        service.ok("GetQueueAttributes", json!({"QueueUrl": URL})),
        json!({})
    );
    let input = json!({"QueueUrl": URL, "AttributeNames": ["DelaySeconds", "Policy", "FifoQueue"]});
    assert_eq!(
        service.ok("GetQueueAttributes", input),
        json!({"Attributes": {"DelaySeconds": "0"}})
    );
    let input = json!({"QueueUrl": URL, "AttributeNames": ["Nonsense"]});
    assert_eq!(
        service.refused("GetQueueAttributes", input),
        model(
            400,
            "InvalidAttributeName",
            "Unknown Attribute Nonsense.",
            "InvalidAttributeName"
        )
    );
}

#[test]
fn attributes_are_changed() {
    let service = Service::standard();
    service.store.advance(10);
    let form = format!(
        "Action=SetQueueAttributes&QueueUrl={URL}&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=69\
         &Attribute.2.Name=MaximumMessageSize&Attribute.2.Value=2048"
    );
    assert_eq!(service.xml(200, &form), envelope("SetQueueAttributes", ""));
    let names = [
        "VisibilityTimeout",
        "MaximumMessageSize",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
    ];
    let input = json!({"QueueUrl": URL, "AttributeNames": names});
    assert_eq!(
        service.ok("GetQueueAttributes", input),
        json!({"Attributes": {
            "VisibilityTimeout": "69", "MaximumMessageSize": "2048",
            "CreatedTimestamp": (START_MS / 1000).to_string(),
            "LastModifiedTimestamp": (START_MS / 1000 + 10).to_string(),
        }})
    );
}

#[test]
fn invalid_attributes_are_rejected() {
    let service = Service::standard();
    let set = |name: &str, value: &str| {
        let input = json!({"QueueUrl": URL, "Attributes": {name: value}});
        let (_, _, message, query) = service.refused("SetQueueAttributes", input);
        (message, query.trim_end_matches(";Sender").to_owned())
    };
    for (name, value) in [
        ("VisibilityTimeout", "43201"),
        ("VisibilityTimeout", "-1"),
        ("VisibilityTimeout", ""),
        ("VisibilityTimeout", " 2"),
        ("DelaySeconds", "901"),
        ("MessageRetentionPeriod", "59"),
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "1048577"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
        ("SqsManagedSseEnabled", "yes"),
        ("KmsDataKeyReusePeriodSeconds", "59"),
        ("Policy", "nonsense"),
    ] {
        let expected = format!("Invalid value for the parameter {name}.");
        assert_eq!(
            set(name, value),
            (expected, "InvalidAttributeValue".to_owned())
        );
    }
    for name in [
        "Nonsense",
        "FifoQueue",
        "ContentBasedDeduplication",
        "QueueArn",
        "All",
    ] {
        let expected = format!("Unknown Attribute {name}.");
        assert_eq!(
            set(name, "true"),
            (expected, "InvalidAttributeName".to_owned())
        );
    }
    for name in ["DeduplicationScope", "FifoThroughputLimit"] {
        let expected = format!("You can specify the {name} only when FifoQueue is set to true.");
        assert_eq!(
            set(name, "queue"),
            (expected, "InvalidAttributeName".to_owned())
        );
    }
    let service = Service::fifo(json!({}));
    assert_eq!(
        service.refused(
            "SetQueueAttributes",
            json!({"QueueUrl": FIFO_URL, "Attributes": {"FifoQueue": "false"}})
        ),
        model(
            400,
            "InvalidAttributeValue",
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
            "InvalidAttributeValue",
        )
    );
}

#[test]
fn only_one_kind_of_encryption_is_enabled() {
    let service = Service::standard();
    let set = |attributes: Value| json!({"QueueUrl": URL, "Attributes": attributes});
    let names = [
        "KmsMasterKeyId",
        "KmsDataKeyReusePeriodSeconds",
        "SqsManagedSseEnabled",
    ];
    let get = || {
        service.ok(
            "GetQueueAttributes",
            json!({"QueueUrl": URL, "AttributeNames": names}),
        )
    };
    let both = set(json!({"KmsMasterKeyId": "testKeyId", "SqsManagedSseEnabled": "true"}));
    assert_eq!(
        service.refused("SetQueueAttributes", both),
        model(
            400,
            "InvalidAttributeName",
            "You can use one type of server-side encryption (SSE) at one time. \
             You can either enable KMS SSE or SQS SSE.",
            "InvalidAttributeName",
        )
    );
    service.ok("SetQueueAttributes", set(json!({
        "KmsMasterKeyId": "testKeyId", "KmsDataKeyReusePeriodSeconds": "6000", "SqsManagedSseEnabled": "false",
    })));
    assert_eq!(
        get(),
        json!({"Attributes": {
            "KmsMasterKeyId": "testKeyId", "KmsDataKeyReusePeriodSeconds": "6000", "SqsManagedSseEnabled": "false",
        }})
    );
    service.ok(
        "SetQueueAttributes",
        set(json!({"KmsMasterKeyId": "", "KmsDataKeyReusePeriodSeconds": "300"})),
    );
    assert_eq!(
        get(),
        json!({"Attributes": {"SqsManagedSseEnabled": "false"}})
    );
    service.ok("SetQueueAttributes", set(json!({"KmsMasterKeyId": "k"})));
    service.ok(
        "SetQueueAttributes",
        set(json!({"SqsManagedSseEnabled": "true"})),
    );
    assert_eq!(
        get(),
        json!({"Attributes": {"SqsManagedSseEnabled": "true"}})
    );
}

#[test]
fn tags_are_added_listed_and_removed() {
    let service = Service::standard();
    assert_eq!(
        service.ok("ListQueueTags", json!({"QueueUrl": URL})),
        json!({})
    );
    service.ok(
        "TagQueue",
        json!({"QueueUrl": URL, "Tags": {"tag1": "value1", "tag3": ""}}),
    );
    let form = format!("Action=TagQueue&QueueUrl={URL}&Tag.1.Key=tag2&Tag.1.Value=value2");
    assert_eq!(service.xml(200, &form), envelope("TagQueue", ""));
    assert_eq!(
        service.ok("ListQueueTags", json!({"QueueUrl": URL})),
        json!({"Tags": {"tag1": "value1", "tag2": "value2", "tag3": ""}})
    );
    let form =
        format!("Action=UntagQueue&QueueUrl={URL}&TagKey.1=tag1&TagKey.2=tag3&TagKey.3=nope");
    assert_eq!(service.xml(200, &form), envelope("UntagQueue", ""));
    assert_eq!(
        service.xml(200, &format!("Action=ListQueueTags&QueueUrl={URL}")),
        envelope(
            "ListQueueTags",
            "<ListQueueTagsResult><Tag><Key>tag2</Key><Value>value2</Value></Tag></ListQueueTagsResult>"
        )
    );
    assert_eq!(
        service.refused("TagQueue", json!({"QueueUrl": URL, "Tags": {}})),
        missing("Tags")
    );
    let many: serde_json::Map<_, _> = (0..50).map(|n| (format!("t{n}"), "x".into())).collect();
    assert_eq!(
        service.refused("TagQueue", json!({"QueueUrl": URL, "Tags": many})),
        invalid("Too many tags added for queue orders.")
    );
}
