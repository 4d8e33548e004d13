//! What survives a kill: every answered operation.

use lambkin_store::queue::ReceiptResult;

use super::*;

/// The store as a kill at this moment leaves it: a copy of the file and its log.
async fn killed(fixture: &Fixture) -> (TempDir, Queues) {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixture.path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let store = Store::open(&folder.path().join("store.sqlite"))
        .await
        .unwrap();
    (folder, Queues::new(store, Arc::new(fixture.clock.clone())))
}

#[tokio::test]
async fn answered_operations_survive_a_kill_and_receipts_stay_valid() {
    let fixture = ordered().await;
    fixture
        .queues
        .create("q", Settings::default())
        .await
        .unwrap();
    fixture
        .send_all("q", vec![entry("a"), entry("b"), delayed("c", 5000)])
        .await;
    let sent = fixture
        .send_all("q.fifo", vec![of("g", "1"), of("g", "2")])
        .await;
    let a = fixture.one("q").await;
    let one = fixture.one("q.fifo").await;
    let (_folder, queues) = killed(&fixture).await;

    let counts = queues.counts("q").await.unwrap();
    assert_eq!((counts.visible, counts.leased, counts.delayed), (1, 1, 1));
    assert_eq!(
        queues.remove("q", vec![a.receipt]).await.unwrap(),
        [ReceiptResult::Done]
    );
    assert!(
        queues
            .receive("q.fifo", up_to(10))
            .await
            .unwrap()
            .is_empty(),
        "1 is in flight"
    );
    assert_eq!(
        queues.remove("q.fifo", vec![one.receipt]).await.unwrap(),
        [ReceiptResult::Done]
    );
    let again = queues.send("q.fifo", vec![of("g", "1")]).await.unwrap();
    assert_eq!((&again[0].id, again[0].duplicate), (&sent[0].id, true));
    let later = queues.send("q.fifo", vec![of("g", "3")]).await.unwrap();
    assert!(later[0].sequence > sent[1].sequence);
    assert_eq!(
        bodies(&queues.receive("q.fifo", up_to(10)).await.unwrap()),
        ["2", "3"]
    );
}
