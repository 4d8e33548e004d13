//! One of the two servers is missing, stops or is killed.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::{outside, polling, trigger, wait_for_delivery};
use crate::queue_trigger::until_empty;
use crate::support::{Barrier, MockServer, Project, RecorderProject, eventually, free_port};

#[test]
fn polling_starts_when_the_endpoint_becomes_reachable() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let recorder = polling(&url, "orders", "");
    let server = recorder.project.serve_with(&["--verbose"], &[]);
    let log = server.log_with("cannot receive messages; trying again until it succeeds");
    assert!(
        log.contains(&format!(
            "{url} cannot be reached: nothing listens there (connection refused)"
        )),
        "{log}"
    );
    let project = Project::new(&format!(
        "[queues.orders]\n[services.sqs]\nplugin = 'sqs'\nlisten = '127.0.0.1:{port}'\nqueues = ['*']\n"
    ));
    let outside = project.serve();
    outside.send("orders", "late");
    wait_for_delivery(&recorder, 1);
    until_empty(&outside, "orders");
    let log = server.log_with("receives messages again");
    assert_eq!(log.matches("cannot receive messages").count(), 1, "{log}");
}

#[test]
fn a_long_poll_does_not_delay_shutdown() {
    // Never responds, so the poll outlasts any wait.
    let mock_server = MockServer::start(|_| None);
    let recorder = RecorderProject::new("", &trigger(mock_server.url(), "orders", ""));
    let mut server = recorder.project.serve();
    eventually("the poll", || !mock_server.requests().is_empty());
    let start = Instant::now();
    server.signal(Signal::TERM);
    assert!(server.wait().success(), "{}", server.log());
    // Tasks that do not end on their own are aborted after ten seconds.
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn messages_sent_after_shutdown_are_delivered_by_the_next_host() {
    let outside = outside();
    let recorder = polling(outside.service_url("sqs"), "orders", "");
    let mut server = recorder.project.serve();
    outside.send("orders", "before");
    wait_for_delivery(&recorder, 1);
    until_empty(&outside, "orders");
    server.signal(Signal::TERM);
    assert!(server.wait().success(), "{}", server.log());
    outside.send("orders", "after");
    let _next = recorder.project.serve();
    wait_for_delivery(&recorder, 2);
    until_empty(&outside, "orders");
    assert_eq!(recorder.bodies(), ["before", "after"]);
}

/// A function that waits at the barrier before its first event.
fn held(url: &str, barrier: &Barrier) -> RecorderProject {
    let recorder = RecorderProject::new("env-file = 'init.env'", &trigger(url, "orders", ""));
    let orders = json!({ "barrier": barrier.address().to_string() });
    recorder
        .project
        .file("init.env", format!("RAW_BOOTSTRAP_INIT='{orders}'\n"));
    recorder
}

fn listens(url: &str) -> bool {
    TcpStream::connect(url.trim_start_matches("http://")).is_ok()
}

#[test]
fn a_running_batch_is_finished_and_deleted_before_shutdown() {
    let (outside, barrier) = (outside(), Barrier::new());
    let recorder = held(outside.service_url("sqs"), &barrier);
    let mut server = recorder.project.serve();
    outside.send("orders", "under way");
    let arrived = barrier.arrival();
    server.signal(Signal::TERM);
    eventually("the end to begin", || !listens(server.invoke_url()));
    drop(arrived);
    assert!(server.wait().success(), "{}", server.log());
    assert_eq!(recorder.bodies(), ["under way"]);
    assert_eq!(outside.counts("orders"), [0, 0, 0]);
}

#[test]
fn a_message_in_flight_on_a_killed_host_is_delivered_again() {
    let (outside, barrier) = (outside(), Barrier::new());
    let recorder = held(outside.service_url("sqs"), &barrier);
    let mut server = recorder.project.serve();
    let id = outside.send("orders", "in the middle");
    let arrived = barrier.arrival();
    server.signal(Signal::KILL);
    server.wait();
    drop(arrived);
    let _next = recorder.project.serve();
    drop(barrier.arrival());
    wait_for_delivery(&recorder, 1);
    until_empty(&outside, "orders");
    let records = recorder.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["messageId"], id);
    assert_eq!(records[0]["attributes"]["ApproximateReceiveCount"], "2");
}
