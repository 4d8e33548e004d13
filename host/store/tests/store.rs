//! The store and its event queues, through their public interface. All times are made up; no test waits for a clock.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test like the test itself"
)]

use std::path::{Path, PathBuf};

use lambkin_store::{EventQueues, FollowUp, NewEvent, QueuedEvent, Reader, Store, StoreError};
use tempfile::TempDir;

/// The time at which these tests start.
const NOW: u64 = 1_800_000_000_000;
const LATER: u64 = NOW + 1000;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".lambkin/store.sqlite");
    (folder, path)
}

async fn queues() -> (TempDir, EventQueues) {
    let (folder, path) = folder();
    let store = Store::open(&path).await.unwrap();
    (folder, EventQueues::new(store))
}

fn event(queue: &str, body: &str, not_before: u64) -> NewEvent {
    NewEvent {
        queue: queue.to_owned(),
        body: body.as_bytes().to_vec(),
        attributes: format!("about {body}"),
        not_before,
    }
}

async fn send(queues: &EventQueues, body: &str, not_before: u64) {
    queues
        .enqueue(event("q", body, not_before), NOW)
        .await
        .unwrap();
}

/// The bodies of the events that are due.
async fn due(queues: &EventQueues, now: u64) -> Vec<String> {
    let leased = queues.lease("q", now, now + 500, 100).await.unwrap();
    let body = |event: &QueuedEvent| String::from_utf8(event.body.clone()).unwrap();
    leased.events.iter().map(body).collect()
}

fn bodies(path: &Path, queue: &str) -> Vec<Vec<u8>> {
    let messages = Reader::open(path).unwrap().messages(queue).unwrap();
    messages.into_iter().map(|message| message.body).collect()
}

#[tokio::test]
async fn events_are_leased_in_the_order_in_which_they_are_due() {
    let (_folder, queues) = queues().await;
    for (body, not_before) in [
        ("b", NOW),
        ("late", LATER),
        ("c", NOW),
        ("a", NOW - 1),
        ("later", LATER + 1),
    ] {
        send(&queues, body, not_before).await;
    }
    let leased = queues.lease("q", NOW, NOW + 500, 2).await.unwrap();
    assert_eq!(
        leased
            .events
            .iter()
            .map(|message| &message.body[..])
            .collect::<Vec<_>>(),
        [b"a", b"b"]
    );
    assert_eq!(leased.next_due, Some(NOW), "c");
    assert_eq!(due(&queues, NOW).await, ["c"]);
    let none = queues.lease("q", NOW, NOW + 500, 100).await.unwrap();
    assert!(none.events.is_empty());
    assert_eq!(none.next_due, Some(NOW + 500), "the end of the leases");
    assert_eq!(due(&queues, LATER).await, ["b", "c", "a", "late"]);
    let other = queues.lease("other", LATER, LATER, 100).await.unwrap();
    assert_eq!((other.events.len(), other.next_due), (0, None));
}

#[tokio::test]
async fn an_event_is_given_back_as_it_was_put_in() {
    let (_folder, queues) = queues().await;
    let body: Vec<u8> = (0..=255).cycle().take(1024 * 1024).collect();
    let sent = NewEvent {
        body: body.clone(),
        ..event("q", "x", NOW - 5)
    };
    queues.enqueue(sent, NOW).await.unwrap();
    let mut leased = queues.lease("q", NOW, LATER, 1).await.unwrap();
    let message = leased.events.remove(0);
    assert!(message.body == body);
    assert_eq!(message.attributes, "about x");
    assert_eq!(
        (
            message.sent_at,
            message.due_at,
            message.receives,
            message.attempts
        ),
        (NOW, LATER, 1, 0)
    );
}

#[tokio::test]
async fn the_receipt_of_an_ended_lease_is_void() {
    let (_folder, queues) = queues().await;
    send(&queues, "a", NOW).await;
    let first = queues.lease("q", NOW, NOW + 500, 1).await.unwrap();
    let second = queues.lease("q", NOW + 500, NOW + 900, 1).await.unwrap();
    let (first, second) = (&first.events[0], &second.events[0]);
    assert_eq!(
        (first.id, first.receives, second.id, second.receives),
        (first.id, 1, first.id, 2)
    );
    let follow_up = vec![FollowUp::Enqueue(event("other", "x", NOW))];
    let held = queues.complete(first.receipt(), follow_up.clone(), LATER);
    assert!(!held.await.unwrap());
    assert!(!queues.reschedule(first.receipt(), LATER, 1).await.unwrap());
    assert!(
        queues
            .complete(second.receipt(), follow_up, LATER)
            .await
            .unwrap()
    );
    let left = queues.statistics(LATER).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(
        (left[0].queue.as_str(), left[0].due),
        ("other", 1),
        "the follow-up was sent once"
    );
}

#[tokio::test]
async fn a_rescheduled_event_is_leased_again_with_its_counts() {
    let (_folder, queues) = queues().await;
    send(&queues, "a", NOW).await;
    let leased = queues.lease("q", NOW, u64::MAX, 1).await.unwrap();
    let receipt = leased.events[0].receipt();
    assert!(queues.reschedule(receipt, LATER, 7).await.unwrap());
    assert!(
        !queues.complete(receipt, Vec::new(), NOW).await.unwrap(),
        "it is no longer leased"
    );
    let early = queues.lease("q", LATER - 1, u64::MAX, 1).await.unwrap();
    assert_eq!((early.events.len(), early.next_due), (0, Some(LATER)));
    let again = queues.lease("q", LATER, u64::MAX, 1).await.unwrap();
    assert_eq!((again.events[0].receives, again.events[0].attempts), (2, 7));
}

#[tokio::test]
async fn statistics_distinguish_due_delayed_and_leased_events() {
    let (_folder, queues) = queues().await;
    for (body, not_before) in [("leased", NOW - 1), ("due", NOW), ("delayed", LATER)] {
        send(&queues, body, not_before).await;
    }
    queues.lease("q", NOW, LATER, 1).await.unwrap();
    let statistics = queues.statistics(NOW).await.unwrap();
    assert_eq!(statistics.len(), 1);
    let q = &statistics[0];
    assert_eq!(
        (q.queue.as_str(), q.due, q.delayed, q.leased),
        ("q", 1, 1, 1)
    );
}

#[tokio::test]
async fn what_was_answered_survives_a_store_that_is_never_closed() {
    let (_folder, path) = folder();
    let queues = EventQueues::new(Store::open(&path).await.unwrap());
    send(&queues, "a", NOW).await;
    send(&queues, "b", NOW).await;
    queues.lease("q", NOW, u64::MAX, 1).await.unwrap();
    // What a kill leaves: the file and its log as they are.
    let killed = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), killed.path().join(entry.file_name())).unwrap();
    }
    let next = Store::open(&killed.path().join("store.sqlite")).await;
    let queues = EventQueues::new(next.unwrap());
    assert_eq!(due(&queues, NOW).await, ["b"], "a is leased");
    assert_eq!(queues.end_leases("q", NOW).await.unwrap(), 2);
    assert_eq!(due(&queues, NOW).await, ["a", "b"]);
}

#[tokio::test]
async fn a_store_cannot_be_opened_twice_until_it_is_closed() {
    let (_folder, path) = folder();
    let store = Store::open(&path).await.unwrap();
    let queues = EventQueues::new(store.clone());
    send(&queues, "a", NOW).await;
    let error = Store::open(&path).await.unwrap_err();
    assert_eq!(error, StoreError::InUse { path: path.clone() });
    assert!(
        error.to_string().contains("another lambkin is using it"),
        "{error}"
    );
    assert_eq!(bodies(&path, "q"), [b"a"], "a reader can open it");

    store.close().await;
    let late = queues.enqueue(event("q", "late", NOW), NOW).await;
    assert_eq!(late, Err(StoreError::Closed { path: path.clone() }));
    let again = EventQueues::new(Store::open(&path).await.unwrap());
    assert_eq!(due(&again, NOW).await, ["a"]);
}

#[tokio::test]
async fn a_notifier_wakes_the_consumer_of_its_queue_alone_and_is_not_missed() {
    let (_folder, queues) = queues().await;
    let (notifier, other) = (queues.notifier("q"), queues.notifier("other"));
    send(&queues, "a", NOW).await;
    notifier.notified().await;
    let was_notified = |notifier: std::sync::Arc<tokio::sync::Notify>| async move {
        tokio::select! {
            biased;
            () = notifier.notified() => true,
            () = std::future::ready(()) => false,
        }
    };
    assert!(!was_notified(other.clone()).await);
    let leased = queues.lease("q", NOW, LATER, 1).await.unwrap();
    let follow_up = vec![FollowUp::Enqueue(event("other", "b", NOW))];
    queues
        .complete(leased.events[0].receipt(), follow_up, NOW)
        .await
        .unwrap();
    assert!(was_notified(other).await);
    assert!(!was_notified(notifier).await);
}

#[tokio::test]
async fn an_event_whose_sender_went_away_still_wakes_the_consumer() {
    let (_folder, queues) = queues().await;
    let notifier = queues.notifier("q");
    let mut sending = Box::pin(queues.enqueue(event("q", "a", NOW), NOW));
    // Polled once, the operation is submitted. Then the caller goes away.
    tokio::select! {
        biased;
        _ = &mut sending => {}
        () = std::future::ready(()) => {}
    }
    drop(sending);
    notifier.notified().await;
    assert_eq!(due(&queues, NOW).await, ["a"]);
}

#[tokio::test]
async fn many_callers_at_once_are_all_served() {
    let (_folder, queues) = queues().await;
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..1000 {
        let queues = queues.clone();
        callers.spawn(async move {
            let sent = event("q", &n.to_string(), NOW);
            queues.enqueue(sent, NOW).await.unwrap();
        });
    }
    callers.join_all().await;
    let leased = queues.lease("q", NOW, LATER, 2000).await.unwrap();
    let mut numbers: Vec<u32> = leased
        .events
        .iter()
        .map(|message| String::from_utf8_lossy(&message.body).parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_file_that_is_not_a_store_is_left_unchanged_and_named() {
    let (_folder, path) = folder();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let content = "not a database, but somebody's work\n".repeat(100);
    std::fs::write(&path, &content).unwrap();
    let text = Store::open(&path).await.unwrap_err().to_string();
    assert!(
        text.contains(&path.display().to_string()) && text.contains("file is not a database"),
        "{text}"
    );
    assert!(text.contains("move it"), "{text}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
}

#[tokio::test]
async fn a_path_that_cannot_be_written_is_named() {
    let (folder, _) = folder();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let path = folder.path().join("file/store.sqlite");
    let text = Store::open(&path).await.unwrap_err().to_string();
    assert!(
        text.starts_with("cannot open the store") && text.contains("folder"),
        "{text}"
    );
}

#[tokio::test]
async fn a_newer_layout_is_refused() {
    let (_folder, path) = folder();
    Store::open(&path).await.unwrap().close().await;
    let file = rusqlite::Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", 1000).unwrap();
    drop(file);
    let error = Store::open(&path).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found: 1000, .. }),
        "{error}"
    );
}
