//! Hosts that stop or are killed, and go on where the host before them was.

use rustix::process::Signal;
use serde_json::json;

use super::{Log, delivered, numbers, reading, until_delivered};

#[test]
fn a_host_that_was_stopped_goes_on_where_it_was_and_delivers_nothing_twice() {
    let log = Log::of(&["a", "b"]);
    let recorder = reading(&log, "batch-size = 2", "");
    for round in 1..=3 {
        let mut server = recorder.project.serve();
        for part in ["a", "b"] {
            log.append(part, numbers(5));
            until_delivered(&recorder, part, 5 * round);
        }
        server.signal(Signal::TERM);
        assert!(server.wait().success(), "{}", server.log());
    }
    for part in ["a", "b"] {
        assert_eq!(delivered(&recorder, part), Vec::from_iter(0..15));
    }
}

#[test]
fn a_host_that_was_killed_goes_on_behind_what_is_settled() {
    let log = Log::of(&["a"]);
    log.append("a", numbers(4));
    let recorder = reading(&log, "", "");
    let server = recorder.project.serve();
    log.until_read_from("a", 4);
    let reads = log.reads("a").len();
    drop(server);
    log.append("a", numbers(2));
    let _server = recorder.project.serve();
    until_delivered(&recorder, "a", 6);
    assert_eq!(delivered(&recorder, "a"), [0, 1, 2, 3, 4, 5]);
    let after = &log.reads("a")[reads..];
    assert!(
        after
            .iter()
            .all(|cursor| ["4", "5", "6"].contains(&cursor.as_str())),
        "{after:?}"
    );
}

#[test]
fn hosts_that_are_killed_again_and_again_leave_no_gap() {
    let log = Log::of(&["a", "b", "c"]);
    for part in ["a", "b", "c"] {
        let bodies = (0..60).map(|number| match number % 20 {
            7 => json!({ "failUntil": 2 }),
            _ => json!(number),
        });
        log.append(part, bodies);
    }
    let recorder = reading(&log, "batch-size = 3\nretry-ms = 1", "");
    for killed_at in [1, 10, 20, 30, 45] {
        let server = recorder.project.serve();
        until_delivered(&recorder, "b", killed_at);
        drop(server);
    }
    let _server = recorder.project.serve();
    for part in ["a", "b", "c"] {
        log.until_read_from(part, 60);
        let numbers = delivered(&recorder, part);
        let mut next = 0;
        for &number in &numbers {
            assert!(
                number <= next,
                "part {part}: {number} came before {next}: {numbers:?}"
            );
            next = next.max(number + 1);
        }
        assert_eq!(next, 60, "part {part}: {numbers:?}");
    }
}
