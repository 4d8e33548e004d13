//! The requests that Lambkin sends to the queue of another server.

use std::time::Duration;

use serde_json::{Value, json};

use super::trigger;
use crate::support::{Answer, MockServer, RecordedRequest, RecorderProject, eventually};

const RECEIVE: &str = "AmazonSQS.ReceiveMessage";
const DELETE: &str = "AmazonSQS.DeleteMessageBatch";

/// A queue that delivers one message with this body and is empty afterwards. With `waits`, an empty queue leaves the
/// poll unanswered; otherwise it responds at once.
fn queue_with(body: &str, waits: bool) -> MockServer {
    let fine = json!({ "Successful": [], "Failed": [] });
    queue_that_settles(body, waits, &fine)
}

/// Like [`queue_with`], with the response to every other operation.
fn queue_that_settles(body: &str, waits: bool, settled: &Value) -> MockServer {
    let (body, settled) = (body.to_owned(), settled.to_string());
    let handed_out = std::sync::atomic::AtomicBool::new(false);
    MockServer::start(move |request| match request.header("x-amz-target") {
        Some(RECEIVE) => {
            if handed_out.swap(true, std::sync::atomic::Ordering::SeqCst) {
                return (!waits).then(|| (200, "{}".to_owned()));
            }
            Some((200, one_message(&body)))
        }
        _ => Some((200, settled.clone())),
    })
}

fn one_message(body: &str) -> String {
    json!({ "Messages": [{
        "MessageId": "00000000-0000-4000-8000-000000000001", "ReceiptHandle": "the handle",
        "Body": body, "MD5OfBody": "",
        "Attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1", "ApproximateFirstReceiveTimestamp": "2" },
    }] })
    .to_string()
}

fn requests_for(mock_server: &MockServer, target: &str) -> Vec<RecordedRequest> {
    let mut requests = mock_server.requests();
    requests.retain(|request| request.header("x-amz-target") == Some(target));
    requests
}

#[track_caller]
fn first(mock_server: &MockServer) -> RecordedRequest {
    eventually("a request", || !mock_server.requests().is_empty());
    mock_server.requests().remove(0)
}

#[test]
fn requests_are_signed_with_the_credentials_passed_to_the_plugin() {
    let mock_server = MockServer::start(|_| None);
    let rest = trigger(mock_server.url(), "orders", "")
        + "region = 'eu-west-1'\n\
           pass-environment = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']\n";
    let recorder = RecorderProject::new("", &rest);
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIDOFTHETEST"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token of the session"),
    ];
    let _server = recorder.project.serve_with(&[], &variables);
    let request = first(&mock_server);
    assert!(
        request.head.starts_with("POST / HTTP/1.1\r\n"),
        "{request:?}"
    );
    assert_eq!(request.header("x-amz-target"), Some(RECEIVE));
    assert_eq!(
        request.header("content-type"),
        Some("application/x-amz-json-1.0")
    );
    assert_eq!(
        request.header("host"),
        Some(mock_server.url().trim_start_matches("http://"))
    );
    assert_eq!(
        request.header("x-amz-security-token"),
        Some("token of the session")
    );
    let body = request.json();
    let url = format!("{}/123456789012/orders", mock_server.url());
    assert_eq!(body["QueueUrl"], url);
    assert_eq!(body["MaxNumberOfMessages"], 10);
    assert_eq!(body["WaitTimeSeconds"], 20);

    let time = request.header("x-amz-date").unwrap();
    let day = time.split('T').next().unwrap();
    assert!(time.len() == 16 && time.ends_with('Z'), "{time}");
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDOFTHETEST/{day}/eu-west-1/sqs/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature="
    );
    let authorization = request.header("authorization").unwrap();
    let signature = authorization.strip_prefix(&signed);
    let signature = signature.unwrap_or_else(|| panic!("{authorization}"));
    assert_eq!(signature.len(), 64);
    assert!(
        signature.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{signature}"
    );
}

#[test]
fn credentials_not_passed_to_the_plugin_are_not_used() {
    let mock_server = MockServer::start(|_| None);
    let recorder = RecorderProject::new("", &trigger(mock_server.url(), "orders", ""));
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIDOFTHETEST"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
    ];
    let _server = recorder.project.serve_with(&[], &variables);
    let request = first(&mock_server);
    let authorization = request.header("authorization").unwrap();
    assert!(
        authorization.contains("Credential=test/"),
        "{authorization}"
    );
    assert_eq!(request.header("x-amz-security-token"), None);
}

#[test]
fn a_processed_message_is_deleted_by_its_receipt_handle() {
    let mock_server = queue_with("fine", true);
    let recorder = RecorderProject::new("", &trigger(mock_server.url(), "orders", ""));
    let _server = recorder.project.serve();
    eventually("the message to be deleted", || {
        !requests_for(&mock_server, DELETE).is_empty()
    });
    assert_eq!(recorder.bodies(), ["fine"]);
    let entries = requests_for(&mock_server, DELETE)[0].json()["Entries"].clone();
    assert_eq!(
        entries,
        json!([{ "Id": "0", "ReceiptHandle": "the handle" }])
    );
}

/// The response to a batch with failed entries has status 200.
#[test]
fn a_failed_deletion_is_retried_and_finally_logged() {
    let failed = json!({ "Successful": [], "Failed": [
        { "Id": "0", "Code": "InternalError", "Message": "not today", "SenderFault": false },
    ] });
    let mock_server = queue_that_settles("fine", true, &failed);
    let recorder = RecorderProject::new("", &trigger(mock_server.url(), "orders", ""));
    let server = recorder.project.serve();
    server.log_with("1 message(s) could not be settled: InternalError: not today");
    assert_eq!(requests_for(&mock_server, DELETE).len(), 4);
}

#[test]
fn a_failed_message_and_its_visibility_timeout_are_left_unchanged() {
    let mock_server = queue_with(&json!({ "error": true }).to_string(), false);
    let recorder = RecorderProject::new("", &trigger(mock_server.url(), "orders", ""));
    let _server = recorder.project.serve();
    eventually("the message to be delivered", || {
        recorder.records().len() == 1
    });
    // After two more polls, the outcome of the function has certainly been processed.
    let polls = requests_for(&mock_server, RECEIVE).len();
    eventually("further polls", || {
        requests_for(&mock_server, RECEIVE).len() >= polls + 2
    });
    let targets: Vec<RecordedRequest> = mock_server.requests();
    assert!(
        targets
            .iter()
            .all(|request| request.header("x-amz-target") == Some(RECEIVE)),
        "{targets:?}"
    );
}

/// A queue that ignores `WaitTimeSeconds` is not polled again at once.
#[test]
fn a_queue_that_does_not_support_long_polling_is_polled_once_a_second() {
    let mock_server = MockServer::start(|_| Some((200, "{}".to_owned())));
    let recorder = RecorderProject::new("", &trigger(mock_server.url(), "orders", ""));
    let _server = recorder.project.serve();
    eventually("four polls", || mock_server.requests().len() >= 4);
    let requests = mock_server.requests();
    assert!(
        requests[3].at - requests[0].at >= Duration::from_secs(3),
        "{requests:?}"
    );
}

/// SQS waits whole seconds only: the remainder of the window must not be spent polling continuously.
#[test]
fn a_batching_window_does_not_poll_in_a_busy_loop() {
    let mock_server = queue_with("alone", false);
    let properties = "BatchSize = 20\nMaximumBatchingWindowInSeconds = 3";
    let recorder = RecorderProject::new("", &trigger(mock_server.url(), "orders", properties));
    let _server = recorder.project.serve();
    eventually("the batch", || recorder.records().len() == 1);
    let polls = requests_for(&mock_server, RECEIVE);
    let in_the_window = polls
        .iter()
        .filter(|poll| poll.at - polls[0].at < Duration::from_secs(3));
    let count = in_the_window.count();
    assert!(count <= 6, "{count} polls in a window of three seconds");
}

#[test]
fn polling_failures_are_logged_once_and_retried_with_backoff() {
    for (answer, reason) in [
        (
            Some((503, "{}".to_owned())),
            "cannot receive messages; trying again until it succeeds: status 503",
        ),
        (
            Some((
                400,
                json!({ "__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "No such queue." })
                    .to_string(),
            )),
            "QueueDoesNotExist: No such queue.",
        ),
        (Some((200, "<html>".to_owned())), "the response is not JSON"),
    ] {
        failing(answer, reason);
    }
}

#[track_caller]
fn failing(answer: Answer, reason: &str) {
    let mock_server = MockServer::start(move |_| answer.clone());
    let recorder = RecorderProject::new("", &trigger(mock_server.url(), "orders", ""));
    let server = recorder.project.serve();
    let log = server.log_with(reason);
    assert!(log.contains("elsewhere: cannot receive messages"));
    eventually("four attempts", || mock_server.requests().len() >= 4);
    let requests = mock_server.requests();
    // The pauses are 0.25, 0.5 and 1 second long.
    assert!(
        requests[3].at - requests[0].at >= Duration::from_millis(1_750),
        "{requests:?}"
    );
    let delivered = server.log().matches("cannot receive messages").count();
    assert_eq!(delivered, 1, "{}", server.log());
}

#[test]
fn a_malformed_response_delivers_no_message() {
    let mock_server = MockServer::start(|request| {
        let first = request.json()["WaitTimeSeconds"] == 20;
        let shapeless: Value = json!({ "Messages": [{ "Body": 7 }] });
        first.then(|| (200, shapeless.to_string()))
    });
    let recorder = RecorderProject::new("", &trigger(mock_server.url(), "orders", ""));
    let server = recorder.project.serve();
    server.log_with("a message in the response has no MessageId");
    assert!(recorder.events().is_empty());
}
