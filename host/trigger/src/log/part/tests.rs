use std::sync::atomic::{AtomicBool, Ordering};

use lambkin_model::Place;
use lambkin_store::Store;

use super::*;

/// A part with the messages `1` to `5`. The cursor behind a message is its number.
#[derive(Clone, Default)]
struct Numbers {
    ends: Arc<AtomicBool>,
}

impl Log for Numbers {
    async fn read(
        &self,
        position: Position<'_>,
        max: usize,
        _: Duration,
    ) -> Result<Polled, SourceError> {
        assert_eq!(position.part, Some("p"));
        let from = position.cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let numbers = (from + 1..=5_usize).take(max);
        Ok(Polled {
            messages: numbers.map(message).collect(),
            cursor: None,
            ended: self.ends.load(Ordering::Relaxed) && from + max >= 5,
        })
    }
}

fn message(number: usize) -> Message {
    Message {
        id: number.to_string(),
        receipt: String::new(),
        body: "{}".into(),
        attributes: Vec::new(),
        group: None,
        deduplication: None,
        key: None,
        place: Some(Place {
            part: "p".to_owned(),
            cursor: number.to_string(),
        }),
        sequence: None,
        sent_at: 0,
        first_received_at: None,
        receives: None,
        source: None,
        extra: Vec::new(),
    }
}

struct Fixture {
    messages: PartMessages<Numbers>,
    cursors: Cursors,
    ends: Arc<AtomicBool>,
    ended: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.sqlite")).await;
        let cursors = Cursors::new(store.unwrap());
        let log = Numbers::default();
        let ends = Arc::clone(&log.ends);
        let ended = CancellationToken::new();
        let name = PartName {
            trigger: "t".into(),
            source: "s".into(),
            part: "p".to_owned(),
        };
        let progress = PartProgress::default();
        let messages = PartMessages::new(log, name, cursors.clone(), progress, ended.clone());
        Self {
            messages,
            cursors,
            ends,
            ended,
            _folder: folder,
        }
    }

    /// The ids of the messages of the next batch, with their receipts.
    async fn batch(&self, max: usize) -> Vec<(String, String)> {
        self.messages.begin_batch().await;
        let received = self.messages.receive(max, Duration::ZERO).await.unwrap();
        let received = received.into_iter();
        received
            .map(|message| (message.id, message.receipt))
            .collect()
    }

    async fn apply(&self, batch: &[(String, String)], action: &Action) {
        let actions = batch
            .iter()
            .map(|(_, receipt)| (receipt.clone(), action.clone()));
        let actions: Vec<_> = actions.collect();
        self.messages.apply(&actions).await.unwrap();
    }

    async fn stored(&self) -> Option<PartProgress> {
        self.cursors.of("t", "s").await.unwrap().remove("p")
    }
}

fn ids(batch: &[(String, String)]) -> Vec<&str> {
    batch.iter().map(|(id, _)| id.as_str()).collect()
}

fn behind(number: usize) -> Option<PartProgress> {
    Some(PartProgress {
        cursor: Some(number.to_string()),
        ended: false,
    })
}

#[tokio::test]
async fn the_cursor_follows_the_settled_messages() {
    let part = Fixture::new().await;
    let batch = part.batch(2).await;
    assert_eq!(ids(&batch), ["1", "2"]);
    assert_eq!(part.stored().await, None);
    part.apply(&batch[1..], &Action::Ack).await;
    assert_eq!(part.stored().await, None);
    part.apply(&batch[..1], &Action::Ack).await;
    assert_eq!(part.stored().await, behind(2));
    assert_eq!(ids(&part.batch(10).await), ["3", "4", "5"]);
}

#[tokio::test]
async fn a_batch_that_failed_is_read_again_from_its_first_failure_on() {
    let part = Fixture::new().await;
    let batch = part.batch(3).await;
    part.apply(&batch[..1], &Action::Ack).await;
    part.apply(&batch[1..2], &Action::Retry(Some(1))).await;
    part.apply(&batch[2..], &Action::Ack).await;
    assert_eq!(part.stored().await, behind(1));
    let again = part.batch(3).await;
    assert_eq!(ids(&again), ["2", "3", "4"]);
    // Receipts of the batch before no longer have any effect.
    part.apply(&batch[1..], &Action::Ack).await;
    assert_eq!(part.stored().await, behind(1));
    part.apply(&again, &Action::DeadLetter("no".to_owned()))
        .await;
    assert_eq!(part.stored().await, behind(4));
}

#[tokio::test]
async fn messages_that_are_given_back_are_read_again_and_are_no_failure() {
    let part = Fixture::new().await;
    let batch = part.batch(3).await;
    let receipts = batch[1..].iter().map(|(_, receipt)| receipt.clone());
    part.messages.give_back(receipts.collect()).await.unwrap();
    part.apply(&batch[..1], &Action::Ack).await;
    assert_eq!(part.stored().await, behind(1));
    assert_eq!(ids(&part.batch(1).await), ["2"]);
    assert_eq!(part.messages.reading().failures, 0);
}

#[tokio::test]
async fn a_part_ends_when_its_last_message_is_settled() {
    let part = Fixture::new().await;
    part.ends.store(true, Ordering::Relaxed);
    let batch = part.batch(10).await;
    assert!(!part.ended.is_cancelled());
    part.apply(&batch, &Action::Ack).await;
    assert!(part.ended.is_cancelled());
    let ended = PartProgress {
        cursor: Some("5".to_owned()),
        ended: true,
    };
    assert_eq!(part.stored().await, Some(ended));
}
