//! The reader, the messages that the host itself sends to queues, and the queues of older layouts.

use lambkin_model::{Attribute, AttributeValue};
use lambkin_store::{EventQueues, FollowUp, NewEvent, QueueStatistics, Reader};
use serde_json::{Value, json};

use super::*;

fn event(queue: &str) -> NewEvent {
    NewEvent {
        queue: queue.to_owned(),
        body: b"event".to_vec(),
        attributes: "{}".to_owned(),
        not_before: NOW,
    }
}

fn statistics(queue: &str, due: u64, delayed: u64, leased: u64) -> QueueStatistics {
    QueueStatistics {
        queue: queue.to_owned(),
        due,
        delayed,
        leased,
    }
}

#[tokio::test]
async fn a_reader_sees_both_kinds_of_queues_and_changes_nothing() {
    let fixture = standard().await;
    fixture
        .queues
        .create("empty", Settings::default())
        .await
        .unwrap();
    fixture
        .event_queues()
        .enqueue(event("lambda:f"), NOW)
        .await
        .unwrap();
    // The queues of changes are internal.
    fixture
        .event_queues()
        .enqueue(event("bucket:b"), NOW)
        .await
        .unwrap();
    let picture = Entry {
        attributes: vec![Attribute {
            name: "picture".to_owned(),
            data_type: "Binary".to_owned(),
            value: AttributeValue::Binary(Bytes::from_static(b"\0")),
        }],
        ..entry("a")
    };
    let sent = fixture
        .send_all("q", vec![picture, delayed("b", 5000), entry("c")])
        .await;
    fixture.receive("q", up_to(1)).await;

    let reader = Reader::open(&fixture.path).unwrap();
    assert_eq!(
        reader.statistics(NOW).unwrap(),
        [
            statistics("empty", 0, 0, 0),
            statistics("lambda:f", 1, 0, 0),
            statistics("q", 1, 1, 1)
        ]
    );
    let seen = reader.messages("q").unwrap();
    let seen_bodies: Vec<&[u8]> = seen.iter().map(|waiting| &waiting.body[..]).collect();
    assert_eq!(seen_bodies, [b"c", b"b", b"a"]);
    let leased = &seen[2];
    assert_eq!(leased.message_id.as_ref(), Some(&sent[0].id));
    assert_eq!(
        (leased.receives, leased.sent_at, leased.due_at),
        (1, NOW, NOW + 30_000)
    );
    assert_eq!(
        leased.attributes,
        r#"{"picture":{"BinaryValue":"AA==","DataType":"Binary"}}"#
    );
    assert_eq!(reader.messages("lambda:f").unwrap()[0].message_id, None);
    assert_eq!(fixture.due("q").await, ["c"]);
}

#[tokio::test]
async fn the_follow_up_of_an_event_is_an_ordinary_message() {
    let fixture = ordered().await;
    fixture
        .event_queues()
        .enqueue(event("lambda:f"), NOW)
        .await
        .unwrap();
    let waits = {
        let queues = fixture.queues.clone();
        queues.create("done", Settings::default()).await.unwrap();
        let receive = Receive {
            wait_ms: 20_000,
            ..up_to(1)
        };
        tokio::spawn(async move { queues.receive("done", receive).await })
    };
    fixture.counts("done").await;
    let leased = fixture
        .event_queues()
        .lease("lambda:f", NOW, NOW + 5, 1)
        .await
        .unwrap();
    let receipt = leased.events[0].receipt();
    let send = |queue: &str| FollowUp::Send {
        queue: queue.to_owned(),
        entry: entry("record"),
    };
    let follow_ups = ["done", "new", "q.fifo", "q.fifo", "no name"]
        .map(send)
        .to_vec();
    assert!(
        fixture
            .event_queues()
            .complete(receipt, follow_ups.clone(), NOW)
            .await
            .unwrap()
    );
    assert!(
        !fixture
            .event_queues()
            .complete(receipt, follow_ups, NOW)
            .await
            .unwrap()
    );
    assert_eq!(bodies(&waits.await.unwrap().unwrap()), ["record"]);
    assert_eq!(
        fixture.queues.describe("new").await.unwrap().settings,
        Settings::default()
    );
    assert_eq!(fixture.due("new").await, ["record"]);
    assert_eq!(fixture.due("q.fifo").await, ["record", "record"]);
}

/// A file of layout 1 with the content that a host of that time wrote.
const FIRST_LAYOUT: &str = r#"
CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    queue      TEXT    NOT NULL,
    sent_at    INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    leased     INTEGER NOT NULL DEFAULT 0,
    receives   INTEGER NOT NULL DEFAULT 0,
    attempts   INTEGER NOT NULL DEFAULT 0,
    attributes TEXT    NOT NULL,
    body       BLOB    NOT NULL
) STRICT;
CREATE INDEX messages_in_order ON messages (queue, due_at, id);
INSERT INTO messages (queue, sent_at, due_at, attributes, body) VALUES
    ('lambda:f', 1, 1, '{"requestId":"r"}', x'31'),
    ('failed', 5, 5, '{}', x'32'),
    ('dead', 6, 6, '{"RequestID":{"DataType":"String","StringValue":"r-1"},"ErrorCode":{"DataType":"Number","StringValue":"200"}}', x'33'),
    ('failed', 7, 7, '{}', x'00ff');
PRAGMA user_version = 1;
"#;

#[tokio::test]
async fn queues_of_layout_1_are_converted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(FIRST_LAYOUT)
        .unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(
        reader.statistics(NOW).unwrap().len(),
        3,
        "a reader reads both layouts"
    );
    assert_eq!(reader.messages("failed").unwrap().len(), 2);
    drop(reader);

    let store = Store::open(&path).await.unwrap();
    // The upgrade starts the retention at the machine's time.
    let queues = Queues::new(store.clone(), Arc::new(lambkin_store::SystemClock));
    assert_eq!(
        queues.describe("failed").await.unwrap().settings,
        Settings::default()
    );
    assert_eq!(queues.counts("failed").await.unwrap().visible, 2);
    let failed = queues.receive("failed", up_to(10)).await.unwrap();
    assert_eq!(failed[0].body.as_ref(), b"2");
    assert_eq!(failed[1].body.as_ref(), [0, 255]);
    assert_eq!((failed[0].sent_at, failed[0].receives), (5, Some(1)));
    assert!(failed[0].attributes.is_empty() && failed[0].id != failed[1].id);
    assert_eq!(
        (failed[0].id.len(), failed[0].id.as_bytes()[14]),
        (36, b'4')
    );
    let seen = Reader::open(&path).unwrap().messages("dead").unwrap();
    let shown: Value = serde_json::from_str(&seen[0].attributes).unwrap();
    let expected = json!({
        "RequestID": { "DataType": "String", "StringValue": "r-1" },
        "ErrorCode": { "DataType": "Number", "StringValue": "200" },
    });
    assert_eq!(shown, expected);
    let dead = queues.receive("dead", up_to(10)).await.unwrap();
    assert_eq!(dead[0].attributes.len(), 2);
    let events = EventQueues::new(store.clone())
        .lease("lambda:f", NOW, NOW + 5, 10)
        .await
        .unwrap();
    assert_eq!(events.events.len(), 1, "events are unchanged");
}
