//! Messages that fail, and a log that does.

use std::time::Duration;

use serde_json::json;

use super::{Log, delivered, numbers, reading, until_delivered};
use crate::support::eventually;

#[test]
fn a_failed_message_makes_its_part_start_again_from_it_while_other_parts_go_on() {
    let log = Log::of(&["a", "b"]);
    log.append("a", [json!(0), json!({ "failUntil": 1_000_000 }), json!(2)]);
    let recorder = reading(&log, "", "");
    let _server = recorder.project.serve();
    until_delivered(&recorder, "a", 3 + 2 + 2);
    assert_eq!(delivered(&recorder, "a")[..7], [0, 1, 2, 1, 2, 1, 2]);
    assert_eq!(log.reads("a")[..3], ["", "1", "1"]);
    log.append("b", numbers(20));
    until_delivered(&recorder, "b", 20);
    assert_eq!(delivered(&recorder, "b"), Vec::from_iter(0..20));
}

#[test]
fn a_message_that_succeeds_in_the_end_lets_its_part_go_on_without_a_gap() {
    let log = Log::of(&["a"]);
    let bodies = (0..12).map(|number| match number % 4 {
        1 => json!({ "failUntil": 2 }),
        2 => json!({ "error": true }),
        3 => json!({ "exit": true }),
        _ => json!(number),
    });
    log.append("a", bodies);
    let recorder = reading(&log, "batch-size = 2", "");
    let _server = recorder.project.serve();
    log.until_read_from("a", 12);
    let numbers = delivered(&recorder, "a");
    let mut next = 0;
    for &number in &numbers {
        assert!(number <= next, "{number} came before {next}: {numbers:?}");
        next = next.max(number + 1);
    }
    assert_eq!(next, 12, "{numbers:?}");
}

/// The times between the first reads of a part from a cursor.
fn pauses(log: &Log, cursor: &str) -> Vec<Duration> {
    let requests = log.server.requests();
    let start = format!("GET /poll?part=a&cursor={cursor}&");
    let reads = requests.iter().filter(|it| it.head.starts_with(&start));
    let times: Vec<_> = reads.map(|request| request.at).collect();
    times.windows(2).map(|two| two[1] - two[0]).collect()
}

#[test]
fn the_pause_before_a_part_is_read_again_grows_with_each_failure() {
    let log = Log::of(&["a"]);
    log.append("a", [json!(0), json!({ "failUntil": 4 }), json!(2)]);
    let recorder = reading(&log, "batch-size = 1", "");
    let _server = recorder.project.serve();
    log.until_read_from("a", 3);
    assert_eq!(delivered(&recorder, "a"), [0, 1, 1, 1, 1, 2]);
    let pauses = pauses(&log, "1");
    for (pause, least) in pauses.iter().zip([250, 500, 1_000]) {
        assert!(*pause >= Duration::from_millis(least), "{pauses:?}");
    }
    assert_eq!(pauses.len(), 3);
}

#[test]
fn the_plugin_may_say_how_long_the_pause_is() {
    let log = Log::of(&["a"]);
    log.append("a", [json!({ "failUntil": 3 })]);
    let recorder = reading(&log, "retry-ms = 1100", "");
    let _server = recorder.project.serve();
    log.until_read_from("a", 1);
    assert_eq!(delivered(&recorder, "a"), [0, 0, 0]);
    let pauses = pauses(&log, "");
    assert_eq!(pauses.len(), 2);
    let least = Duration::from_millis(1_100);
    assert!(pauses.iter().all(|pause| *pause >= least), "{pauses:?}");
}

#[test]
fn a_message_that_cannot_be_processed_is_left_out_and_the_log_says_so() {
    let log = Log::of(&["a"]);
    log.append("a", [json!(0), json!({ "failUntil": 9 }), json!(2)]);
    let recorder = reading(&log, "dead-letter = true", "");
    let server = recorder.project.serve();
    log.until_read_from("a", 3);
    assert_eq!(delivered(&recorder, "a"), [0, 1, 2]);
    server.log_with("elsewhere: part a: a message is left out: it failed");
}

#[test]
fn a_part_that_cannot_be_read_is_read_when_it_can_and_does_not_keep_others_waiting() {
    let log = Log::of(&["a", "b"]);
    log.append("a", numbers(3));
    log.append("b", numbers(3));
    log.change("a", |part| part.is_broken = true);
    let recorder = reading(&log, "", "");
    let server = recorder.project.serve();
    until_delivered(&recorder, "b", 3);
    server.log_with("elsewhere: cannot receive messages; trying again until it succeeds: part a: ");
    log.change("a", |part| part.is_broken = false);
    until_delivered(&recorder, "a", 3);
    eventually("part a to go on", || {
        log.reads("a").contains(&"3".to_owned())
    });
    assert_eq!(delivered(&recorder, "a"), [0, 1, 2]);
}

#[test]
fn a_log_whose_parts_are_not_known_is_asked_again() {
    let log = Log::of(&[]);
    // A part without an id breaks the contract.
    log.add_part("", &[]);
    let recorder = reading(&log, "", "");
    let server = recorder.project.serve();
    server.log_with("cannot list the parts of outside: ");
    log.parts.lock().unwrap().clear();
    log.add_part("a", &[]);
    log.append("a", numbers(1));
    until_delivered(&recorder, "a", 1);
}
