//! What a request's path asks for.

use std::fmt::Debug;
use std::hint::black_box;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, OutgoingBody, ResponseOutparam};

use crate::Probe;
use crate::bindings::exports::lambkin::service::settings::{self, Problem};
use crate::bindings::lambkin::store::{objects, queues};
use crate::web::{answer, begin, each, get, write};

impl settings::Guest for Probe {
    /// Accepts what does not say otherwise, as far as it may: nothing else is there while settings are checked.
    fn check(settings: String) -> Vec<Problem> {
        assert_eq!(std::env::vars().count(), 0);
        assert!(matches!(
            queues::open("granted"),
            Err(queues::Error::Missing)
        ));
        let problem = |message: &str| Problem {
            at: vec!["key\n".into()],
            message: message.into(),
            extra: Vec::new(),
        };
        let refused = settings.contains("refuse");
        refused.then(|| problem("refused")).into_iter().collect()
    }
}

impl Guest for Probe {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let url = request.path_with_query().unwrap_or_default();
        let mut parts = url.trim_start_matches('/').splitn(2, '/');
        let (what, rest) = (parts.next().unwrap(), parts.next().unwrap_or(""));
        match what {
            "hello" => answer(out, 200, b"hello"),
            "status" => answer(out, rest.parse().unwrap(), b""),
            "silent" => {}
            "trap" => panic!("as asked"),
            "spin" => loop {
                black_box(0);
            },
            "grow" => {
                let mut all = Vec::new();
                loop {
                    all.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            "print" => {
                println!("printed for {rest}");
                answer(out, 200, b"");
            }
            "environment" => {
                let mut all: Vec<_> = std::env::vars().map(|(k, v)| format!("{k}={v}")).collect();
                all.sort();
                answer(out, 200, all.join("\n").as_bytes());
            }
            "peer" => {
                let peers = request.headers().get("x-lambkin-peer");
                answer(out, 200, &peers.join(&b','));
            }
            "authority" => answer(out, 200, request.authority().unwrap_or_default().as_bytes()),
            "clock" => {
                let now = std::time::SystemTime::now();
                let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
                answer(out, 200, now.as_millis().to_string().as_bytes());
            }
            "length" => {
                let mut length = 0_u64;
                let read = each(&request, |bytes| length += bytes.len() as u64);
                match read {
                    Ok(()) => answer(out, 200, length.to_string().as_bytes()),
                    Err(error) => answer(out, 400, format!("{error:?}").as_bytes()),
                }
            }
            "echo" => echo(&request, out),
            "zeros" => zeros(rest.parse().unwrap(), out),
            "wait" => {
                let wait = rest.parse().unwrap();
                std::thread::sleep(std::time::Duration::from_millis(wait));
                answer(out, 200, b"waited");
            }
            "torn" => {
                // A head, a beginning, and no more.
                let body = begin(out, 200, None);
                let stream = body.write().unwrap();
                write(&stream, b"beginning").unwrap();
                std::thread::sleep(std::time::Duration::from_millis(50));
                panic!("torn");
            }
            "short" => {
                let body = begin(out, 200, Some(10));
                write(&body.write().unwrap(), b"short").unwrap();
                let pause = rest.parse().unwrap_or(0);
                std::thread::sleep(std::time::Duration::from_millis(pause));
                let _ = OutgoingBody::finish(body, None);
            }
            "fetch" => say(out, get(rest).map(|(status, _)| status)),
            _ => stored(what, rest, out),
        }
    }
}

fn echo(request: &IncomingRequest, out: ResponseOutparam) {
    let body = begin(out, 200, None);
    let stream = body.write().unwrap();
    each(request, |bytes| write(&stream, bytes).unwrap()).unwrap();
    drop(stream);
    OutgoingBody::finish(body, None).unwrap();
}

fn zeros(mut length: u64, out: ResponseOutparam) {
    let body = begin(out, 200, Some(length));
    let stream = body.write().unwrap();
    while length > 0 {
        let piece = length.min(64 << 10);
        if write(&stream, &vec![0; piece as usize]).is_err() {
            return;
        }
        length -= piece;
    }
    drop(stream);
    OutgoingBody::finish(body, None).unwrap();
}

fn stored(what: &str, rest: &str, out: ResponseOutparam) {
    let (name, other) = rest.split_once('/').unwrap_or((rest, ""));
    match what {
        "open-queue" => say(out, queues::open(name).map(drop)),
        "create-queue" => say(out, queues::create(name, &queue_settings(other)).map(drop)),
        "change-queue" => say(
            out,
            queues::open(name).and_then(|queue| queue.change(&queue_settings(other))),
        ),
        "delete-queue" => say(out, queues::delete(name)),
        "queues" => {
            let most = other.parse().unwrap_or(1_000);
            let page = queues::queues(name, None, most);
            say(out, page.map(|page| (names(page.queues), page.more)));
        }
        "sources" => {
            let page = queues::open(name).and_then(|q| q.dead_letter_sources(None, 1_000));
            say(out, page.map(|page| names(page.queues)));
        }
        "move" => {
            let to = (!other.is_empty()).then_some(other);
            say(
                out,
                queues::open(name).and_then(|queue| queue.start_move(to, None)),
            );
        }
        "send" => {
            let entry = queues::Entry {
                body: other.as_bytes().to_vec(),
                attributes: Vec::new(),
                extra: Vec::new(),
                delay_ms: None,
                group: None,
                deduplication: None,
            };
            let sent = queues::open(name).and_then(|queue| queue.send(&[entry]));
            say(out, sent.map(|sent| sent.len()));
        }
        "receive" => {
            let wait = other.parse().unwrap();
            let received = queues::open(name).and_then(|queue| queue.receive(1, None, wait));
            let bodies = |all: Vec<queues::Message>| {
                let bodies = all
                    .into_iter()
                    .map(|message| String::from_utf8(message.body));
                bodies.collect::<Result<Vec<_>, _>>().unwrap()
            };
            say(out, received.map(bodies));
        }
        "open-bucket" => say(out, objects::open(name).map(drop)),
        "create-bucket" => say(out, objects::create(name, &[]).map(drop)),
        "delete-bucket" => say(out, objects::delete(name)),
        "buckets" => {
            let most = other.parse().unwrap_or(1_000);
            let names = |all: Vec<objects::BucketInfo>| -> Vec<String> {
                all.into_iter().map(|bucket| bucket.name).collect()
            };
            say(out, objects::buckets(name, None, most).map(names));
        }
        _ => answer(out, 404, b""),
    }
}

fn queue_settings(dead_letter: &str) -> queues::Settings {
    queues::Settings {
        ordered: false,
        lease_ms: 30_000,
        delay_ms: 0,
        retention_ms: 60_000,
        deduplication_by_group: false,
        dead_letter: (!dead_letter.is_empty()).then(|| queues::DeadLetter {
            queue: dead_letter.into(),
            max_receives: 1,
        }),
        attributes: Vec::new(),
    }
}

fn names(queues: Vec<queues::Description>) -> Vec<String> {
    queues.into_iter().map(|queue| queue.name).collect()
}

/// Answers with what came of something.
fn say<T: Debug, E: Debug>(out: ResponseOutparam, result: Result<T, E>) {
    answer(out, 200, format!("{result:?}").as_bytes());
}
