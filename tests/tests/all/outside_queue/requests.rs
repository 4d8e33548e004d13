//! The requests that an outside queue gets, as that queue sees them.

use std::time::Duration;

use serde_json::{Value, json};

use super::trigger;
use crate::support::{Answer, MockServer, Recorded, RecordedRequest, eventually};

const RECEIVE: &str = "AmazonSQS.ReceiveMessage";
const DELETE: &str = "AmazonSQS.DeleteMessageBatch";

/// A queue that hands out one message with this body, and has nothing ever after. To have nothing takes as long as the
/// client wants to wait, or no time at all.
fn queue_with(body: &str, waits: bool) -> MockServer {
    let fine = json!({ "Successful": [], "Failed": [] });
    queue_that_settles(body, waits, &fine)
}

/// The same with what it answers to everything else.
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
    let recorded = Recorded::new("", &rest);
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIDOFTHETEST"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token of the session"),
    ];
    let _server = recorded.project.serve_with(&[], &variables);
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
    let recorded = Recorded::new("", &trigger(mock_server.url(), "orders", ""));
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIDOFTHETEST"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
    ];
    let _server = recorded.project.serve_with(&[], &variables);
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
    let recorded = Recorded::new("", &trigger(mock_server.url(), "orders", ""));
    let _server = recorded.project.serve();
    eventually("the message to be deleted", || {
        !requests_for(&mock_server, DELETE).is_empty()
    });
    assert_eq!(recorded.bodies(), ["fine"]);
    let entries = requests_for(&mock_server, DELETE)[0].json()["Entries"].clone();
    assert_eq!(
        entries,
        json!([{ "Id": "0", "ReceiptHandle": "the handle" }])
    );
}

/// Single messages of a batch fail with status 200.
#[test]
fn a_failed_deletion_is_retried_and_finally_logged() {
    let failed = json!({ "Successful": [], "Failed": [
        { "Id": "0", "Code": "InternalError", "Message": "not today", "SenderFault": false },
    ] });
    let mock_server = queue_that_settles("fine", true, &failed);
    let recorded = Recorded::new("", &trigger(mock_server.url(), "orders", ""));
    let server = recorded.project.serve();
    server.log_with("1 message(s) could not be settled: InternalError: not today");
    assert_eq!(requests_for(&mock_server, DELETE).len(), 4);
}

#[test]
fn a_failed_message_and_its_visibility_timeout_are_left_unchanged() {
    let mock_server = queue_with(&json!({ "error": true }).to_string(), false);
    let recorded = Recorded::new("", &trigger(mock_server.url(), "orders", ""));
    let _server = recorded.project.serve();
    eventually("the message to be told", || recorded.records().len() == 1);
    // By the time it has polled twice more the function's answer is long settled.
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

/// Those that do not wait as they are asked to are not asked at once again.
#[test]
fn a_queue_that_does_not_support_long_polling_is_polled_once_a_second() {
    let mock_server = MockServer::start(|_| Some((200, "{}".to_owned())));
    let recorded = Recorded::new("", &trigger(mock_server.url(), "orders", ""));
    let _server = recorded.project.serve();
    eventually("four polls", || mock_server.requests().len() >= 4);
    let requests = mock_server.requests();
    assert!(
        requests[3].at - requests[0].at >= Duration::from_secs(3),
        "{requests:?}"
    );
}

/// SQS waits whole seconds: the last one of the window is not spent asking again and again.
#[test]
fn a_batching_window_does_not_poll_in_a_busy_loop() {
    let mock_server = queue_with("alone", false);
    let properties = "BatchSize = 20\nMaximumBatchingWindowInSeconds = 3";
    let recorded = Recorded::new("", &trigger(mock_server.url(), "orders", properties));
    let _server = recorded.project.serve();
    eventually("the batch", || recorded.records().len() == 1);
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
    let recorded = Recorded::new("", &trigger(mock_server.url(), "orders", ""));
    let server = recorded.project.serve();
    let log = server.log_with(reason);
    assert!(log.contains("elsewhere: cannot receive messages"));
    eventually("four attempts", || mock_server.requests().len() >= 4);
    let requests = mock_server.requests();
    // Pauses of a quarter of a second, of half a second and of a second.
    assert!(
        requests[3].at - requests[0].at >= Duration::from_millis(1_750),
        "{requests:?}"
    );
    let told = server.log().matches("cannot receive messages").count();
    assert_eq!(told, 1, "{}", server.log());
}

#[test]
fn a_malformed_response_delivers_no_message() {
    let mock_server = MockServer::start(|request| {
        let first = request.json()["WaitTimeSeconds"] == 20;
        let shapeless: Value = json!({ "Messages": [{ "Body": 7 }] });
        first.then(|| (200, shapeless.to_string()))
    });
    let recorded = Recorded::new("", &trigger(mock_server.url(), "orders", ""));
    let server = recorded.project.serve();
    server.log_with("a message in the response has no MessageId");
    assert!(recorded.events().is_empty());
}
