//! Actions on leased messages: removing them, changing their leases, and giving them back.

use lambkin_store::queue::ReceiptResult;

use super::*;

#[tokio::test]
async fn a_receipt_is_valid_until_its_message_is_received_again() {
    let fixture = standard().await;
    fixture.send("q", &["a"]).await;
    let first = fixture.one("q").await.receipt;
    fixture.clock.advance(30_000);
    let late = fixture
        .queues
        .change_leases("q", vec![(first.clone(), 5)])
        .await
        .unwrap();
    assert_eq!(late, [ReceiptResult::NotLeased]);
    let second = fixture.one("q").await.receipt;
    let results = fixture
        .queues
        .remove("q", vec![first.clone(), second.clone(), second.clone()])
        .await;
    assert_eq!(
        results.unwrap(),
        [
            ReceiptResult::Stale,
            ReceiptResult::Done,
            ReceiptResult::Gone
        ]
    );
    let results = fixture
        .queues
        .change_leases("q", vec![(second, 1)])
        .await
        .unwrap();
    assert_eq!(results, [ReceiptResult::Gone]);

    fixture.send("q", &["b"]).await;
    let third = fixture.one("q").await.receipt;
    fixture.clock.advance(30_000);
    let late = fixture.queues.remove("q", vec![third]).await.unwrap();
    assert_eq!(
        late,
        [ReceiptResult::Done],
        "the message was not received again"
    );
    assert_eq!(fixture.counts("q").await, (0, 0, 0));
}

#[tokio::test]
async fn in_a_standard_queue_an_earlier_receipt_can_change_the_lease() {
    let fixture = standard().await;
    fixture.queues.create("q.fifo", fifo()).await.unwrap();
    fixture.send("q", &["a"]).await;
    fixture.send_all("q.fifo", vec![of("a", "1")]).await;
    for (queue, expected) in [("q", ReceiptResult::Done), ("q.fifo", ReceiptResult::Stale)] {
        let early = fixture.receive(queue, leased_for(1, 0)).await;
        assert_eq!(fixture.receive(queue, up_to(1)).await.len(), 1);
        let now = vec![(early[0].receipt.clone(), 0)];
        let strictly = fixture
            .queues
            .change_leases(queue, now.clone())
            .await
            .unwrap();
        assert_eq!(strictly, [ReceiptResult::Stale]);
        let results = fixture
            .queues
            .change_leases_by_any_receipt(queue, now.clone())
            .await;
        assert_eq!(results.unwrap(), [expected], "{queue}");
        let free = expected == ReceiptResult::Done;
        assert_eq!(!fixture.due(queue).await.is_empty(), free, "{queue}");
    }
    fixture.clock.advance(30_000);
    let early = vec![(fixture.one("q").await.receipt, 0)];
    fixture.clock.advance(30_000);
    fixture.one("q").await;
    fixture.clock.advance(30_000);
    let late = fixture
        .queues
        .change_leases_by_any_receipt("q", early)
        .await
        .unwrap();
    assert_eq!(late, [ReceiptResult::NotLeased]);
}

#[tokio::test]
async fn text_that_is_not_a_receipt_of_this_queue_is_malformed() {
    let fixture = standard().await;
    fixture
        .queues
        .create("other", Settings::default())
        .await
        .unwrap();
    fixture.send("q", &["a"]).await;
    let receipt = fixture.one("q").await.receipt;
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
    let results = fixture.queues.remove("q", wrong.clone()).await.unwrap();
    assert!(
        results
            .iter()
            .all(|results| *results == ReceiptResult::Malformed),
        "{results:?}"
    );
    let elsewhere = vec![receipt.clone()];
    assert_eq!(
        fixture
            .queues
            .remove("other", elsewhere.clone())
            .await
            .unwrap(),
        [ReceiptResult::Malformed]
    );
    assert_eq!(
        fixture
            .queues
            .dead_letter("other", elsewhere)
            .await
            .unwrap(),
        [ReceiptResult::Malformed]
    );

    fixture.queues.delete("q").await.unwrap();
    fixture
        .queues
        .create("q", Settings::default())
        .await
        .unwrap();
    let results = fixture.queues.remove("q", vec![receipt]).await.unwrap();
    assert_eq!(
        results,
        [ReceiptResult::Malformed],
        "the queue is another one"
    );
}

#[tokio::test]
async fn a_lease_can_be_made_longer_shorter_or_ended() {
    let fixture = standard().await;
    fixture.send("q", &["a"]).await;
    let receipt = fixture.one("q").await.receipt;
    let extend = |ms| {
        fixture
            .queues
            .change_leases("q", vec![(receipt.clone(), ms)])
    };
    assert_eq!(extend(100_000).await.unwrap(), [ReceiptResult::Done]);
    fixture.clock.advance(99_999);
    assert!(fixture.due("q").await.is_empty());
    assert_eq!(extend(1000).await.unwrap(), [ReceiptResult::Done]);
    assert_eq!(fixture.counts("q").await, (0, 1, 0));
    fixture.clock.advance(500);
    assert_eq!(extend(0).await.unwrap(), [ReceiptResult::Done]);
    assert_eq!(fixture.counts("q").await, (1, 0, 0));
    assert_eq!(extend(1000).await.unwrap(), [ReceiptResult::NotLeased]);
    assert_eq!(fixture.due("q").await, ["a"]);
}

#[tokio::test]
async fn no_lease_lasts_longer_than_twelve_hours_from_its_receive() {
    const HOUR: u64 = 60 * 60 * 1000;
    let fixture = standard().await;
    fixture.send("q", &["a"]).await;
    let receipt = fixture.one("q").await.receipt;
    let extend = |ms| {
        fixture
            .queues
            .change_leases("q", vec![(receipt.clone(), ms)])
    };
    assert_eq!(
        extend(12 * HOUR + 1).await.unwrap(),
        [ReceiptResult::TooLong]
    );
    assert_eq!(extend(6 * HOUR).await.unwrap(), [ReceiptResult::Done]);
    fixture.clock.advance(5 * HOUR);
    assert_eq!(
        extend(7 * HOUR + 1).await.unwrap(),
        [ReceiptResult::TooLong]
    );
    assert_eq!(extend(7 * HOUR).await.unwrap(), [ReceiptResult::Done]);
    fixture.clock.advance(7 * HOUR);
    assert_eq!(fixture.due("q").await, ["a"]);
}

#[tokio::test]
async fn a_starting_host_ends_the_leases_of_consumers_and_no_others() {
    let fixture = standard().await;
    fixture.queues.create("q.fifo", fifo()).await.unwrap();
    fixture.send("q", &["inside", "outside"]).await;
    fixture
        .send_all("q.fifo", vec![of("a", "1"), of("a", "2")])
        .await;
    let consumer = |max| Receive {
        consumer: true,
        ..up_to(max)
    };
    let inside = fixture.receive("q", consumer(1)).await;
    fixture.receive("q", up_to(1)).await;
    fixture.receive("q.fifo", consumer(10)).await;
    let path = fixture.path.clone();
    fixture.store.close().await;

    let store = Store::open(&path).await.unwrap();
    let queues = Queues::new(store, Arc::new(fixture.clock.clone()));
    assert_eq!(queues.end_consumer_leases().await.unwrap(), 3);
    let got = queues.receive("q", up_to(10)).await.unwrap();
    assert_eq!(bodies(&got), ["inside"]);
    let got = queues.receive("q.fifo", up_to(10)).await.unwrap();
    assert_eq!(bodies(&got), ["1", "2"]);
    assert_eq!(
        queues.end_consumer_leases().await.unwrap(),
        0,
        "these are leases of clients"
    );
    let late = queues.remove("q", receipts(&inside)).await.unwrap();
    assert_eq!(late, [ReceiptResult::Stale]);
}

#[tokio::test]
async fn a_message_that_is_given_back_counts_as_never_received_and_keeps_its_place() {
    let fixture = standard().await;
    let redrive = Settings {
        dead_letter: dead_letter("dead", 1),
        ..Settings::default()
    };
    fixture
        .queues
        .create("dead", Settings::default())
        .await
        .unwrap();
    fixture.queues.create("once", redrive).await.unwrap();
    fixture.queues.create("q.fifo", fifo()).await.unwrap();
    fixture.send("once", &["1", "2"]).await;
    fixture
        .send_all("q.fifo", vec![of("a", "1"), of("a", "2")])
        .await;
    for queue in ["once", "q.fifo"] {
        let got = fixture.receive(queue, up_to(10)).await;
        fixture.clock.advance(1000);
        if queue == "once" {
            fixture.send("once", &["3"]).await;
        }
        let given_back = fixture
            .queues
            .give_back(queue, receipts(&got))
            .await
            .unwrap();
        assert_eq!(given_back, [ReceiptResult::Done, ReceiptResult::Done]);
        let again = fixture
            .queues
            .give_back(queue, receipts(&got))
            .await
            .unwrap();
        assert_ne!(again, given_back, "the receipts are void");
        let got = fixture.receive(queue, up_to(10)).await;
        let expected = ["1", "2", "3"];
        assert_eq!(bodies(&got), expected[..got.len()], "{queue}");
        assert!(got.iter().all(|message| message.receives == Some(1)));
    }
    assert_eq!(fixture.due("dead").await.len(), 0);
}

#[tokio::test]
async fn a_message_that_was_received_again_is_not_given_back() {
    let fixture = standard().await;
    fixture.send("q", &["1"]).await;
    let receive = Receive {
        lease_ms: Some(1000),
        ..up_to(1)
    };
    let before = fixture.receive("q", receive).await;
    fixture.clock.advance(2000);
    let now = fixture.receive("q", up_to(1)).await;
    let given_back = fixture.queues.give_back("q", receipts(&before)).await;
    assert_eq!(given_back.unwrap(), [ReceiptResult::Stale]);
    assert!(fixture.receive("q", up_to(1)).await.is_empty());
    let removed = fixture.queues.remove("q", receipts(&now)).await.unwrap();
    assert_eq!(removed, [ReceiptResult::Done]);
}
