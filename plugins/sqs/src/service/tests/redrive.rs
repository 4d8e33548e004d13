//! Dead-letter queues and move tasks.

use serde_json::json;

use super::*;
use crate::service::fake::START_MS;

const DEAD_ARN: &str = "arn:aws:sqs:eu-west-1:000000000000:dead";
const DEAD_URL: &str = "http://localhost:9324/000000000000/dead";

fn service() -> Service {
    let service = Service::standard();
    service.ok("CreateQueue", json!({"QueueName": "dead"}));
    service
}

fn set(policy: &str) -> Value {
    json!({"QueueUrl": URL, "Attributes": {"RedrivePolicy": policy}})
}

fn redrive(service: &Service) {
    let policy = json!({"deadLetterTargetArn": DEAD_ARN, "maxReceiveCount": 3});
    service.ok("SetQueueAttributes", set(&policy.to_string()));
}

#[test]
fn the_receive_count_may_be_a_number_or_a_text() {
    let service = service();
    for count in [json!(3), json!("3")] {
        let policy = json!({"deadLetterTargetArn": DEAD_ARN, "maxReceiveCount": count});
        service.ok("SetQueueAttributes", set(&policy.to_string()));
        let input = json!({"QueueUrl": URL, "AttributeNames": ["RedrivePolicy"]});
        let shown = format!(r#"{{"deadLetterTargetArn":"{DEAD_ARN}","maxReceiveCount":3}}"#);
        assert_eq!(
            service.ok("GetQueueAttributes", input),
            json!({"Attributes": {"RedrivePolicy": shown}})
        );
    }
    service.ok("SetQueueAttributes", set(""));
    let input = json!({"QueueUrl": URL, "AttributeNames": ["RedrivePolicy"]});
    assert_eq!(service.ok("GetQueueAttributes", input), json!({}));
}

#[test]
fn invalid_policies_are_rejected() {
    let service = service();
    let arn = |name: &str| format!("arn:aws:sqs:eu-west-1:000000000000:{name}");
    for (policy, reason) in [
        (
            json!({}),
            "Redrive policy does not contain mandatory attribute: maxReceiveCount.",
        ),
        (
            json!({"maxReceiveCount": 5}),
            "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.",
        ),
        (
            json!({"deadLetterTargetArn": DEAD_ARN, "maxReceiveCount": 1001}),
            "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive.",
        ),
        (
            json!({"deadLetterTargetArn": DEAD_ARN, "maxReceiveCount": "x"}),
            "Invalid value for maxReceiveCount: x, valid values are from 1 to 1000 both inclusive.",
        ),
        (
            json!({"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}),
            "Invalid value for deadLetterTargetArn.",
        ),
        (
            json!({"deadLetterTargetArn": "arn:aws:sns:eu-west-1:000000000000:t", "maxReceiveCount": 5}),
            "Only SQS queues are valid resources for deadLetterTargetArn.",
        ),
        (
            json!({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:111111111111:dead", "maxReceiveCount": 5}),
            "Dead-letter target owner should be same as the source.",
        ),
        (
            json!({"deadLetterTargetArn": arn("dead.fifo"), "maxReceiveCount": 5}),
            "Dead-letter queue must be same type of queue as the source..",
        ),
        (
            json!({"deadLetterTargetArn": arn("nope"), "maxReceiveCount": 5}),
            "Dead letter target does not exist.",
        ),
        (
            json!({"deadLetterTargetArn": DEAD_ARN, "maxReceiveCount": 5, "more": 1}),
            "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].",
        ),
    ] {
        let policy = policy.to_string();
        assert_eq!(
            service.refused("SetQueueAttributes", set(&policy)),
            invalid(&format!(
                "Value {policy} for parameter RedrivePolicy is invalid. Reason: {reason}"
            ))
        );
    }
    let message = "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.";
    for policy in [" ", "4", "[]", "{"] {
        assert_eq!(
            service.refused("SetQueueAttributes", set(policy)),
            model(
                400,
                "InvalidAttributeValue",
                message,
                "InvalidAttributeValue"
            )
        );
    }
}

#[test]
fn a_dead_letter_queue_may_deny_sources() {
    let service = service();
    let allow =
        |policy: &str| json!({"QueueUrl": DEAD_URL, "Attributes": {"RedriveAllowPolicy": policy}});
    let policy = json!({"deadLetterTargetArn": DEAD_ARN, "maxReceiveCount": 3}).to_string();
    let refusal = invalid(&format!(
        "Value {policy} for parameter RedrivePolicy is invalid. \
         Reason: Queue does not have permission to use the dead-letter target."
    ));
    let other = "arn:aws:sqs:eu-west-1:000000000000:other";
    for denying in [
        json!({"redrivePermission": "denyAll"}),
        json!({"redrivePermission": "byQueue", "sourceQueueArns": [other]}),
    ] {
        service.ok("SetQueueAttributes", allow(&denying.to_string()));
        assert_eq!(service.refused("SetQueueAttributes", set(&policy)), refusal);
        let input = json!({"QueueName": "third", "Attributes": {"RedrivePolicy": policy}});
        assert_eq!(service.refused("CreateQueue", input), refusal);
    }
    // A queue may be listed before it exists.
    let input = json!({"QueueName": "other", "Attributes": {"RedrivePolicy": policy}});
    service.ok("CreateQueue", input);
    for allowing in [r#"{"redrivePermission":"allowAll"}"#, ""] {
        service.ok("SetQueueAttributes", allow(allowing));
        service.ok("SetQueueAttributes", set(&policy));
    }
}

#[test]
fn malformed_allow_policies_are_rejected() {
    let service = service();
    let refused = |policy: &Value| {
        let attributes = json!({"RedriveAllowPolicy": policy.to_string()});
        let input = json!({"QueueUrl": DEAD_URL, "Attributes": attributes});
        service.refused("SetQueueAttributes", input)
    };
    let unsupported = model(
        400,
        "InvalidAttributeValue",
        "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, \
         as it’s in an unsupported format.",
        "InvalidAttributeValue",
    );
    for policy in [
        json!(444),
        json!([]),
        json!({}),
        json!({"redrivePermission": "some"}),
        json!({"redrivePermission": "allowAll", "more": 1}),
        json!({"redrivePermission": "byQueue", "sourceQueueArns": "arn:aws:sqs"}),
        json!({"redrivePermission": "byQueue", "sourceQueueArns": [{}]}),
    ] {
        assert_eq!(refused(&policy), unsupported, "{policy}");
    }
    let none = "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.";
    let many = "The maximum number of source queue ARNs you can specify is 10.";
    let other =
        "To specify one or more source queue ARNs, you must set redrivePermission to byQueue.";
    for (policy, reason) in [
        (json!({"redrivePermission": "byQueue"}), none),
        (
            json!({"redrivePermission": "byQueue", "sourceQueueArns": []}),
            none,
        ),
        (
            json!({"redrivePermission": "byQueue", "sourceQueueArns": vec![DEAD_ARN; 11]}),
            many,
        ),
        (
            json!({"redrivePermission": "denyAll", "sourceQueueArns": [DEAD_ARN]}),
            other,
        ),
        (
            json!({"redrivePermission": "allowAll", "sourceQueueArns": []}),
            other,
        ),
    ] {
        let expected = format!(
            "Value {policy} for parameter RedriveAllowPolicy is invalid. \
             Reason: Amazon SQS can't create the redrive allow policy. {reason}"
        );
        assert_eq!(refused(&policy), invalid(&expected));
    }
}

#[test]
fn dead_letter_sources_are_listed() {
    let service = service();
    assert_eq!(
        service.ok("ListDeadLetterSourceQueues", json!({"QueueUrl": DEAD_URL})),
        json!({})
    );
    redrive(&service);
    assert_eq!(
        service.ok("ListDeadLetterSourceQueues", json!({"QueueUrl": DEAD_URL})),
        json!({"queueUrls": [URL]})
    );
    assert_eq!(
        service.xml(
            200,
            &format!("Action=ListDeadLetterSourceQueues&QueueUrl={DEAD_URL}")
        ),
        envelope(
            "ListDeadLetterSourceQueues",
            &format!(
                "<ListDeadLetterSourceQueuesResult><QueueUrl>{URL}</QueueUrl></ListDeadLetterSourceQueuesResult>"
            )
        )
    );
}

#[test]
fn a_move_is_started_listed_and_cancelled() {
    let service = service();
    redrive(&service);
    let destination = "arn:aws:sqs:eu-west-1:000000000000:orders";
    let start = json!({"SourceArn": DEAD_ARN, "DestinationArn": destination, "MaxNumberOfMessagesPerSecond": 1});
    let started = service.ok("StartMessageMoveTask", start.clone());
    let handle = started["TaskHandle"].as_str().unwrap().to_owned();
    assert_eq!(
        service.refused("StartMessageMoveTask", start),
        invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    );
    let mut task = json!({
        "TaskHandle": handle, "Status": "RUNNING", "SourceArn": DEAD_ARN, "DestinationArn": destination,
        "MaxNumberOfMessagesPerSecond": 1, "ApproximateNumberOfMessagesMoved": 2,
        "ApproximateNumberOfMessagesToMove": 10, "StartedTimestamp": START_MS,
    });
    let list = json!({"SourceArn": DEAD_ARN});
    assert_eq!(
        service.ok("ListMessageMoveTasks", list.clone()),
        json!({"Results": [task]})
    );
    assert_eq!(
        service.ok("CancelMessageMoveTask", json!({"TaskHandle": handle})),
        json!({"ApproximateNumberOfMessagesMoved": 2})
    );
    task["Status"] = "CANCELLED".into();
    task.as_object_mut().unwrap().remove("TaskHandle");
    assert_eq!(
        service.ok("ListMessageMoveTasks", list),
        json!({"Results": [task]})
    );
    let xml = service.xml(
        200,
        &format!("Action=ListMessageMoveTasks&SourceArn={DEAD_ARN}"),
    );
    assert!(
        xml.contains(
            "<ListMessageMoveTasksResult><ListMessageMoveTasksResultEntry><Status>CANCELLED</Status><SourceArn>"
        ),
        "{xml}"
    );
}

#[test]
fn invalid_moves_are_rejected() {
    let service = service();
    let not_found = |message: &str| {
        model(
            404,
            "ResourceNotFoundException",
            message,
            "ResourceNotFoundException",
        )
    };
    let start = |input: Value| service.refused("StartMessageMoveTask", input);
    assert_eq!(
        start(json!({"SourceArn": DEAD_ARN})),
        invalid("Source queue must be configured as a Dead Letter Queue.")
    );
    redrive(&service);
    let nope = "arn:aws:sqs:eu-west-1:000000000000:nope";
    assert_eq!(
        start(json!({"SourceArn": nope})),
        not_found("The resource that you specified for the SourceArn parameter doesn't exist.")
    );
    assert_eq!(
        start(json!({"SourceArn": DEAD_ARN, "DestinationArn": nope})),
        not_found(
            "The resource that you specified for the DestinationArn parameter doesn't exist."
        )
    );
    let format = |parameter: &str| {
        invalid(&format!(
            "You must use this format to specify the {parameter}: \
             arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        ))
    };
    for arn in ["nonsense", ""] {
        assert_eq!(start(json!({"SourceArn": arn})), format("SourceArn"));
        assert_eq!(
            start(json!({"SourceArn": DEAD_ARN, "DestinationArn": arn})),
            format("DestinationArn")
        );
    }
    assert_eq!(
        start(json!({"SourceArn": DEAD_ARN, "DestinationArn": DEAD_ARN})),
        invalid("Source queue arn and destination queue arn cannot be the same.")
    );
    let fifo = json!({"QueueName": "q.fifo", "Attributes": {"FifoQueue": "true"}});
    service.ok("CreateQueue", fifo);
    let fifo = "arn:aws:sqs:eu-west-1:000000000000:q.fifo";
    assert_eq!(
        start(json!({"SourceArn": DEAD_ARN, "DestinationArn": fifo})),
        invalid("The source queue and destination queue must be of the same queue type.")
    );
    for rate in [0, 501] {
        assert_eq!(
            start(json!({"SourceArn": DEAD_ARN, "MaxNumberOfMessagesPerSecond": rate})),
            invalid(
                "Value for parameter MaxNumberOfMessagesPerSecond is invalid. \
                 Reason: You must enter a number that's between 1 and 500."
            )
        );
    }
    let cancel =
        |handle: &str| service.refused("CancelMessageMoveTask", json!({"TaskHandle": handle}));
    assert_eq!(
        cancel("nonsense"),
        invalid("Value for parameter TaskHandle is invalid.")
    );
    use base64::Engine as _;
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    let handle = |arn: &str| encode(json!({"taskId": "x", "sourceArn": arn}).to_string());
    assert_eq!(
        cancel(&handle(nope)),
        not_found("The resource that you specified for the SourceArn parameter doesn't exist.")
    );
    assert_eq!(cancel(&handle(DEAD_ARN)), not_found("Task does not exist."));
}

#[test]
fn a_failed_move_has_a_reason() {
    let service = service();
    redrive(&service);
    service.ok("StartMessageMoveTask", json!({"SourceArn": DEAD_ARN}));
    service
        .store
        .fail_moves("dead", "CouldNotDetermineMessageSource");
    assert_eq!(
        service.ok("ListMessageMoveTasks", json!({"SourceArn": DEAD_ARN})),
        json!({"Results": [{
            "Status": "FAILED", "SourceArn": DEAD_ARN, "ApproximateNumberOfMessagesMoved": 2,
            "ApproximateNumberOfMessagesToMove": 10, "FailureReason": "CouldNotDetermineMessageSource",
            "StartedTimestamp": START_MS,
        }]})
    );
}
