//! What becomes of leased messages: removal, other leases, and the receipts that prove them.

use lambkin_store::queue::ReceiptResult;

use super::*;

#[tokio::test]
async fn a_receipt_is_good_until_the_message_is_handed_out_again() {
    let room = standard().await;
    room.send("q", &["a"]).await;
    let first = room.one("q").await.receipt;
    room.clock.advance(30_000);
    let late = room
        .queues
        .change_leases("q", vec![(first.clone(), 5)])
        .await
        .unwrap();
    assert_eq!(late, [ReceiptResult::NotLeased]);
    let second = room.one("q").await.receipt;
    let settled = room
        .queues
        .remove("q", vec![first.clone(), second.clone(), second.clone()])
        .await;
    assert_eq!(
        settled.unwrap(),
        [
            ReceiptResult::Stale,
            ReceiptResult::Done,
            ReceiptResult::Gone
        ]
    );
    let settled = room
        .queues
        .change_leases("q", vec![(second, 1)])
        .await
        .unwrap();
    assert_eq!(settled, [ReceiptResult::Gone]);

    room.send("q", &["b"]).await;
    let third = room.one("q").await.receipt;
    room.clock.advance(30_000);
    let late = room.queues.remove("q", vec![third]).await.unwrap();
    assert_eq!(late, [ReceiptResult::Done], "nobody else has got it");
    assert_eq!(room.counts("q").await, (0, 0, 0));
}

#[tokio::test]
async fn a_lease_can_be_changed_by_an_earlier_receipt_if_order_does_not_matter() {
    let room = standard().await;
    room.queues.create("q.fifo", fifo()).await.unwrap();
    room.send("q", &["a"]).await;
    room.send_all("q.fifo", vec![of("a", "1")]).await;
    for (queue, expected) in [("q", ReceiptResult::Done), ("q.fifo", ReceiptResult::Stale)] {
        let early = room.receive(queue, leased_for(1, 0)).await;
        assert_eq!(room.receive(queue, up_to(1)).await.len(), 1);
        let now = vec![(early[0].receipt.clone(), 0)];
        let strictly = room.queues.change_leases(queue, now.clone()).await.unwrap();
        assert_eq!(strictly, [ReceiptResult::Stale]);
        let settled = room
            .queues
            .change_leases_by_any_receipt(queue, now.clone())
            .await;
        assert_eq!(settled.unwrap(), [expected], "{queue}");
        let free = expected == ReceiptResult::Done;
        assert_eq!(!room.due(queue).await.is_empty(), free, "{queue}");
    }
    room.clock.advance(30_000);
    let early = vec![(room.one("q").await.receipt, 0)];
    room.clock.advance(30_000);
    room.one("q").await;
    room.clock.advance(30_000);
    let late = room
        .queues
        .change_leases_by_any_receipt("q", early)
        .await
        .unwrap();
    assert_eq!(late, [ReceiptResult::NotLeased]);
}

#[tokio::test]
async fn text_that_is_no_receipt_of_this_queue_is_malformed() {
    let room = standard().await;
    room.queues
        .create("other", Settings::default())
        .await
        .unwrap();
    room.send("q", &["a"]).await;
    let receipt = room.one("q").await.receipt;
    assert!(
        receipt
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    let changed = format!("{}A", &receipt[..receipt.len() - 1]);
    let wrong = [
        "",
        "x",
        "not a receipt",
        "ü",
        &receipt[1..],
        &format!("{receipt}A"),
        &changed,
    ];
    let wrong: Vec<String> = wrong
        .iter()
        .filter(|text| **text != receipt)
        .map(ToString::to_string)
        .collect();
    let settled = room.queues.remove("q", wrong.clone()).await.unwrap();
    assert!(
        settled
            .iter()
            .all(|settled| *settled == ReceiptResult::Malformed),
        "{settled:?}"
    );
    let elsewhere = vec![receipt.clone()];
    assert_eq!(
        room.queues
            .remove("other", elsewhere.clone())
            .await
            .unwrap(),
        [ReceiptResult::Malformed]
    );
    assert_eq!(
        room.queues.dead_letter("other", elsewhere).await.unwrap(),
        [ReceiptResult::Malformed]
    );

    room.queues.delete("q").await.unwrap();
    room.queues.create("q", Settings::default()).await.unwrap();
    let settled = room.queues.remove("q", vec![receipt]).await.unwrap();
    assert_eq!(settled, [ReceiptResult::Malformed], "it is another queue");
}

#[tokio::test]
async fn a_lease_can_be_made_longer_shorter_or_ended() {
    let room = standard().await;
    room.send("q", &["a"]).await;
    let receipt = room.one("q").await.receipt;
    let extend = |ms| room.queues.change_leases("q", vec![(receipt.clone(), ms)]);
    assert_eq!(extend(100_000).await.unwrap(), [ReceiptResult::Done]);
    room.clock.advance(99_999);
    assert!(room.due("q").await.is_empty());
    assert_eq!(extend(1000).await.unwrap(), [ReceiptResult::Done]);
    assert_eq!(room.counts("q").await, (0, 1, 0));
    room.clock.advance(500);
    assert_eq!(extend(0).await.unwrap(), [ReceiptResult::Done]);
    assert_eq!(room.counts("q").await, (1, 0, 0));
    assert_eq!(extend(1000).await.unwrap(), [ReceiptResult::NotLeased]);
    assert_eq!(room.due("q").await, ["a"]);
}

#[tokio::test]
async fn no_lease_lasts_longer_than_twelve_hours_from_its_receive() {
    const HOUR: u64 = 60 * 60 * 1000;
    let room = standard().await;
    room.send("q", &["a"]).await;
    let receipt = room.one("q").await.receipt;
    let extend = |ms| room.queues.change_leases("q", vec![(receipt.clone(), ms)]);
    assert_eq!(
        extend(12 * HOUR + 1).await.unwrap(),
        [ReceiptResult::TooLong]
    );
    assert_eq!(extend(6 * HOUR).await.unwrap(), [ReceiptResult::Done]);
    room.clock.advance(5 * HOUR);
    assert_eq!(
        extend(7 * HOUR + 1).await.unwrap(),
        [ReceiptResult::TooLong]
    );
    assert_eq!(extend(7 * HOUR).await.unwrap(), [ReceiptResult::Done]);
    room.clock.advance(7 * HOUR);
    assert_eq!(room.due("q").await, ["a"]);
}

#[tokio::test]
async fn a_host_that_starts_frees_what_its_consumers_held_and_nothing_else() {
    let room = standard().await;
    room.queues.create("q.fifo", fifo()).await.unwrap();
    room.send("q", &["inside", "outside"]).await;
    room.send_all("q.fifo", vec![of("a", "1"), of("a", "2")])
        .await;
    let consumer = |max| Receive {
        consumer: true,
        ..up_to(max)
    };
    let inside = room.receive("q", consumer(1)).await;
    room.receive("q", up_to(1)).await;
    room.receive("q.fifo", consumer(10)).await;
    let path = room.path.clone();
    room.store.close().await;

    let store = Store::open(&path).await.unwrap();
    let queues = Queues::new(store, Arc::new(room.clock.clone()));
    assert_eq!(queues.end_consumer_leases().await.unwrap(), 3);
    let got = queues.receive("q", up_to(10)).await.unwrap();
    assert_eq!(bodies(&got), ["inside"]);
    let got = queues.receive("q.fifo", up_to(10)).await.unwrap();
    assert_eq!(bodies(&got), ["1", "2"]);
    assert_eq!(
        queues.end_consumer_leases().await.unwrap(),
        0,
        "these are of clients"
    );
    let late = queues.remove("q", receipts(&inside)).await.unwrap();
    assert_eq!(late, [ReceiptResult::Stale]);
}

#[tokio::test]
async fn what_is_given_back_was_never_received_and_keeps_its_place() {
    let room = standard().await;
    let redrive = Settings {
        dead_letter: dead_letter("dead", 1),
        ..Settings::default()
    };
    room.queues
        .create("dead", Settings::default())
        .await
        .unwrap();
    room.queues.create("once", redrive).await.unwrap();
    room.queues.create("q.fifo", fifo()).await.unwrap();
    room.send("once", &["1", "2"]).await;
    room.send_all("q.fifo", vec![of("a", "1"), of("a", "2")])
        .await;
    for queue in ["once", "q.fifo"] {
        let got = room.receive(queue, up_to(10)).await;
        room.clock.advance(1000);
        if queue == "once" {
            room.send("once", &["3"]).await;
        }
        let given_back = room.queues.give_back(queue, receipts(&got)).await.unwrap();
        assert_eq!(given_back, [ReceiptResult::Done, ReceiptResult::Done]);
        let again = room.queues.give_back(queue, receipts(&got)).await.unwrap();
        assert_ne!(again, given_back, "the receipts are no longer good");
        let got = room.receive(queue, up_to(10)).await;
        let expected = ["1", "2", "3"];
        assert_eq!(bodies(&got), expected[..got.len()], "{queue}");
        assert!(got.iter().all(|message| message.receives == 1));
    }
    assert_eq!(room.due("dead").await.len(), 0);
}

#[tokio::test]
async fn what_somebody_else_has_by_now_is_not_given_back() {
    let room = standard().await;
    room.send("q", &["1"]).await;
    let receive = Receive {
        lease_ms: Some(1000),
        ..up_to(1)
    };
    let before = room.receive("q", receive).await;
    room.clock.advance(2000);
    let now = room.receive("q", up_to(1)).await;
    let given_back = room.queues.give_back("q", receipts(&before)).await;
    assert_eq!(given_back.unwrap(), [ReceiptResult::Stale]);
    assert!(room.receive("q", up_to(1)).await.is_empty());
    let removed = room.queues.remove("q", receipts(&now)).await.unwrap();
    assert_eq!(removed, [ReceiptResult::Done]);
}
