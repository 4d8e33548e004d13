//! The store through its public face. Every time is made up; nothing waits for a clock.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test like the test itself"
)]

use std::path::{Path, PathBuf};

use lambkin_store::{FollowUp, NewMessage, Reader, Store, StoreError};
use tempfile::TempDir;

/// When these tests take place.
const NOW: u64 = 1_800_000_000_000;
const LATER: u64 = NOW + 1000;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".lambkin/store.sqlite");
    (folder, path)
}

async fn store() -> (TempDir, Store) {
    let (folder, path) = folder();
    let store = Store::open(&path).await.unwrap();
    (folder, store)
}

fn message(queue: &str, body: &str, not_before: u64) -> NewMessage {
    NewMessage {
        queue: queue.to_owned(),
        body: body.as_bytes().to_vec(),
        attributes: format!("about {body}"),
        not_before,
    }
}

async fn send(store: &Store, body: &str, not_before: u64) {
    store
        .enqueue(message("q", body, not_before), NOW)
        .await
        .unwrap();
}

/// The bodies of what is due.
async fn due(store: &Store, now: u64) -> Vec<String> {
    let leased = store.lease("q", now, now + 500, 100).await.unwrap();
    let body = |message: &lambkin_store::Message| String::from_utf8(message.body.clone()).unwrap();
    leased.messages.iter().map(body).collect()
}

fn bodies(path: &Path, queue: &str) -> Vec<Vec<u8>> {
    let messages = Reader::open(path).unwrap().messages(queue).unwrap();
    messages
        .into_iter()
        .map(|waiting| waiting.message.body)
        .collect()
}

#[tokio::test]
async fn what_is_due_comes_first_come_first_served_and_the_rest_when_its_time_comes() {
    let (_folder, store) = store().await;
    for (body, not_before) in [
        ("b", NOW),
        ("late", LATER),
        ("c", NOW),
        ("a", NOW - 1),
        ("later", LATER + 1),
    ] {
        send(&store, body, not_before).await;
    }
    let leased = store.lease("q", NOW, NOW + 500, 2).await.unwrap();
    assert_eq!(
        leased
            .messages
            .iter()
            .map(|message| &message.body[..])
            .collect::<Vec<_>>(),
        [b"a", b"b"]
    );
    assert_eq!(leased.next_due, Some(NOW), "c");
    assert_eq!(due(&store, NOW).await, ["c"]);
    let none = store.lease("q", NOW, NOW + 500, 100).await.unwrap();
    assert!(none.messages.is_empty());
    assert_eq!(none.next_due, Some(NOW + 500), "the end of the leases");
    assert_eq!(due(&store, LATER).await, ["b", "c", "a", "late"]);
    let other = store.lease("other", LATER, LATER, 100).await.unwrap();
    assert_eq!((other.messages.len(), other.next_due), (0, None));
}

#[tokio::test]
async fn a_message_is_given_back_as_it_was_sent() {
    let (_folder, store) = store().await;
    let body: Vec<u8> = (0..=255).cycle().take(1024 * 1024).collect();
    let sent = NewMessage {
        body: body.clone(),
        ..message("q", "x", NOW - 5)
    };
    store.enqueue(sent, NOW).await.unwrap();
    let mut leased = store.lease("q", NOW, LATER, 1).await.unwrap();
    let message = leased.messages.remove(0);
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
async fn a_lease_that_has_run_out_is_worth_nothing() {
    let (_folder, store) = store().await;
    send(&store, "a", NOW).await;
    let first = store.lease("q", NOW, NOW + 500, 1).await.unwrap();
    let second = store.lease("q", NOW + 500, NOW + 900, 1).await.unwrap();
    let (first, second) = (&first.messages[0], &second.messages[0]);
    assert_eq!(
        (first.id, first.receives, second.id, second.receives),
        (first.id, 1, first.id, 2)
    );
    let follow_up = vec![FollowUp::Enqueue(message("other", "x", NOW))];
    let held = store.complete(first.receipt(), follow_up.clone(), LATER);
    assert!(!held.await.unwrap());
    assert!(!store.reschedule(first.receipt(), LATER, 1).await.unwrap());
    assert!(
        store
            .complete(second.receipt(), follow_up, LATER)
            .await
            .unwrap()
    );
    let left = store.statistics(LATER).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(
        (left[0].queue.as_str(), left[0].due),
        ("other", 1),
        "what followed came once"
    );
}

#[tokio::test]
async fn a_rescheduled_message_comes_again_with_its_counts() {
    let (_folder, store) = store().await;
    send(&store, "a", NOW).await;
    let leased = store.lease("q", NOW, u64::MAX, 1).await.unwrap();
    let receipt = leased.messages[0].receipt();
    assert!(store.reschedule(receipt, LATER, 7).await.unwrap());
    assert!(
        !store.complete(receipt, Vec::new(), NOW).await.unwrap(),
        "it is no longer leased"
    );
    let early = store.lease("q", LATER - 1, u64::MAX, 1).await.unwrap();
    assert_eq!((early.messages.len(), early.next_due), (0, Some(LATER)));
    let again = store.lease("q", LATER, u64::MAX, 1).await.unwrap();
    assert_eq!(
        (again.messages[0].receives, again.messages[0].attempts),
        (2, 7)
    );
}

#[tokio::test]
async fn statistics_tell_due_delayed_and_leased_apart() {
    let (_folder, store) = store().await;
    for (body, not_before) in [("leased", NOW - 1), ("due", NOW), ("delayed", LATER)] {
        send(&store, body, not_before).await;
    }
    store.lease("q", NOW, LATER, 1).await.unwrap();
    let statistics = store.statistics(NOW).await.unwrap();
    assert_eq!(statistics.len(), 1);
    let q = &statistics[0];
    assert_eq!(
        (q.queue.as_str(), q.due, q.delayed, q.leased),
        ("q", 1, 1, 1)
    );
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_store_was_dropped_without_being_closed() {
    let (_folder, path) = folder();
    let store = Store::open(&path).await.unwrap();
    send(&store, "a", NOW).await;
    send(&store, "b", NOW).await;
    store.lease("q", NOW, u64::MAX, 1).await.unwrap();
    // What a kill leaves: the file and its log, as they are, with nobody to tidy up.
    let killed = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), killed.path().join(entry.file_name())).unwrap();
    }
    let store = Store::open(&killed.path().join("store.sqlite"))
        .await
        .unwrap();
    assert_eq!(due(&store, NOW).await, ["b"], "a is leased");
    assert_eq!(store.end_leases("q", NOW).await.unwrap(), 2);
    assert_eq!(due(&store, NOW).await, ["a", "b"]);
}

#[tokio::test]
async fn a_store_can_be_opened_once_until_it_is_closed() {
    let (_folder, path) = folder();
    let store = Store::open(&path).await.unwrap();
    send(&store, "a", NOW).await;
    let error = Store::open(&path).await.unwrap_err();
    assert_eq!(error, StoreError::InUse { path: path.clone() });
    assert!(
        error.to_string().contains("another lambkin is using it"),
        "{error}"
    );
    assert_eq!(bodies(&path, "q"), [b"a"], "looking is allowed");

    store.close().await;
    let late = store.enqueue(message("q", "late", NOW), NOW).await;
    assert_eq!(late, Err(StoreError::Closed { path: path.clone() }));
    let again = Store::open(&path).await.unwrap();
    assert_eq!(due(&again, NOW).await, ["a"]);
}

#[tokio::test]
async fn a_notifier_wakes_the_consumer_of_its_queue_alone_and_is_not_missed() {
    let (_folder, store) = store().await;
    let (notifier, other) = (store.notifier("q"), store.notifier("other"));
    send(&store, "a", NOW).await;
    notifier.notified().await;
    let was_notified = |notifier: std::sync::Arc<tokio::sync::Notify>| async move {
        tokio::select! {
            biased;
            () = notifier.notified() => true,
            () = std::future::ready(()) => false,
        }
    };
    assert!(!was_notified(other.clone()).await);
    let leased = store.lease("q", NOW, LATER, 1).await.unwrap();
    let follow_up = vec![FollowUp::Enqueue(message("other", "b", NOW))];
    store
        .complete(leased.messages[0].receipt(), follow_up, NOW)
        .await
        .unwrap();
    assert!(was_notified(other).await);
    assert!(!was_notified(notifier).await);
}

#[tokio::test]
async fn a_message_whose_sender_went_away_still_wakes_the_consumer() {
    let (_folder, store) = store().await;
    let notifier = store.notifier("q");
    let mut sending = Box::pin(store.enqueue(message("q", "a", NOW), NOW));
    // Polled once it is handed in; then nobody waits for the answer any more.
    tokio::select! {
        biased;
        _ = &mut sending => {}
        () = std::future::ready(()) => {}
    }
    drop(sending);
    notifier.notified().await;
    assert_eq!(due(&store, NOW).await, ["a"]);
}

#[tokio::test]
async fn many_callers_at_once_are_all_served() {
    let (_folder, store) = store().await;
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..1000 {
        let store = store.clone();
        callers.spawn(async move {
            let sent = message("q", &n.to_string(), NOW);
            store.enqueue(sent, NOW).await.unwrap();
        });
    }
    callers.join_all().await;
    let leased = store.lease("q", NOW, LATER, 2000).await.unwrap();
    let mut numbers: Vec<u32> = leased
        .messages
        .iter()
        .map(|message| String::from_utf8_lossy(&message.body).parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_file_that_is_no_store_is_left_alone_and_named() {
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
async fn a_place_that_can_not_be_written_is_named() {
    let (folder, _) = folder();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let path = folder.path().join("file/store.sqlite");
    let text = Store::open(&path).await.unwrap_err().to_string();
    assert!(
        text.starts_with("can not open the store") && text.contains("folder"),
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
