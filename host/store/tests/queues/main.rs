//! Queues, through their public interface, on a clock that stands still until a test advances it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helpers fail the test like the test itself"
)]

mod bench;
mod kill;
mod moves;
mod ordered;
mod reader;
mod receipts;
mod redrive;
mod settings;
mod standard;
mod waiting;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use lambkin_model::Message;
use lambkin_store::queue::{Counts, DeadLetter, Entry, Queues, Receive, Sent, Settings};
use lambkin_store::{EventQueues, ManualClock, Store};
use tempfile::TempDir;

/// The time at which these tests start.
const NOW: u64 = 1_800_000_000_000;

/// A store in a folder of its own, with its queues and its clock.
struct Fixture {
    _folder: TempDir,
    path: PathBuf,
    store: Store,
    queues: Queues,
    clock: ManualClock,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let clock = ManualClock::new(NOW);
    let store = Store::open(&path).await.unwrap();
    Fixture {
        queues: Queues::new(store.clone(), Arc::new(clock.clone())),
        store,
        path,
        clock,
        _folder: folder,
    }
}

/// A fixture with a standard queue `q`.
async fn standard() -> Fixture {
    let fixture = fixture().await;
    fixture
        .queues
        .create("q", Settings::default())
        .await
        .unwrap();
    fixture
}

/// A fixture with an ordered queue `q.fifo`.
async fn ordered() -> Fixture {
    let fixture = fixture().await;
    fixture.queues.create("q.fifo", fifo()).await.unwrap();
    fixture
}

fn fifo() -> Settings {
    Settings {
        ordered: true,
        ..Settings::default()
    }
}

fn dead_letter(queue: &str, max_receives: u32) -> Option<DeadLetter> {
    Some(DeadLetter {
        queue: queue.to_owned(),
        max_receives,
    })
}

fn entry(body: &str) -> Entry {
    Entry {
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..Entry::default()
    }
}

fn delayed(body: &str, delay_ms: u64) -> Entry {
    Entry {
        delay_ms: Some(delay_ms),
        ..entry(body)
    }
}

/// An entry with a group and a deduplication id that no other entry has.
fn of(group: &str, body: &str) -> Entry {
    Entry {
        group: Some(group.to_owned()),
        deduplication: Some(format!("{group} {body}")),
        ..entry(body)
    }
}

/// A receive of up to `max` messages with the queue's lease.
fn up_to(max: usize) -> Receive {
    Receive {
        max_messages: max,
        lease_ms: None,
        wait_ms: 0,
        consumer: false,
    }
}

fn leased_for(max: usize, lease_ms: u64) -> Receive {
    Receive {
        lease_ms: Some(lease_ms),
        ..up_to(max)
    }
}

impl Fixture {
    fn event_queues(&self) -> EventQueues {
        EventQueues::new(self.store.clone())
    }

    async fn send(&self, queue: &str, bodies: &[&str]) -> Vec<Sent> {
        let entries = bodies.iter().map(|body| entry(body)).collect();
        self.queues.send(queue, entries).await.unwrap()
    }

    async fn send_all(&self, queue: &str, entries: Vec<Entry>) -> Vec<Sent> {
        self.queues.send(queue, entries).await.unwrap()
    }

    async fn receive(&self, queue: &str, receive: Receive) -> Vec<Message> {
        self.queues.receive(queue, receive).await.unwrap()
    }

    /// The bodies of all messages that are due, which are leased as the queue is configured.
    async fn due(&self, queue: &str) -> Vec<String> {
        bodies(&self.receive(queue, up_to(1000)).await)
    }

    async fn one(&self, queue: &str) -> Message {
        let mut found = self.receive(queue, up_to(1)).await;
        assert_eq!(found.len(), 1, "a message is due");
        found.remove(0)
    }

    /// The numbers of visible, leased and delayed messages.
    async fn counts(&self, queue: &str) -> (u64, u64, u64) {
        let Counts {
            visible,
            leased,
            delayed,
        } = self.queues.counts(queue).await.unwrap();
        (visible, leased, delayed)
    }
}

fn bodies(messages: &[Message]) -> Vec<String> {
    let body = |message: &Message| String::from_utf8(message.body.to_vec()).unwrap();
    messages.iter().map(body).collect()
}

fn receipts(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .map(|message| message.receipt.clone())
        .collect()
}
