//! What survives a kill: everything that was answered.

use lambkin_store::queue::ReceiptResult;

use super::*;

/// The store as a kill at this moment leaves it: the file and its log, with nobody to tidy up.
async fn killed(room: &Room) -> (TempDir, Queues) {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(room.path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let store = Store::open(&folder.path().join("store.sqlite"))
        .await
        .unwrap();
    (folder, Queues::new(store, Arc::new(room.clock.clone())))
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill_and_receipts_hold() {
    let room = ordered().await;
    room.queues.create("q", Settings::default()).await.unwrap();
    room.send_all("q", vec![entry("a"), entry("b"), delayed("c", 5000)])
        .await;
    let sent = room
        .send_all("q.fifo", vec![of("g", "1"), of("g", "2")])
        .await;
    let a = room.one("q").await;
    let one = room.one("q.fifo").await;
    let (_folder, queues) = killed(&room).await;

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
