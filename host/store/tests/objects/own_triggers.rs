//! Triggers that a service keeps with a bucket.

use std::collections::HashSet;

use lambkin_store::object::{TRIGGERS_ATTRIBUTE, TRIGGERS_CHANGED};

use super::*;

fn attributes(triggers: &str) -> Vec<(String, String)> {
    vec![(TRIGGERS_ATTRIBUTE.to_owned(), triggers.to_owned())]
}

async fn set(fixture: &Fixture, triggers: &str) {
    let attributes = attributes(triggers);
    let changed = fixture.objects.change("b", Versioning::Off, attributes);
    changed.await.unwrap();
}

async fn put_with_event(fixture: &Fixture, key: &str) {
    let put = Put {
        event: event("put"),
        ..put("x")
    };
    fixture.put_with(key, "x", put).await.unwrap();
}

/// The events and keys of all changes that wait.
async fn changes(fixture: &Fixture, count: usize) -> Vec<(String, String)> {
    let mut changes = Vec::new();
    for _ in 0..count {
        let leased = fixture.objects.next_change("b").await.unwrap();
        fixture.objects.ack_change(&leased).await.unwrap();
        changes.push((leased.change.event, leased.change.key));
    }
    changes
}

fn pair(event: &str, key: &str) -> (String, String) {
    (event.to_owned(), key.to_owned())
}

#[tokio::test]
async fn changes_are_recorded_as_soon_as_a_bucket_has_triggers_and_after_the_news_of_them() {
    let fixture = Fixture::new().await;
    fixture.objects.set_watched_buckets(&[]).await.unwrap();
    put_with_event(&fixture, "before").await;
    set(&fixture, "[1]").await;
    put_with_event(&fixture, "a").await;
    // The same triggers are no news, and other attributes neither.
    set(&fixture, "[1]").await;
    put_with_event(&fixture, "b").await;
    set(&fixture, "[2]").await;
    let expected = [
        pair(TRIGGERS_CHANGED, ""),
        pair("put", "a"),
        pair("put", "b"),
        pair(TRIGGERS_CHANGED, ""),
    ];
    assert_eq!(changes(&fixture, 4).await, expected);
    assert_eq!(
        fixture.objects.own_triggers("b").await.unwrap().as_deref(),
        Some("[2]")
    );
    set(&fixture, "").await;
    put_with_event(&fixture, "after").await;
    assert!(!fixture.objects.has_own_triggers("b"));
    assert_eq!(fixture.objects.own_triggers("b").await.unwrap(), None);
    set(&fixture, "[3]").await;
    assert_eq!(changes(&fixture, 1).await, [pair(TRIGGERS_CHANGED, "")]);
}

#[tokio::test]
async fn the_next_host_knows_the_buckets_with_triggers_and_keeps_their_changes() {
    let fixture = Fixture::new().await;
    fixture.objects.set_watched_buckets(&[]).await.unwrap();
    set(&fixture, "[1]").await;
    put_with_event(&fixture, "a").await;
    let fixture = fixture.again().await;
    fixture.objects.set_watched_buckets(&[]).await.unwrap();
    let none = HashSet::new();
    let found = fixture.objects.other_buckets_with_triggers(&none).await;
    assert_eq!(found, ["b"]);
    let expected = [pair(TRIGGERS_CHANGED, ""), pair("put", "a")];
    assert_eq!(changes(&fixture, 2).await, expected);
}

#[tokio::test]
async fn a_task_that_waits_for_buckets_with_triggers_is_woken() {
    let fixture = Fixture::new().await;
    fixture.objects.set_watched_buckets(&[]).await.unwrap();
    let objects = fixture.objects.clone();
    let waiting =
        tokio::spawn(async move { objects.other_buckets_with_triggers(&HashSet::new()).await });
    tokio::task::yield_now().await;
    set(&fixture, "[1]").await;
    assert_eq!(waiting.await.unwrap(), ["b"]);
    fixture.objects.delete("b").await.unwrap();
    assert!(!fixture.objects.has_own_triggers("b"));
}
