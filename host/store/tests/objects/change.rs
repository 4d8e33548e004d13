//! What object triggers are told.

use super::*;
use lambkin_store::object::LeasedChange;

fn told_of(leased: &LeasedChange) -> (&str, &str) {
    (&leased.change.event, &leased.change.key)
}

async fn put_recorded(house: &House, key: &str, bytes: &str) -> ObjectInfo {
    let told = Put {
        event: event("ObjectCreated:Put"),
        ..put(bytes)
    };
    house.put_with(key, bytes, told).await.unwrap()
}

/// The next change, if there is one now.
async fn next_now(house: &House) -> Option<LeasedChange> {
    let mut next = Box::pin(house.objects.next_change("b"));
    let mut answered = None;
    // Whoever waits asks in a task of its own: after so many turns it has had its own.
    for _ in 0..100 {
        tokio::select! {
            biased;
            change = &mut next => answered = Some(change.unwrap()),
            _ = house.objects.bucket("b") => {}
        }
        if answered.is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }
    answered
}

#[tokio::test]
async fn a_change_says_everything_and_is_told_until_it_was() {
    let house = House::new().await;
    house.keep_versions(Versioning::On).await;
    let info = put_recorded(&house, "k", "bytes").await;
    house.clock.advance(5);
    let removed = house.objects.remove(
        "b",
        "k",
        None,
        Condition::Always,
        event("ObjectRemoved:DeleteMarkerCreated"),
    );
    let delete_marker = removed.await.unwrap().version;
    let first = house.objects.next_change("b").await.unwrap();
    let change = &first.change;
    assert_eq!(told_of(&first), ("ObjectCreated:Put", "k"));
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
    let second = house.objects.next_change("b").await.unwrap();
    assert_eq!(told_of(&second), ("ObjectRemoved:DeleteMarkerCreated", "k"));
    assert_eq!(
        (
            second.change.size,
            &second.change.etag,
            &second.change.version
        ),
        (None, &None, &delete_marker)
    );
    assert!(second.change.sequencer > first.change.sequencer);
    house.objects.ack_change(&first).await.unwrap();
    // The host goes with the second one in its hands.
    let house = house.again().await;
    let again = house.objects.next_change("b").await.unwrap();
    assert_eq!(again.change, second.change, "with the same id");
    house.objects.ack_change(&again).await.unwrap();
    assert!(next_now(&house).await.is_none());
}

#[tokio::test]
async fn what_changes_nothing_tells_nothing() {
    let house = House::new().await;
    house
        .objects
        .remove("b", "none", None, Condition::Always, event("x"))
        .await
        .unwrap();
    house
        .objects
        .remove("b", "none", Some("null"), Condition::Always, event("x"))
        .await
        .unwrap();
    let refused = Put {
        condition: Condition::Matches(Vec::new()),
        event: event("x"),
        ..Put::default()
    };
    house.put_with("k", "x", refused).await.unwrap_err();
    house.put("k", "without a notice").await;
    assert!(next_now(&house).await.is_none());
    house
        .objects
        .replace_metadata("b", "k", None, Vec::new(), event("ObjectTagging:Put"))
        .await
        .unwrap();
    assert_eq!(
        told_of(&next_now(&house).await.unwrap()),
        ("ObjectTagging:Put", "k")
    );
}

#[tokio::test]
async fn who_waits_is_woken() {
    let house = Arc::new(House::new().await);
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let objects = house.objects.clone();
        waiting.spawn(async move { objects.next_change("b").await.unwrap().change.key });
    }
    for key in ["1", "2", "3"] {
        put_recorded(&house, key, "x").await;
    }
    let mut keys = waiting.join_all().await;
    keys.sort();
    assert_eq!(keys, ["1", "2", "3"], "everyone has one of their own");
}

#[tokio::test]
async fn what_could_not_be_told_comes_again_when_its_time_has_come() {
    let house = House::new().await;
    put_recorded(&house, "late", "x").await;
    let late = house.objects.next_change("b").await.unwrap();
    house.objects.retry_change(&late, 500).await.unwrap();
    put_recorded(&house, "other", "x").await;
    assert_eq!(next_now(&house).await.unwrap().change.key, "other");
    assert!(next_now(&house).await.is_none());
    let objects = house.objects.clone();
    let waiting = tokio::spawn(async move { objects.next_change("b").await.unwrap() });
    house.clock.advance(500);
    assert_eq!(waiting.await.unwrap().change, late.change);
}

#[tokio::test]
async fn who_stops_waiting_loses_nothing() {
    let house = House::new().await;
    for n in 0..20 {
        put_recorded(&house, &n.to_string(), "x").await;
    }
    let mut keys = Vec::new();
    let mut patience = 0;
    while keys.len() < 20 {
        let mut next = Box::pin(house.objects.next_change("b"));
        // Given up after so many turns of the runtime; with more patience each time something comes.
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
        "each once"
    );
}

#[tokio::test]
async fn only_what_somebody_wants_to_be_told_is_kept() {
    let house = House::new().await;
    house.objects.create("c", Vec::new()).await.unwrap();
    put_recorded(&house, "before", "x").await;
    house
        .objects
        .set_watched_buckets(&["c".to_owned()])
        .await
        .unwrap();
    put_recorded(&house, "unwanted", "x").await;
    assert_eq!(house.event_queues().statistics(NOW).await.unwrap().len(), 0);
    house
        .objects
        .set_watched_buckets(&["b".to_owned()])
        .await
        .unwrap();
    put_recorded(&house, "wanted", "x").await;
    assert_eq!(next_now(&house).await.unwrap().change.key, "wanted");
}
