//! Every acknowledged message and object survives a kill of the host, no matter when it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use lambkin_tests::wire::{Response, Responses};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::until_empty;
use crate::support::{RecorderProject, S3_AUTHORIZATION, Server, eventually};

/// Number of senders to the queue, to the FIFO queue (one message group each), and to the bucket.
const CALLERS: usize = 2;

#[test]
fn acknowledged_messages_and_objects_survive_repeated_kills() {
    survive(10);
}

/// CI runs it explicitly.
#[test]
#[ignore = "takes long; .ci/run runs it"]
fn acknowledged_messages_and_objects_survive_a_hundred_kills() {
    survive(100);
}

/// Everything that was acknowledged to clients.
#[derive(Default)]
struct Acknowledged {
    messages: BTreeSet<String>,
    /// By message group, in the order in which they were sent.
    ordered: BTreeMap<String, Vec<String>>,
    /// Keys and the version that was written last.
    objects: BTreeMap<String, String>,
}

#[track_caller]
fn survive(rounds: usize) {
    let recorder = RecorderProject::new(
        "concurrency = 3",
        "[queues.plain]\nVisibilityTimeout = 3\n[queues.'ordered.fifo']\nVisibilityTimeout = 3\n[buckets.things]\n\
         [triggers.plain]\nplugin = 'sqs'\nqueue = 'plain'\nfunction = 'recorder'\n\
         [triggers.ordered]\nplugin = 'sqs'\nqueue = 'ordered.fifo'\nfunction = 'recorder'\n",
    );
    let acknowledged = Mutex::new(Acknowledged::default());
    for round in 0..rounds {
        let mut server = recorder.project.serve();
        load_and_kill(&mut server, &acknowledged, round);
    }
    let acknowledged = acknowledged.into_inner().unwrap();
    let server = recorder.project.serve();
    until_empty(&server, "plain");
    until_empty(&server, "ordered.fifo");
    eventually("every message to be delivered", || {
        let delivered: BTreeSet<String> = recorder.bodies().into_iter().collect();
        acknowledged.messages.is_subset(&delivered)
    });
    assert_delivered_in_order(&recorder, &acknowledged.ordered);
    for (key, content) in &acknowledged.objects {
        let object = server.s3("GET", &format!("/things/{key}"), &[], &[]);
        assert_eq!(object.status, 200, "{key}: {}", object.text());
        assert_not_torn(&object.body, content, key);
    }
    assert!(acknowledged.messages.len() >= rounds);
    assert!(acknowledged.objects.len() >= CALLERS.min(rounds));
}

/// Asserts that each message of a group is first delivered after all messages that were sent before it.
#[track_caller]
fn assert_delivered_in_order(recorder: &RecorderProject, ordered: &BTreeMap<String, Vec<String>>) {
    let delivered = recorder.bodies();
    for (group, sent) in ordered {
        let first = |body: &String| {
            let place = delivered.iter().position(|other| other == body);
            place.unwrap_or_else(|| panic!("{body} of {group} was never delivered"))
        };
        let places: Vec<usize> = sent.iter().map(first).collect();
        assert!(places.is_sorted(), "{group}: {places:?}");
    }
}

/// Asserts that an object is complete and is the last acknowledged version or a later one, never a mixture of two.
#[track_caller]
fn assert_not_torn(body: &[u8], acknowledged: &str, key: &str) {
    let text = String::from_utf8_lossy(body);
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let count = words.len();
    words.dedup();
    assert_eq!(words.len(), 1, "{key} is torn");
    assert_eq!(count, WORDS, "{key} is cut off");
    let number = |content: &str| -> u64 { content.trim_start_matches('v').parse().unwrap() };
    assert!(
        number(words[0]) >= number(acknowledged),
        "{key} is older than the acknowledged version"
    );
}

const WORDS: usize = 50_000;

fn load_and_kill(server: &mut Server, acknowledged: &Mutex<Acknowledged>, round: usize) {
    let sqs = server
        .service_url("sqs")
        .trim_start_matches("http://")
        .to_owned();
    let s3 = server
        .service_url("s3")
        .trim_start_matches("http://")
        .to_owned();
    let plain = server.queue_url("plain");
    let fifo = server.queue_url("ordered.fifo");
    let before = size(acknowledged);
    // A different moment in each round.
    let enough = before + 1 + (round * 37) % 90;
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (sqs, s3, plain, fifo) = (&sqs, &s3, &plain, &fifo);
            scope.spawn(move || {
                // Ignored: the host was killed.
                let _ = repeat(
                    sqs,
                    |number| {
                        let body = format!("plain {round} {caller} {number}");
                        let input = json!({ "QueueUrl": plain, "MessageBody": body });
                        let record = move |all: &mut Acknowledged| {
                            all.messages.insert(body);
                        };
                        (send(sqs, &input), record)
                    },
                    acknowledged,
                );
            });
            scope.spawn(move || {
                let group = format!("group-{caller}");
                // Ignored: the host was killed.
                let _ = repeat(
                    sqs,
                    |number| {
                        let body = format!("ordered-{round}-{caller}-{number}");
                        let input = json!({
                            "QueueUrl": fifo, "MessageBody": body, "MessageGroupId": group,
                            "MessageDeduplicationId": body,
                        });
                        let group = group.clone();
                        let record = move |all: &mut Acknowledged| {
                            all.ordered.entry(group).or_default().push(body);
                        };
                        (send(sqs, &input), record)
                    },
                    acknowledged,
                );
            });
            scope.spawn(move || {
                // Ignored: the host was killed.
                let _ = repeat(s3, |number| {
                    let key = format!("object-{caller}");
                    let content = format!("v{}", (round + 1) * 100_000 + number);
                    let body = format!("{content}\n").repeat(WORDS);
                    let request = format!(
                        "PUT /things/{key} HTTP/1.1\r\nhost: {s3}\r\nauthorization: {S3_AUTHORIZATION}\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    let record = move |all: &mut Acknowledged| {
                            all.objects.insert(key, content);
                        };
                    (request, record)
                }, acknowledged);
            });
        }
        eventually("enough to be acknowledged", || size(acknowledged) >= enough);
        server.signal(Signal::KILL);
    });
    server.wait();
}

fn size(acknowledged: &Mutex<Acknowledged>) -> usize {
    let all = acknowledged.lock().unwrap();
    all.messages.len() + all.ordered.values().map(Vec::len).sum::<usize>()
}

fn send(address: &str, input: &Value) -> String {
    let input = input.to_string();
    format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-amz-json-1.0\r\n\
         x-amz-target: AmazonSQS.SendMessage\r\ncontent-length: {}\r\n\r\n{input}",
        input.len()
    )
}

/// Sends requests until the host is gone and records each acknowledged one.
fn repeat<N: FnOnce(&mut Acknowledged)>(
    address: &str,
    mut next: impl FnMut(usize) -> (String, N),
    acknowledged: &Mutex<Acknowledged>,
) -> io::Result<()> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut responses = Responses::default();
    for number in 0.. {
        let (request, record) = next(number);
        connection.write_all(request.as_bytes())?;
        let Response { status, body, .. } = responses.read_from(&mut connection)?;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        record(&mut acknowledged.lock().unwrap());
    }
    Ok(())
}
