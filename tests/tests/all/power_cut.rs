//! A power cut loses the last moments, and nothing else.
//!
//! The host runs with a library that records what it does to its files (`fixtures/disk-recorder`). From the recording
//! the test computes what a power cut at a random moment may leave (see `disk`), starts a host on that, and compares
//! every object and message with what clients had been answered.
//!
//! The seeds are printed. `LAMBKIN_POWER_CUT_SEEDS=1,2,3` repeats a run's choices; the order of the host's writes
//! depends on the machine.

mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::json;

use crate::support::{RecorderProject, Reply, Server, disk_recorder};
use disk::{Operation, Random, Recorded};

const CONFIG: &str = "[queues.sent]\n[buckets.things]\n[buckets.kept]\nversioning = true\n[buckets.shown]\nfolder = 'shown'\n";

/// The number of clients, each with keys of its own.
const CLIENTS: usize = 4;
/// The number of keys of each client: few, so that most objects replace others.
const KEYS: usize = 5;

/// What a client did to a key, and the length of the recording when it was answered.
type Acts = Vec<(Option<String>, u64)>;

#[derive(Default)]
struct Answered {
    /// By path: the content that was stored, or `None` for a deletion.
    objects: BTreeMap<String, Acts>,
    messages: Vec<(String, u64)>,
}

#[test]
fn a_power_cut_loses_nothing_but_the_last_moments() {
    survive(1, 4, Duration::from_millis(2500));
}

#[test]
#[ignore = "takes long; .ci/run runs it"]
fn thirty_power_cuts_lose_nothing_but_the_last_moments() {
    survive(3, 10, Duration::from_secs(5));
}

fn seeds(count: usize) -> Vec<u64> {
    if let Ok(given) = std::env::var("LAMBKIN_POWER_CUT_SEEDS") {
        return given
            .split(',')
            .map(|seed| seed.trim().parse().unwrap())
            .collect();
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64;
    let mut random = Random(now);
    (0..count).map(|_| random.below(1 << 32) as u64).collect()
}

fn survive(seed_count: usize, cuts: usize, load: Duration) {
    let tools = tempfile::tempdir().unwrap();
    let Ok(library) = disk_recorder() else {
        return;
    };
    for seed in seeds(seed_count) {
        eprintln!("seed {seed}");
        let recorded = RecorderProject::new("", CONFIG);
        fs::create_dir(recorded.project.path().join("shown")).unwrap();
        let root = fs::canonicalize(recorded.project.path())
            .unwrap()
            .join(".lambkin");
        let recording = tools.path().join(format!("recording-{seed}"));
        let answered = record(&recorded, library, &root, &recording, seed, load);
        let operations = disk::read_recording(&recording);
        fs::remove_file(&recording).unwrap();
        let mut random = Random(seed);
        let begin = operations.len() / 10;
        for number in 0..cuts {
            let at = begin + random.below(operations.len() - begin);
            let what = format!(
                "seed {seed}, cut {number}, after operation {at} of {}",
                operations.len()
            );
            let after = RecorderProject::new("", CONFIG);
            fs::create_dir(after.project.path().join("shown")).unwrap();
            disk::cut(
                &operations[..at],
                &mut random,
                &root,
                &after.project.path().join(".lambkin"),
            );
            check(&after, &operations[..at], &root, &answered, &what);
        }
    }
}

/// Runs a host under load, and returns what clients were answered.
fn record(
    recorded: &RecorderProject,
    library: &Path,
    root: &Path,
    recording: &Path,
    seed: u64,
    load: Duration,
) -> Answered {
    let variables = [
        ("LD_PRELOAD", library),
        ("DISK_RECORDER_ROOT", root),
        ("DISK_RECORDER_LOG", recording),
    ];
    let variables = variables.map(|(name, path)| (name, path.to_str().unwrap()));
    let mut server = recorded.project.serve_with(&[], &variables);
    let answered = Mutex::new(Answered::default());
    let end = Instant::now() + load;
    let recorded_bytes = || fs::metadata(recording).unwrap().len();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (server, answered) = (&server, &answered);
            scope.spawn(move || {
                let mut random = Random(seed ^ (client as u64 + 1) << 32);
                for number in 0.. {
                    if Instant::now() > end {
                        break;
                    }
                    let key = format!("{client}/{}", random.below(KEYS));
                    let bucket = if random.below(4) == 0 {
                        "kept"
                    } else {
                        "things"
                    };
                    let path = format!("/{bucket}/{key}");
                    let content =
                        (random.below(12) > 0).then(|| content(&key, number, &mut random));
                    act(server, &path, content.as_deref(), &mut random);
                    let message = format!("{client} {number}");
                    server.send("sent", &message);
                    let mut answered = answered.lock().unwrap();
                    let at = recorded_bytes();
                    answered
                        .objects
                        .entry(path)
                        .or_default()
                        .push((content, at));
                    answered.messages.push((message, at));
                }
            });
        }
    });
    server.signal(Signal::KILL);
    server.wait();
    answered.into_inner().unwrap()
}

fn content(key: &str, number: usize, random: &mut Random) -> String {
    let words = [1, 10, 500, 4000][random.below(4)] + random.below(100);
    format!("{key}-{number} ").repeat(words)
}

/// Stores or deletes an object, in one of the ways that S3 offers.
fn act(server: &Server, path: &str, content: Option<&str>, random: &mut Random) {
    let ok = |reply: Reply| {
        assert!(
            (200..300).contains(&reply.status),
            "{path}: {}",
            reply.text()
        );
        reply
    };
    let Some(content) = content else {
        ok(server.s3("DELETE", path, &[], b""));
        return;
    };
    let content = content.as_bytes();
    match random.below(8) {
        0 => {
            let started = ok(server.s3("POST", &format!("{path}?uploads"), &[], b"")).text();
            let id = started
                .split("<UploadId>")
                .nth(1)
                .unwrap()
                .split('<')
                .next()
                .unwrap();
            let part = format!("{path}?partNumber=1&uploadId={id}");
            ok(server.s3("PUT", &part, &[], b"a part that is replaced"));
            let etag = ok(server.s3("PUT", &part, &[], content));
            let etag = etag.header("etag").unwrap().to_owned();
            let parts = format!(
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>\
                 </CompleteMultipartUpload>"
            );
            ok(server.s3(
                "POST",
                &format!("{path}?uploadId={id}"),
                &[],
                parts.as_bytes(),
            ));
        }
        1 => {
            let source = format!("{path}-source");
            ok(server.s3("PUT", &source, &[], content));
            ok(server.s3("PUT", path, &[("x-amz-copy-source", &source)], b""));
        }
        _ => drop(ok(server.s3("PUT", path, &[], content))),
    }
}

/// The length of the recording at the start of the last synchronization that was complete before the cut.
///
/// One ends with the store's folder. What was answered before the one before it has ended was there when it began.
fn on_disk(operations: &[Recorded], root: &Path) -> u64 {
    let ends = operations
        .iter()
        .filter_map(|(at, operation)| match operation {
            Operation::SyncFolder(folder) if folder == root => Some(*at),
            _ => None,
        });
    let ends: Vec<u64> = ends.collect();
    ends.len().checked_sub(2).map_or(0, |before| ends[before])
}

/// Starts a host on what a cut has left, and compares it with what clients were answered.
fn check(
    after: &RecorderProject,
    operations: &[Recorded],
    root: &Path,
    answered: &Answered,
    what: &str,
) {
    let safe = on_disk(operations, root);
    let server = after.project.serve();
    for (path, acts) in &answered.objects {
        let last_safe = acts.iter().rposition(|(_, at)| *at <= safe);
        let possible = acts[last_safe.unwrap_or(0)..]
            .iter()
            .map(|(content, _)| content.as_deref());
        let mut possible: BTreeSet<Option<&str>> = possible.collect();
        if last_safe.is_none() {
            possible.insert(None);
        }
        let got = server.s3("GET", path, &[], b"");
        let found = match got.status {
            200 => Some(got.text()),
            404 => None,
            other => panic!("{what}: {path}: {other}: {}\n{}", got.text(), server.log()),
        };
        assert!(
            possible.contains(&found.as_deref()),
            "{what}: {path}: {:?} is none of the {} possible contents, the last that is safe is number {last_safe:?}\n{}",
            found.map(|text| text.chars().take(30).collect::<String>()),
            possible.len(),
            server.log(),
        );
    }
    let expected = answered.messages.iter().filter(|(_, at)| *at <= safe);
    let mut expected: BTreeSet<&str> = expected.map(|(body, _)| body.as_str()).collect();
    let receive = json!({ "QueueUrl": server.queue_url("sent"), "MaxNumberOfMessages": 10 });
    loop {
        let received = server.sqs_ok("ReceiveMessage", &receive);
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        if messages.is_empty() {
            break;
        }
        for message in &messages {
            let body = message["Body"].as_str().unwrap();
            expected.remove(body);
        }
    }
    assert!(
        expected.is_empty(),
        "{what}: messages are lost: {expected:?}"
    );
    assert_no_damage(&server, what);
}

/// Every object that is listed can be read.
fn assert_no_damage(server: &Server, what: &str) {
    for bucket in ["things", "kept"] {
        let list = server.s3("GET", &format!("/{bucket}?list-type=2"), &[], b"");
        assert_eq!(list.status, 200, "{what}: {}", list.text());
        let text = list.text();
        for key in text.split("<Key>").skip(1) {
            let key = key.split('<').next().unwrap();
            let got = server.s3("GET", &format!("/{bucket}/{key}"), &[], b"");
            assert_eq!(got.status, 200, "{what}: {bucket}/{key}: {}", got.text());
        }
    }
}
