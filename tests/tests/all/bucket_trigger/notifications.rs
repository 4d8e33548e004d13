//! Notification configurations that clients put on buckets: triggers that a service sets at run time.

use serde_json::{Value, json};

use super::{delivered, wait_for_delivery};
use crate::support::{Project, RecorderProject, SERVICES, Server, eventually};

/// A function and a queue that buckets can send to. The buckets are created by clients.
fn project() -> RecorderProject {
    RecorderProject::new("", "[queues.events]\n[queues.others]\n")
}

/// The ARN of the function `recorder`, in the account of the queues.
fn recorder_arn(server: &Server) -> String {
    let account = queue(server, "events");
    let account = account.split(':').nth(4).expect("an account");
    format!("arn:aws:lambda:us-east-1:{account}:function:recorder")
}

/// A configuration for a queue or a function, with a filter.
fn configuration(id: &str, target: &str, event: &str, prefix: &str) -> String {
    let kind = match target.starts_with("arn:aws:lambda") {
        true => "CloudFunction",
        false => "Queue",
    };
    format!(
        "<{kind}Configuration><Id>{id}</Id><{kind}>{target}</{kind}><Event>{event}</Event>\
         <Filter><S3Key><FilterRule><Name>prefix</Name><Value>{prefix}</Value></FilterRule></S3Key></Filter>\
         </{kind}Configuration>"
    )
}

fn configure(server: &Server, bucket: &str, configurations: &[String]) {
    let body = format!(
        "<NotificationConfiguration>{}</NotificationConfiguration>",
        configurations.concat()
    );
    let path = format!("/{bucket}?notification");
    let reply = server.s3("PUT", &path, &[], body.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// Makes the queue `events` receive the events of all objects that are created in a bucket.
fn notify_queue_of_creations(server: &Server, bucket: &str) {
    let events = queue(server, "events");
    let all = configuration("q", &events, "s3:ObjectCreated:*", "");
    configure(server, bucket, &[all]);
}

fn create(server: &Server, bucket: &str) {
    let reply = server.s3("PUT", &format!("/{bucket}"), &[], b"");
    assert_eq!(reply.status, 200, "{}", reply.text());
}

fn put(server: &Server, path: &str) {
    let reply = server.s3("PUT", path, &[], b"x");
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// The ARN of a queue, as the service returns it.
fn queue(server: &Server, name: &str) -> String {
    let input = json!({"QueueUrl": server.queue_url(name), "AttributeNames": ["QueueArn"]});
    let attributes = server.sqs_ok("GetQueueAttributes", &input);
    let arn = attributes["Attributes"]["QueueArn"].as_str();
    arn.expect("an ARN").to_owned()
}

/// The bodies of the next messages of a queue, which are deleted.
fn receive(server: &Server, name: &str, count: usize) -> Vec<Value> {
    let url = server.queue_url(name);
    let mut bodies = Vec::new();
    eventually("the messages to arrive", || {
        let input = json!({"QueueUrl": url, "MaxNumberOfMessages": 1, "WaitTimeSeconds": 1});
        let received = server.sqs_ok("ReceiveMessage", &input);
        for message in received["Messages"].as_array().into_iter().flatten() {
            let body = message["Body"].as_str().expect("a body");
            bodies.push(serde_json::from_str(body).expect("JSON"));
            let done = json!({"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]});
            server.sqs_ok("DeleteMessage", &done);
        }
        bodies.len() >= count
    });
    assert_eq!(bodies.len(), count, "{bodies:?}");
    bodies
}

fn event_and_key(event: &Value) -> (&str, &str) {
    let record = &event["Records"][0];
    (
        record["eventName"].as_str().unwrap_or_default(),
        record["s3"]["object"]["key"].as_str().unwrap_or_default(),
    )
}

#[test]
fn a_queue_receives_a_test_event_and_then_the_events_of_its_configuration() {
    let recorder = project();
    let server = recorder.project.serve();
    create(&server, "made");
    put(&server, "/made/in/before");
    let events = queue(&server, "events");
    configure(
        &server,
        "made",
        &[configuration("mine", &events, "s3:ObjectCreated:*", "in/")],
    );
    put(&server, "/made/in/a");
    put(&server, "/made/out/b");
    put(&server, "/made/in/c");
    let messages = receive(&server, "events", 3);
    let test = &messages[0];
    assert_eq!(test["Service"], "Amazon S3");
    assert_eq!(test["Event"], "s3:TestEvent");
    assert_eq!(test["Bucket"], "made");
    assert_eq!(event_and_key(&messages[1]), ("ObjectCreated:Put", "in/a"));
    assert_eq!(event_and_key(&messages[2]), ("ObjectCreated:Put", "in/c"));
    assert_eq!(messages[1]["Records"][0]["s3"]["configurationId"], "mine");
    let read = server.s3("GET", "/made?notification", &[], b"").text();
    assert!(
        read.contains("<Id>mine</Id>") && read.contains(&events),
        "{read}"
    );
}

#[test]
fn the_trace_header_of_a_request_reaches_the_queue() {
    let recorder = project();
    let server = recorder.project.serve();
    create(&server, "made");
    notify_queue_of_creations(&server, "made");
    receive(&server, "events", 1);
    let trace = "Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1";
    let reply = server.s3("PUT", "/made/a", &[("x-amzn-trace-id", trace)], b"x");
    assert_eq!(reply.status, 200);
    let input = json!({
        "QueueUrl": server.queue_url("events"),
        "WaitTimeSeconds": 20,
        "MessageSystemAttributeNames": ["AWSTraceHeader"],
    });
    let received = server.sqs_ok("ReceiveMessage", &input);
    assert_eq!(
        received["Messages"][0]["Attributes"],
        json!({"AWSTraceHeader": trace})
    );
}

#[test]
fn a_function_receives_the_events_and_no_test_event() {
    let recorder = project();
    let server = recorder.project.serve();
    create(&server, "made");
    let function = recorder_arn(&server);
    configure(
        &server,
        "made",
        &[configuration("f", &function, "s3:ObjectCreated:Put", "")],
    );
    put(&server, "/made/a");
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "a")]);
    assert_eq!(recorder.events().len(), 1);
}

#[test]
fn another_configuration_takes_the_place_of_the_one_before_it() {
    let recorder = project();
    let server = recorder.project.serve();
    create(&server, "made");
    let (events, others) = (queue(&server, "events"), queue(&server, "others"));
    configure(
        &server,
        "made",
        &[configuration("1", &events, "s3:ObjectCreated:*", "")],
    );
    put(&server, "/made/a");
    assert_eq!(receive(&server, "events", 2).len(), 2);
    configure(
        &server,
        "made",
        &[configuration("2", &others, "s3:ObjectCreated:*", "")],
    );
    put(&server, "/made/b");
    let messages = receive(&server, "others", 2);
    assert_eq!(event_and_key(&messages[1]), ("ObjectCreated:Put", "b"));
    configure(&server, "made", &[]);
    put(&server, "/made/c");
    // What is configured now is delivered after all that was before it.
    configure(
        &server,
        "made",
        &[configuration("3", &others, "s3:ObjectRemoved:*", "")],
    );
    let reply = server.s3("DELETE", "/made/c", &[], b"");
    assert_eq!(reply.status, 204);
    let messages = receive(&server, "others", 2);
    assert_eq!(messages[0]["Event"], "s3:TestEvent");
    assert_eq!(event_and_key(&messages[1]), ("ObjectRemoved:Delete", "c"));
    assert_eq!(server.counts("events"), [0, 0, 0]);
}

#[test]
fn the_triggers_of_the_configuration_file_and_those_of_the_bucket_all_receive_a_change() {
    let recorder = RecorderProject::new(
        "",
        "[queues.events]\n[buckets.photos]\n\
         [triggers.photos]\nplugin = 's3'\nbucket = 'photos'\nfunction = 'recorder'\n",
    );
    let server = recorder.project.serve();
    notify_queue_of_creations(&server, "photos");
    put(&server, "/photos/a");
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "a")]);
    let messages = receive(&server, "events", 2);
    assert_eq!(event_and_key(&messages[1]), ("ObjectCreated:Put", "a"));
    assert_eq!(recorder.events().len(), 1, "{:?}", delivered(&recorder));
}

#[test]
fn a_configuration_survives_a_restart_without_another_test_event() {
    let recorder = project();
    let server = recorder.project.serve();
    create(&server, "made");
    notify_queue_of_creations(&server, "made");
    assert_eq!(receive(&server, "events", 1)[0]["Event"], "s3:TestEvent");
    drop(server);
    let server = recorder.project.serve();
    put(&server, "/made/a");
    let messages = receive(&server, "events", 1);
    assert_eq!(event_and_key(&messages[0]), ("ObjectCreated:Put", "a"));
}

#[test]
fn a_destination_that_does_not_exist_is_refused_and_one_that_is_created_is_not() {
    let project = Project::new(&format!("[queues.events]\n[buckets.photos]\n{SERVICES}"));
    let server = project.serve();
    let events = queue(&server, "events");
    let body = |name: &str| {
        let arn = events.replace("events", name);
        let configuration = configuration("q", &arn, "s3:ObjectCreated:*", "");
        format!("<NotificationConfiguration>{configuration}</NotificationConfiguration>")
    };
    let put = |name: &str| server.s3("PUT", "/photos?notification", &[], body(name).as_bytes());
    let refused = put("new");
    assert_eq!(refused.status, 400);
    let text = refused.text();
    assert!(
        text.contains("The destination queue does not exist"),
        "{text}"
    );
    server.sqs_ok("CreateQueue", &json!({"QueueName": "new"}));
    assert_eq!(put("new").status, 200);
    assert_eq!(receive(&server, "new", 1)[0]["Event"], "s3:TestEvent");
}
