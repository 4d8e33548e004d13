//! Creating, defining, listing, purging and deleting queues.

use lambkin_store::queue::QueueError;

use super::*;

fn names(page: &lambkin_store::queue::Page) -> Vec<&str> {
    page.queues
        .iter()
        .map(|queue| queue.name.as_str())
        .collect()
}

#[tokio::test]
async fn a_queue_is_described_as_it_was_created_and_changed() {
    let fixture = fixture().await;
    let settings = Settings {
        ordered: true,
        lease_ms: 1,
        delay_ms: 2,
        retention_ms: 60_000,
        deduplication_by_group: true,
        dead_letter: dead_letter("dead.fifo", 3),
        attributes: vec![("tag:a".to_owned(), "\"ü\"".to_owned())],
    };
    fixture
        .queues
        .create("q.fifo", settings.clone())
        .await
        .unwrap();
    let again = fixture.queues.create("q.fifo", settings.clone()).await;
    assert_eq!(again, Err(QueueError::Exists));
    fixture.clock.advance(7);
    let described = fixture.queues.describe("q.fifo").await.unwrap();
    assert_eq!(
        (&described.settings, described.name.as_str()),
        (&settings, "q.fifo")
    );
    assert_eq!(
        (
            described.created_at,
            described.changed_at,
            described.purged_at
        ),
        (NOW, NOW, None)
    );

    fixture
        .queues
        .change("q.fifo", Settings::default())
        .await
        .unwrap();
    let described = fixture.queues.describe("q.fifo").await.unwrap();
    assert_eq!(described.settings, fifo(), "a queue stays ordered");
    assert_eq!((described.created_at, described.changed_at), (NOW, NOW + 7));
    assert_eq!(
        fixture.queues.change("no", fifo()).await,
        Err(QueueError::Missing)
    );
    assert_eq!(
        fixture.queues.describe("no").await,
        Err(QueueError::Missing)
    );
}

#[tokio::test]
async fn defining_a_queue_creates_or_changes_it_and_keeps_its_messages() {
    let fixture = fixture().await;
    fixture
        .queues
        .define("q", Settings::default())
        .await
        .unwrap();
    fixture.send("q", &["a"]).await;
    fixture.clock.advance(5);
    fixture
        .queues
        .define("q", Settings::default())
        .await
        .unwrap();
    assert_eq!(
        fixture.queues.describe("q").await.unwrap().changed_at,
        NOW,
        "nothing has changed"
    );
    let other = Settings {
        lease_ms: 1000,
        ..Settings::default()
    };
    fixture.queues.define("q", other.clone()).await.unwrap();
    let described = fixture.queues.describe("q").await.unwrap();
    assert_eq!((described.settings, described.changed_at), (other, NOW + 5));
    assert_eq!(fixture.due("q").await, ["a"]);
    let refused = fixture
        .queues
        .define("q", fifo())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("q is a standard queue and cannot become an ordered one"),
        "{refused}"
    );
}

#[tokio::test]
async fn invalid_names_and_settings_are_refused() {
    let fixture = fixture().await;
    for name in [
        "",
        ".fifo",
        "a b",
        "a:b",
        "ü",
        "a.fif",
        "a.fifo.fifo",
        &"x".repeat(81),
    ] {
        let refused = fixture.queues.create(name, Settings::default()).await;
        assert!(matches!(refused, Err(QueueError::Invalid(_))), "{name}");
    }
    fixture
        .queues
        .create(&"x".repeat(80), Settings::default())
        .await
        .unwrap();
    let never = Settings {
        dead_letter: dead_letter("dead", 0),
        ..Settings::default()
    };
    let large = Settings {
        attributes: vec![("a".to_owned(), "x".repeat(64 * 1024))],
        ..Settings::default()
    };
    for settings in [never, large] {
        let refused = fixture.queues.create("q", settings).await;
        assert!(
            matches!(refused, Err(QueueError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert_eq!(fixture.queues.describe("q").await, Err(QueueError::Missing));
}

#[tokio::test]
async fn queues_are_listed_by_name_in_pages() {
    let fixture = fixture().await;
    for name in ["b-2", "a", "b-1", "b_", "b-3", "c"] {
        fixture
            .queues
            .create(name, Settings::default())
            .await
            .unwrap();
    }
    let list = |prefix, after, max| fixture.queues.list(prefix, after, max);
    let page = list("", None, 100).await.unwrap();
    assert_eq!(
        (names(&page), page.more),
        (vec!["a", "b-1", "b-2", "b-3", "b_", "c"], false)
    );
    let page = list("b-", None, 2).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["b-1", "b-2"], true));
    let page = list("b-", Some("b-2"), 2).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["b-3"], false));
    assert!(names(&list("x", None, 2).await.unwrap()).is_empty());
}

#[tokio::test]
async fn a_page_is_limited_in_bytes() {
    let fixture = fixture().await;
    let count = 300;
    for n in 0..count {
        let large = Settings {
            attributes: vec![("a".to_owned(), "x".repeat(60 << 10))],
            ..Settings::default()
        };
        fixture
            .queues
            .create(&format!("q{n:03}"), large)
            .await
            .unwrap();
    }
    let first = fixture.queues.list("", None, 10_000).await.unwrap();
    assert!(first.more && first.queues.len() < count);
    let last = first.queues.last().map(|queue| queue.name.as_str());
    let second = fixture.queues.list("", last, 10_000).await.unwrap();
    assert_eq!(first.queues.len() + second.queues.len(), count);
    assert!(!second.more);
}

#[tokio::test]
async fn the_sources_of_a_dead_letter_queue_are_listed() {
    let fixture = fixture().await;
    let with = |queue| Settings {
        dead_letter: dead_letter(queue, 1),
        ..Settings::default()
    };
    fixture
        .queues
        .create("dead", Settings::default())
        .await
        .unwrap();
    for (name, to) in [("b", "dead"), ("a", "dead"), ("c", "else"), ("d", "dead")] {
        fixture.queues.create(name, with(to)).await.unwrap();
    }
    let page = fixture
        .queues
        .dead_letter_sources("dead", None, 2)
        .await
        .unwrap();
    assert_eq!((names(&page), page.more), (vec!["a", "b"], true));
    let page = fixture
        .queues
        .dead_letter_sources("dead", Some("b"), 2)
        .await
        .unwrap();
    assert_eq!((names(&page), page.more), (vec!["d"], false));
    let missing = fixture.queues.dead_letter_sources("no", None, 2).await;
    assert_eq!(missing, Err(QueueError::Missing));
}

#[tokio::test]
async fn a_deleted_queue_loses_its_messages_and_is_remembered_for_a_minute() {
    let fixture = standard().await;
    fixture.send("q", &["a", "b"]).await;
    assert_eq!(fixture.queues.deleted_at("q").await.unwrap(), None);
    fixture.queues.delete("q").await.unwrap();
    assert_eq!(fixture.queues.delete("q").await, Err(QueueError::Missing));
    assert_eq!(fixture.queues.counts("q").await, Err(QueueError::Missing));
    fixture.clock.advance(59_999);
    assert_eq!(fixture.queues.deleted_at("q").await.unwrap(), Some(NOW));
    fixture.clock.advance(1);
    assert_eq!(fixture.queues.deleted_at("q").await.unwrap(), None);
    fixture
        .queues
        .create("q", Settings::default())
        .await
        .unwrap();
    assert!(fixture.due("q").await.is_empty());
    fixture.queues.delete("q").await.unwrap();
    fixture
        .queues
        .create("q", Settings::default())
        .await
        .unwrap();
    assert_eq!(
        fixture.queues.deleted_at("q").await.unwrap(),
        None,
        "the queue exists again"
    );
}

#[tokio::test]
async fn a_purge_deletes_all_messages_and_frees_their_space() {
    let fixture = ordered().await;
    let delayed = Entry {
        delay_ms: Some(5000),
        ..of("c", "late")
    };
    fixture
        .send_all(
            "q.fifo",
            vec![of("a", "1"), of("a", "2"), of("b", "1"), delayed],
        )
        .await;
    let taken = fixture.receive("q.fifo", up_to(1)).await;
    fixture.clock.advance(5);
    fixture.queues.purge("q.fifo").await.unwrap();
    assert_eq!(fixture.counts("q.fifo").await, (0, 0, 0));
    assert!(fixture.due("q.fifo").await.is_empty());
    let described = fixture.queues.describe("q.fifo").await.unwrap();
    assert_eq!(described.purged_at, Some(NOW + 5));
    let settled = fixture
        .queues
        .remove("q.fifo", receipts(&taken))
        .await
        .unwrap();
    assert_eq!(settled, [lambkin_store::queue::ReceiptResult::Gone]);
    fixture.send_all("q.fifo", vec![of("a", "3")]).await;
    assert_eq!(fixture.due("q.fifo").await, ["3"], "the group is free");
    let repeated = fixture
        .send_all("q.fifo", vec![of("a", "1"), of("a", "3")])
        .await;
    assert!(!repeated[0].duplicate, "purged ids are forgotten");
    assert!(repeated[1].duplicate, "later ids are not");

    let queues = fixture.queues.clone();
    let maintenance = tokio::spawn(async move { queues.maintain().await });
    let rows = || {
        let file = rusqlite::Connection::open(&fixture.path).unwrap();
        let count = |table| {
            let sql = format!("SELECT count(*) FROM {table}");
            file.query_row(&sql, [], |row| row.get::<_, i64>(0))
                .unwrap()
        };
        (
            count("queue_messages"),
            count("queue_groups"),
            count("queue_piles"),
        )
    };
    while rows() != (2, 1, 1) {
        tokio::task::yield_now().await;
    }
    fixture.store.close().await;
    fixture.clock.advance(60_000);
    maintenance.await.unwrap();
}
