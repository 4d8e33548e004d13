//! Poll triggers whose source is a log: parts that are read in order, and cursors that the host keeps.
//!
//! The log is a server in the test. The probe of `host/plugin/tests/probe` reads it, and makes events with SQS's shape
//! of its messages.

mod failures;
mod restarts;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Barrier, MockServer, PROBE, RecorderProject, eventually};

/// A log that the test writes and Lambkin reads.
struct Log {
    parts: Arc<Mutex<BTreeMap<String, Part>>>,
    server: MockServer,
}

#[derive(Default)]
struct Part {
    after: Vec<String>,
    messages: Vec<Message>,
    /// Whether nothing follows the messages.
    is_closed: bool,
    /// Whether reads of it fail.
    is_broken: bool,
}

struct Message {
    body: String,
    reads: u32,
}

impl Log {
    /// With these parts, which are empty.
    fn of(parts: &[&str]) -> Self {
        let log: Arc<Mutex<BTreeMap<String, Part>>> = Arc::default();
        let shared = Arc::clone(&log);
        let server = MockServer::start(move |request| {
            let target = request.head.split(' ').nth(1).expect("a target");
            let mut parts = shared.lock().unwrap();
            Some(match target.split_once('?') {
                None => (200, listed(&parts)),
                Some((_, query)) => page(&mut parts, query),
            })
        });
        let log = Self { parts: log, server };
        for part in parts {
            log.add_part(part, &[]);
        }
        log
    }

    /// Adds a part that follows others.
    fn add_part(&self, id: &str, after: &[&str]) {
        let part = Part {
            after: after.iter().map(|id| (*id).to_owned()).collect(),
            ..Part::default()
        };
        self.parts.lock().unwrap().insert(id.to_owned(), part);
    }

    fn change(&self, part: &str, change: impl FnOnce(&mut Part)) {
        change(self.parts.lock().unwrap().get_mut(part).expect("the part"));
    }

    fn append(&self, part: &str, bodies: impl IntoIterator<Item = Value>) {
        let bodies = bodies.into_iter();
        let messages = bodies.map(|body| Message {
            body: body.to_string(),
            reads: 0,
        });
        self.change(part, |part| part.messages.extend(messages));
    }

    /// The cursors from which a part was read, in order. Empty: from its beginning.
    fn reads(&self, part: &str) -> Vec<String> {
        let requests = self.server.requests();
        let start = format!("GET /poll?part={part}&cursor=");
        let cursors = requests.iter().filter_map(|request| {
            let rest = request.head.strip_prefix(&start)?;
            Some(rest.split('&').next()?.to_owned())
        });
        cursors.collect()
    }

    /// Waits until a part is read from a cursor: what is before it is settled.
    #[track_caller]
    fn until_read_from(&self, part: &str, cursor: usize) {
        let cursor = cursor.to_string();
        eventually("the messages to be settled", || {
            self.reads(part).contains(&cursor)
        });
    }
}

fn listed(parts: &BTreeMap<String, Part>) -> String {
    let parts = parts.iter();
    let parts: Vec<Value> = parts
        .map(|(id, part)| json!({ "id": id, "after": part.after }))
        .collect();
    json!(parts).to_string()
}

fn page(parts: &mut BTreeMap<String, Part>, query: &str) -> (u16, String) {
    let field = |name: &str| {
        let mut fields = query.split('&').filter_map(|field| field.split_once('='));
        fields.find(|(other, _)| *other == name).expect("a field").1
    };
    let id = field("part");
    let part = parts.get_mut(id).expect("the part");
    if part.is_broken {
        return (503, String::new());
    }
    let start: usize = field("cursor").parse().unwrap_or_default();
    let max: usize = field("max").parse().expect("a number");
    let mut messages = Vec::new();
    for (index, message) in part.messages.iter_mut().enumerate().skip(start).take(max) {
        message.reads += 1;
        messages.push(json!({
            "id": format!("{id}-{index}"),
            "cursor": (index + 1).to_string(),
            "body": message.body,
            "key": id,
            "receives": message.reads,
        }));
    }
    let is_end = start + messages.len() == part.messages.len();
    let page = json!({ "messages": messages, "ended": part.is_closed && is_end });
    (200, page.to_string())
}

/// A project whose function records the messages of a log, with further settings of the trigger and of the function.
fn reading(log: &Log, trigger: &str, function: &str) -> RecorderProject {
    let url = log.server.url();
    let recorder = RecorderProject::new(
        function,
        &format!(
            "[triggers.elsewhere]\nplugin = './probe.wasm'\nfunction = 'recorder'\n{trigger}\n\
             [triggers.elsewhere.poll]\nlog = '{url}'\nnetwork = ['{url}']\n"
        ),
    );
    recorder.project.file("probe.wasm", PROBE);
    recorder
}

fn numbers(count: u64) -> impl Iterator<Item = Value> {
    (0..count).map(|number| json!(number))
}

/// The numbers of the messages that were delivered of a part.
fn delivered(recorder: &RecorderProject, part: &str) -> Vec<u64> {
    let records = recorder.records().into_iter();
    let records = records.filter(|record| record["part"] == part);
    records
        .map(|record| {
            let id = record["messageId"].as_str().expect("an id");
            let number = id.rsplit('-').next().expect("a number");
            number.parse().expect("a number")
        })
        .collect()
}

#[track_caller]
fn until_delivered(recorder: &RecorderProject, part: &str, count: usize) {
    eventually(&format!("{count} messages of part {part}"), || {
        delivered(recorder, part).len() >= count
    });
}

#[test]
fn the_messages_of_each_part_become_events_in_order() {
    let log = Log::of(&["a", "b"]);
    for part in ["a", "b"] {
        log.append(part, numbers(20));
    }
    let recorder = reading(&log, "batch-size = 7", "");
    let _server = recorder.project.serve();
    for part in ["a", "b"] {
        until_delivered(&recorder, part, 20);
        assert_eq!(delivered(&recorder, part), Vec::from_iter(0..20));
    }
    for event in recorder.events() {
        let records = event["Records"].as_array().unwrap();
        assert!(records.len() <= 7);
        let parts: Vec<_> = records.iter().map(|record| &record["part"]).collect();
        assert!(parts.iter().all(|part| *part == parts[0]), "{parts:?}");
        assert_eq!(records[0]["key"], *parts[0]);
    }
    log.append("a", [json!("late")]);
    until_delivered(&recorder, "a", 21);
}

#[test]
fn parts_are_processed_beside_each_other() {
    let barrier = Barrier::new();
    let log = Log::of(&["a", "b"]);
    let recorder = reading(&log, "", "env-file = 'init.env'");
    let orders = json!({ "barrier": barrier.address().to_string() });
    let file = format!("RAW_BOOTSTRAP_INIT='{orders}'\n");
    recorder.project.file("init.env", file);
    for part in ["a", "b"] {
        log.append(part, numbers(3));
    }
    let _server = recorder.project.serve();
    // Two environments have a batch each and wait for the test.
    let both = [barrier.arrival(), barrier.arrival()];
    assert!(recorder.events().is_empty());
    drop(both);
    for part in ["a", "b"] {
        until_delivered(&recorder, part, 3);
        assert_eq!(delivered(&recorder, part), [0, 1, 2]);
    }
}

#[test]
fn the_cursor_moves_only_when_the_messages_before_it_are_settled() {
    let barrier = Barrier::new();
    let log = Log::of(&["a"]);
    let recorder = reading(&log, "batch-size = 3", "env-file = 'init.env'");
    let orders = json!({ "barrier": barrier.address().to_string() });
    let file = format!("RAW_BOOTSTRAP_INIT='{orders}'\n");
    recorder.project.file("init.env", file);
    log.append("a", numbers(5));
    let server = recorder.project.serve();
    let held = barrier.arrival();
    assert_eq!(log.reads("a"), [""], "nothing is read ahead");
    drop(server);
    drop(held);
    // The host was killed before the function has run, so the next one begins anew.
    let _server = recorder.project.serve();
    drop(barrier.arrival());
    log.until_read_from("a", 5);
    assert_eq!(log.reads("a")[..4], ["", "", "3", "5"]);
    assert_eq!(delivered(&recorder, "a"), [0, 1, 2, 3, 4]);
}

#[test]
fn a_part_is_read_when_those_before_it_are_processed_and_never_again_after_its_end() {
    let log = Log::of(&["parent"]);
    log.add_part("left", &["parent"]);
    log.add_part("right", &["parent", "older"]);
    for part in ["parent", "left", "right"] {
        log.append(part, numbers(4));
    }
    let recorder = reading(&log, "", "");
    let server = recorder.project.serve();
    log.until_read_from("parent", 4);
    assert_eq!((log.reads("left"), log.reads("right")), (vec![], vec![]));
    log.append("parent", numbers(2));
    log.change("parent", |part| part.is_closed = true);
    until_delivered(&recorder, "left", 4);
    until_delivered(&recorder, "right", 4);
    let all: Vec<Value> = recorder.records();
    let parts: Vec<_> = all
        .iter()
        .map(|record| record["part"].as_str().unwrap())
        .collect();
    assert_eq!(parts[..6], ["parent"; 6]);
    let reads = log.reads("parent");
    drop(server);
    // Nor does a host that starts anew read it.
    let _server = recorder.project.serve();
    log.append("left", [json!("last")]);
    until_delivered(&recorder, "left", 5);
    assert_eq!(log.reads("parent"), reads);
    assert_eq!(delivered(&recorder, "parent"), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_part_that_appears_later_is_read_from_its_beginning() {
    let log = Log::of(&["a"]);
    log.append("a", numbers(1));
    let recorder = reading(&log, "", "");
    let _server = recorder.project.serve();
    until_delivered(&recorder, "a", 1);
    log.add_part("b", &[]);
    log.append("b", numbers(3));
    until_delivered(&recorder, "b", 3);
    assert_eq!(log.reads("b")[0], "");
    assert_eq!(delivered(&recorder, "b"), [0, 1, 2]);
}
