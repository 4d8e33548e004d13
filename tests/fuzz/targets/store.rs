//! Operations on a queue of the store: every message is handed out to one receiver at a time, none is lost, and an
//! ordered queue keeps the order of each group.
//!
//! The first byte chooses the kind of queue. Each further pair of bytes is an operation and its argument.

#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use lambkin_store::queue::{Entry, Queues, ReceiptResult, Receive, Settings};
use lambkin_store::{Clock, ManualClock, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// One store for all inputs; each has a queue of its own.
struct Fixture {
    _folder: TempDir,
    runtime: Runtime,
    queues: Queues,
    clock: ManualClock,
    inputs: u64,
}

static FIXTURE: LazyLock<Mutex<Fixture>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let clock = ManualClock::new(1_800_000_000_000);
    let store = runtime.block_on(Store::open(&folder.path().join("store.sqlite")));
    Mutex::new(Fixture {
        _folder: folder,
        runtime,
        queues: Queues::new(store.unwrap(), Arc::new(clock.clone())),
        clock,
        inputs: 0,
    })
});

/// A message as the model knows it.
struct Sent {
    group: u8,
    due: u64,
    /// The last receipt, and when its lease ends.
    lease: Option<(String, u64)>,
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((kind, operations)) = bytes.split_first() else {
        return;
    };
    let mut fixture = FIXTURE.lock().unwrap();
    fixture.inputs += 1;
    let ordered = kind % 2 == 1;
    let name = format!("q{}{}", fixture.inputs, if ordered { ".fifo" } else { "" });
    let Fixture {
        runtime,
        queues,
        clock,
        ..
    } = &*fixture;
    runtime.block_on(run(queues, clock, &name, ordered, operations));
});

async fn run(queues: &Queues, clock: &ManualClock, name: &str, ordered: bool, operations: &[u8]) {
    let settings = Settings {
        ordered,
        ..Settings::default()
    };
    queues.create(name, settings).await.unwrap();
    // By number, which is the body.
    let mut messages: BTreeMap<u64, Sent> = BTreeMap::new();
    let mut sent = 0;
    for pair in operations.chunks_exact(2).take(64) {
        let (operation, argument) = (pair[0] % 6, pair[1]);
        let now = clock.now();
        match operation {
            0 | 1 => {
                let delay = if ordered {
                    0
                } else {
                    u64::from(argument % 4) * 1000
                };
                let group = if ordered { argument % 3 } else { 0 };
                let entry = Entry {
                    body: sent.to_string().into(),
                    delay_ms: (!ordered).then_some(delay),
                    group: ordered.then(|| group.to_string()),
                    deduplication: ordered.then(|| sent.to_string()),
                    ..Entry::default()
                };
                assert_eq!(queues.send(name, vec![entry]).await.unwrap().len(), 1);
                let due = now + delay;
                messages.insert(
                    sent,
                    Sent {
                        group,
                        due,
                        lease: None,
                    },
                );
                sent += 1;
            }
            2 => receive(queues, name, ordered, now, argument, &mut messages).await,
            3 => clock.advance(u64::from(argument) * 50),
            _ => {
                let Some((number, receipt, end)) = nth_lease(&messages, argument) else {
                    continue;
                };
                if operation == 4 {
                    let results = queues.remove(name, vec![receipt]).await.unwrap();
                    match results[..] {
                        [ReceiptResult::Done] => drop(messages.remove(&number)),
                        [result] => assert!(ordered && end <= now, "{result:?}"),
                        _ => panic!("{results:?}"),
                    }
                } else {
                    let lease_ms = u64::from(argument) * 40;
                    let change = vec![(receipt.clone(), lease_ms)];
                    let results = queues.change_leases(name, change).await.unwrap();
                    match results[..] {
                        [ReceiptResult::Done] => {
                            let message = messages.get_mut(&number).unwrap();
                            message.lease = Some((receipt, now + lease_ms));
                        }
                        [result] => assert!(end <= now, "{result:?}"),
                        _ => panic!("{results:?}"),
                    }
                }
            }
        }
        let counts = queues.counts(name).await.unwrap();
        let left = counts.visible + counts.leased + counts.delayed;
        assert_eq!(left, messages.len() as u64, "{counts:?}");
    }
    queues.delete(name).await.unwrap();
}

async fn receive(
    queues: &Queues,
    name: &str,
    ordered: bool,
    now: u64,
    argument: u8,
    messages: &mut BTreeMap<u64, Sent>,
) {
    let lease_ms = u64::from(argument % 5 + 1) * 1000;
    let receive = Receive {
        max_messages: usize::from(argument % 3) + 1,
        lease_ms: Some(lease_ms),
        wait_ms: 0,
        consumer: false,
    };
    let received = queues.receive(name, receive).await.unwrap();
    let is_leased = |sent: &Sent| sent.lease.as_ref().is_some_and(|(_, end)| *end > now);
    for message in &received {
        let body = std::str::from_utf8(&message.body).unwrap();
        let number: u64 = body.parse().unwrap();
        let model = messages.get(&number).expect("it was not removed");
        assert!(model.due <= now && !is_leased(model), "{number}");
        if ordered {
            let group = model.group;
            let mut before = messages.range(..number).map(|(_, sent)| sent);
            // All before it are gone or were handed out just now, with it.
            assert!(
                before.all(|sent| sent.group != group
                    || matches!(&sent.lease, Some((_, end)) if *end == now + lease_ms)),
                "{number} came too early"
            );
        }
        let receipt = message.receipt.clone();
        messages.get_mut(&number).unwrap().lease = Some((receipt, now + lease_ms));
    }
    if received.is_empty() && !ordered {
        let mut waiting = messages.values().filter(|sent| sent.due <= now);
        assert!(waiting.all(is_leased), "a message is due and not received");
    }
}

/// A message that was received at some time, with its last receipt and the end of that lease.
fn nth_lease(messages: &BTreeMap<u64, Sent>, n: u8) -> Option<(u64, String, u64)> {
    let leases: Vec<_> = messages
        .iter()
        .filter_map(|(number, sent)| {
            let (receipt, end) = sent.lease.clone()?;
            Some((*number, receipt, end))
        })
        .collect();
    leases.get(usize::from(n) % leases.len().max(1)).cloned()
}
