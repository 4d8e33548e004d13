//! Recording changes and delivering them to object triggers.

use super::*;
use lambkin_store::object::LeasedChange;

fn described(leased: &LeasedChange) -> (&str, &str) {
    (&leased.change.event, &leased.change.key)
}

async fn put_recorded(fixture: &Fixture, key: &str, bytes: &str) -> ObjectInfo {
    let recorded = Put {
        event: event("ObjectCreated:Put"),
        ..put(bytes)
    };
    fixture.put_with(key, bytes, recorded).await.unwrap()
}

/// The next change, if there is one now.
async fn next_now(fixture: &Fixture) -> Option<LeasedChange> {
    let mut next = Box::pin(fixture.objects.next_change("b"));
    let mut answered = None;
    // The change is looked up in a task of its own. A hundred yields are enough for that task to have run.
    for _ in 0..100 {
        tokio::select! {
            biased;
            change = &mut next => answered = Some(change.unwrap()),
            _ = fixture.objects.bucket("b") => {}
        }
        if answered.is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }
    answered
}

#[tokio::test]
async fn a_change_is_described_completely_and_delivered_until_it_is_acknowledged() {
    let fixture = Fixture::new().await;
    fixture.keep_versions(Versioning::On).await;
    let info = put_recorded(&fixture, "k", "bytes").await;
    fixture.clock.advance(5);
    let removed = fixture.objects.remove(
        "b",
        "k",
        None,
        Condition::Always,
        event("ObjectRemoved:DeleteMarkerCreated"),
    );
    let delete_marker = removed.await.unwrap().version;
    let first = fixture.objects.next_change("b").await.unwrap();
    let change = &first.change;
    assert_eq!(described(&first), ("ObjectCreated:Put", "k"));
    assert_eq!(
        (change.bucket.as_str(), change.size, change.at),
        ("b", Some(5), NOW)
    );
    assert_eq!(
        (&change.etag, &change.version),
        (&Some(info.etag), &info.version)
    );
    assert_eq!(
        change.extra,
        [("source-ip".to_owned(), "127.0.0.1".to_owned())]
    );
    assert_eq!(change.id.len(), 36);
    let second = fixture.objects.next_change("b").await.unwrap();
    assert_eq!(
        described(&second),
        ("ObjectRemoved:DeleteMarkerCreated", "k")
    );
    assert_eq!(
        (
            second.change.size,
            &second.change.etag,
            &second.change.version
        ),
        (None, &None, &delete_marker)
    );
    assert!(second.change.sequencer > first.change.sequencer);
    fixture.objects.ack_change(&first).await.unwrap();
    // The host ends while the second change is leased.
    let fixture = fixture.again().await;
    let again = fixture.objects.next_change("b").await.unwrap();
    assert_eq!(again.change, second.change, "the id is the same");
    fixture.objects.ack_change(&again).await.unwrap();
    assert!(next_now(&fixture).await.is_none());
}

#[tokio::test]
async fn an_operation_that_changes_nothing_records_no_change() {
    let fixture = Fixture::new().await;
    fixture
        .objects
        .remove(
            "b",
            "none",
            None,
            Condition::Matches(Vec::new()),
            event("x"),
        )
        .await
        .unwrap_err();
    fixture
        .objects
        .remove("b", "none", Some("null"), Condition::Always, event("x"))
        .await
        .unwrap();
    let refused = Put {
        condition: Condition::Matches(Vec::new()),
        event: event("x"),
        ..Put::default()
    };
    fixture.put_with("k", "x", refused).await.unwrap_err();
    fixture.put("k", "without an event").await;
    assert!(next_now(&fixture).await.is_none());
    fixture
        .objects
        .replace_metadata("b", "k", None, Vec::new(), event("ObjectTagging:Put"))
        .await
        .unwrap();
    assert_eq!(
        described(&next_now(&fixture).await.unwrap()),
        ("ObjectTagging:Put", "k")
    );
}

#[tokio::test]
async fn a_waiting_caller_is_woken() {
    let fixture = Arc::new(Fixture::new().await);
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let objects = fixture.objects.clone();
        waiting.spawn(async move { objects.next_change("b").await.unwrap().change.key });
    }
    for key in ["1", "2", "3"] {
        put_recorded(&fixture, key, "x").await;
    }
    let mut keys = waiting.join_all().await;
    keys.sort();
    assert_eq!(keys, ["1", "2", "3"], "each caller gets another change");
}

#[tokio::test]
async fn a_change_that_could_not_be_delivered_is_delivered_again_when_it_is_due() {
    let fixture = Fixture::new().await;
    put_recorded(&fixture, "late", "x").await;
    let late = fixture.objects.next_change("b").await.unwrap();
    fixture.objects.retry_change(&late, 500).await.unwrap();
    put_recorded(&fixture, "other", "x").await;
    assert_eq!(next_now(&fixture).await.unwrap().change.key, "other");
    assert!(next_now(&fixture).await.is_none());
    let objects = fixture.objects.clone();
    let waiting = tokio::spawn(async move { objects.next_change("b").await.unwrap() });
    fixture.clock.advance(500);
    assert_eq!(waiting.await.unwrap().change, late.change);
}

#[tokio::test]
async fn a_caller_that_stops_waiting_loses_no_change() {
    let fixture = Fixture::new().await;
    for n in 0..20 {
        put_recorded(&fixture, &n.to_string(), "x").await;
    }
    let mut keys = Vec::new();
    let mut patience = 0;
    while keys.len() < 20 {
        let mut next = Box::pin(fixture.objects.next_change("b"));
        // The caller gives up after a number of yields, which grows until a change arrives in time.
        for _ in 0..patience {
            tokio::select! {
                biased;
                change = &mut next => {
                    keys.push(change.unwrap().change.key);
                    break;
                }
                () = tokio::task::yield_now() => {}
            }
        }
        patience += 1;
        assert!(patience < 1_000_000);
    }
    keys.sort_by_key(|key| key.parse::<u32>().unwrap());
    assert_eq!(
        keys,
        (0..20).map(|n| n.to_string()).collect::<Vec<_>>(),
        "each change is delivered once"
    );
}

#[tokio::test]
async fn only_changes_of_watched_buckets_are_recorded() {
    let fixture = Fixture::new().await;
    fixture.objects.create("c", Vec::new()).await.unwrap();
    put_recorded(&fixture, "before", "x").await;
    fixture
        .objects
        .set_watched_buckets(&["c".to_owned()])
        .await
        .unwrap();
    put_recorded(&fixture, "unwanted", "x").await;
    assert_eq!(
        fixture.event_queues().statistics(NOW).await.unwrap().len(),
        0
    );
    fixture
        .objects
        .set_watched_buckets(&["b".to_owned()])
        .await
        .unwrap();
    put_recorded(&fixture, "wanted", "x").await;
    assert_eq!(next_now(&fixture).await.unwrap().change.key, "wanted");
}

#[tokio::test]
async fn the_removal_of_a_key_without_an_object_is_a_change_as_in_s3() {
    let fixture = Fixture::new().await;
    let remove = |version| {
        let event = event("ObjectRemoved:Delete");
        (fixture.objects).remove("b", "none", version, Condition::Always, event)
    };
    assert!(!remove(None).await.unwrap().existed);
    assert!(!remove(Some("null")).await.unwrap().existed);
    let change = fixture.objects.next_change("b").await.unwrap();
    assert_eq!(described(&change), ("ObjectRemoved:Delete", "none"));
    assert_eq!((change.change.size, &change.change.etag), (None, &None));
    assert!(next_now(&fixture).await.is_none());
}

#[tokio::test]
async fn a_removal_can_depend_on_the_metadata_that_its_caller_has_seen() {
    let fixture = Fixture::new().await;
    fixture.keep_versions(Versioning::On).await;
    let seen = fixture.put("k", "bytes").await;
    let version = seen.version.as_deref();
    let lock = vec![("lock".to_owned(), "on".to_owned())];
    let locked = fixture
        .objects
        .replace_metadata("b", "k", version, lock.clone(), None);
    locked.await.unwrap();
    let remove = async |metadata| {
        let (objects, always) = (&fixture.objects, Condition::Always);
        objects
            .remove_unchanged("b", "k", version, always, metadata, None)
            .await
    };
    assert_eq!(
        remove(seen.metadata.clone()).await,
        Err(ObjectError::PreconditionFailed)
    );
    assert_eq!(fixture.get("k").await.unwrap(), "bytes");
    assert!(remove(lock.clone()).await.unwrap().existed);
    // What does not exist has nothing that could have changed.
    assert!(!remove(lock).await.unwrap().existed);
}
