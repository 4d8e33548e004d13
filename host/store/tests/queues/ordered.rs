//! Ordered queues: groups and deduplication.

use std::collections::HashMap;

use lambkin_store::Clock;
use lambkin_store::queue::{QueueError, ReceiptResult};

use super::*;

#[tokio::test]
async fn a_group_keeps_its_order_and_is_blocked_while_a_message_is_in_flight() {
    let fixture = ordered().await;
    let entries = vec![
        of("a", "1"),
        of("b", "1"),
        of("a", "2"),
        of("a", "3"),
        of("b", "2"),
    ];
    let sent = fixture.send_all("q.fifo", entries).await;
    let first = fixture.receive("q.fifo", up_to(2)).await;
    assert_eq!(bodies(&first), ["1", "2"]);
    assert!(
        first
            .iter()
            .all(|message| message.group.as_deref() == Some("a"))
    );
    assert_eq!(first[0].sequence, sent[0].sequence);
    assert_eq!(first[0].deduplication.as_deref(), Some("a 1"));
    let second = fixture.receive("q.fifo", up_to(10)).await;
    assert_eq!(bodies(&second), ["1", "2"], "all of b, nothing of a");
    assert_eq!(second[0].group.as_deref(), Some("b"));
    // One of two messages is removed; the other one still blocks the group.
    fixture
        .queues
        .remove("q.fifo", receipts(&first[..1]))
        .await
        .unwrap();
    assert!(fixture.due("q.fifo").await.is_empty());
    assert_eq!(fixture.counts("q.fifo").await, (1, 3, 0));
    fixture
        .queues
        .remove("q.fifo", receipts(&first[1..]))
        .await
        .unwrap();
    assert_eq!(fixture.due("q.fifo").await, ["3"]);
}

#[tokio::test]
async fn a_group_whose_lease_ends_starts_again_with_its_first_message() {
    let fixture = ordered().await;
    fixture
        .send_all("q.fifo", vec![of("a", "1"), of("a", "2"), of("a", "3")])
        .await;
    fixture.receive("q.fifo", up_to(2)).await;
    fixture.clock.advance(30_000);
    let again = fixture.receive("q.fifo", up_to(10)).await;
    assert_eq!(bodies(&again), ["1", "2", "3"]);
    let receives: Vec<Option<u32>> = again.iter().map(|message| message.receives).collect();
    assert_eq!(receives, [Some(2), Some(2), Some(1)]);
}

#[tokio::test]
async fn a_message_whose_lease_is_ended_is_received_again_although_a_later_one_is_in_flight() {
    let fixture = ordered().await;
    let entries = vec![of("a", "1"), of("a", "2"), of("a", "3"), of("b", "1")];
    fixture.send_all("q.fifo", entries).await;
    let taken = fixture.receive("q.fifo", up_to(2)).await;
    let give_up = |message: &Message| vec![(message.receipt.clone(), 0)];
    // In the order in which the groups became due.
    let now = give_up(&taken[0]);
    fixture.clock.advance(1);
    fixture.queues.change_leases("q.fifo", now).await.unwrap();
    let next = fixture.receive("q.fifo", up_to(10)).await;
    assert_eq!(bodies(&next), ["1", "1"]);
    assert_eq!(next[0].group.as_deref(), Some("b"));
    assert_eq!(next[1].receives, Some(2));
    // Not the other way round: message 2 would overtake message 1.
    let now = give_up(&taken[1]);
    fixture.queues.change_leases("q.fifo", now).await.unwrap();
    assert!(fixture.due("q.fifo").await.is_empty());
    let first = receipts(&next[1..]);
    fixture.queues.remove("q.fifo", first).await.unwrap();
    assert_eq!(fixture.due("q.fifo").await, ["2", "3"]);
}

#[tokio::test]
async fn an_ended_lease_frees_its_message_although_a_later_lease_lasts() {
    let fixture = ordered().await;
    fixture
        .send_all("q.fifo", vec![of("a", "1"), of("a", "2"), of("a", "3")])
        .await;
    let taken = fixture.receive("q.fifo", up_to(2)).await;
    let longer = vec![(taken[1].receipt.clone(), 40_000)];
    fixture
        .queues
        .change_leases("q.fifo", longer)
        .await
        .unwrap();
    fixture.clock.advance(30_000);
    let first = fixture.receive("q.fifo", up_to(10)).await;
    assert_eq!(bodies(&first), ["1"], "2 is in flight still");
    fixture
        .queues
        .remove("q.fifo", receipts(&first))
        .await
        .unwrap();
    assert!(fixture.due("q.fifo").await.is_empty(), "3 is behind it");
    fixture.clock.advance(10_000);
    assert_eq!(fixture.due("q.fifo").await, ["2", "3"]);
}

#[tokio::test]
async fn a_delayed_message_holds_back_the_messages_behind_it() {
    let fixture = ordered().await;
    let first = Entry {
        delay_ms: Some(5000),
        ..of("a", "1")
    };
    fixture
        .send_all("q.fifo", vec![first, of("a", "2"), of("b", "1")])
        .await;
    assert_eq!(fixture.due("q.fifo").await, ["1"], "b's");
    fixture.clock.advance(5000);
    assert_eq!(fixture.due("q.fifo").await, ["1", "2"]);
}

#[tokio::test]
async fn a_receipt_of_an_ordered_queue_ends_with_its_lease() {
    let fixture = ordered().await;
    fixture.send_all("q.fifo", vec![of("a", "1")]).await;
    let taken = fixture.receive("q.fifo", up_to(1)).await;
    fixture.clock.advance(30_000);
    let removed = fixture.queues.remove("q.fifo", receipts(&taken)).await;
    assert_eq!(removed.unwrap(), [ReceiptResult::Stale]);
    let changes = vec![(taken[0].receipt.clone(), 5)];
    let extended = fixture.queues.change_leases("q.fifo", changes).await;
    assert_eq!(extended.unwrap(), [ReceiptResult::Stale]);
    assert_eq!(fixture.due("q.fifo").await, ["1"]);
}

#[tokio::test]
async fn sequence_numbers_have_twenty_digits_and_increase() {
    let fixture = ordered().await;
    let sent = fixture
        .send_all(
            "q.fifo",
            (0..100).map(|n| of("a", &n.to_string())).collect(),
        )
        .await;
    let numbers: Vec<&String> = sent
        .iter()
        .map(|sent| sent.sequence.as_ref().unwrap())
        .collect();
    assert!(
        numbers
            .iter()
            .all(|number| number.len() == 20 && number.starts_with("188"))
    );
    assert!(numbers.is_sorted());
    assert_eq!(
        numbers
            .iter()
            .collect::<std::collections::HashSet<_>>()
            .len(),
        100
    );
}

#[tokio::test]
async fn for_five_minutes_a_duplicate_is_answered_with_the_first_message_even_if_that_was_removed()
{
    let fixture = ordered().await;
    let first = fixture
        .send_all("q.fifo", vec![of("a", "x"), of("a", "x")])
        .await;
    assert!(
        !first[0].duplicate && first[1].duplicate,
        "also within one send"
    );
    let taken = fixture.receive("q.fifo", up_to(10)).await;
    assert_eq!(taken.len(), 1);
    fixture
        .queues
        .remove("q.fifo", receipts(&taken))
        .await
        .unwrap();
    fixture.clock.advance(5 * 60 * 1000 - 1);
    let again = fixture.send_all("q.fifo", vec![of("a", "x")]).await;
    assert_eq!(again, first[1..]);
    assert_eq!(
        (&again[0].id, &again[0].sequence),
        (&first[0].id, &first[0].sequence)
    );
    assert_eq!(fixture.counts("q.fifo").await, (0, 0, 0));
    fixture.clock.advance(1);
    let new = fixture.send_all("q.fifo", vec![of("a", "x")]).await;
    assert!(!new[0].duplicate && new[0].id != first[0].id);
    assert_eq!(fixture.due("q.fifo").await, ["x"]);
}

#[tokio::test]
async fn deduplication_applies_to_the_queue_or_to_the_group() {
    let fixture = ordered().await;
    let by_group = Settings {
        deduplication_by_group: true,
        ..fifo()
    };
    fixture
        .queues
        .create("by-group.fifo", by_group)
        .await
        .unwrap();
    fixture.queues.create("other.fifo", fifo()).await.unwrap();
    let same = |group: &str| Entry {
        deduplication: Some("x".to_owned()),
        ..of(group, "x")
    };
    for (queue, expected) in [
        ("q.fifo", [false, true, true]),
        ("by-group.fifo", [false, false, true]),
        ("other.fifo", [false, true, true]),
    ] {
        let sent = fixture
            .send_all(queue, vec![same("a"), same("b"), same("b")])
            .await;
        let duplicates: Vec<bool> = sent.iter().map(|sent| sent.duplicate).collect();
        assert_eq!(duplicates, expected, "{queue}");
    }
}

#[tokio::test]
async fn ids_of_the_whole_queue_keep_their_effect_when_ids_become_those_of_groups() {
    let fixture = ordered().await;
    let same = |group: &str| Entry {
        deduplication: Some("x".to_owned()),
        ..of(group, "x")
    };
    let first = fixture.send_all("q.fifo", vec![same("a")]).await;
    let by_group = Settings {
        deduplication_by_group: true,
        ..fifo()
    };
    fixture.queues.change("q.fifo", by_group).await.unwrap();
    let sent = fixture.send_all("q.fifo", vec![same("b")]).await;
    assert!(sent[0].duplicate && sent[0].id == first[0].id);
    fixture.clock.advance(5 * 60 * 1000);
    let sent = fixture.send_all("q.fifo", vec![same("b"), same("c")]).await;
    assert!(sent.iter().all(|sent| !sent.duplicate));
}

#[tokio::test]
async fn ids_of_a_group_keep_their_effect_in_it_when_ids_become_those_of_the_queue() {
    let fixture = fixture().await;
    let by_group = Settings {
        deduplication_by_group: true,
        ..fifo()
    };
    fixture.queues.create("q.fifo", by_group).await.unwrap();
    let same = |group: &str| Entry {
        deduplication: Some("x".to_owned()),
        ..of(group, "x")
    };
    let first = fixture.send_all("q.fifo", vec![same("a")]).await;
    fixture.queues.change("q.fifo", fifo()).await.unwrap();
    fixture.clock.advance(5 * 60 * 1000 - 1);
    let sent = fixture
        .send_all("q.fifo", vec![same("a"), same("b"), same("c")])
        .await;
    let duplicates: Vec<bool> = sent.iter().map(|sent| sent.duplicate).collect();
    assert_eq!(
        duplicates,
        [true, false, true],
        "of a, and then of the queue"
    );
    assert_eq!(sent[0].id, first[0].id);
}

#[tokio::test]
async fn a_message_without_group_or_deduplication_id_is_refused() {
    let fixture = ordered().await;
    let no_group = Entry {
        group: None,
        ..of("a", "1")
    };
    let no_id = Entry {
        deduplication: None,
        ..of("a", "1")
    };
    for wrong in [no_group, no_id] {
        let refused = fixture
            .queues
            .send("q.fifo", vec![of("a", "2"), wrong])
            .await;
        assert!(
            matches!(refused, Err(QueueError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert_eq!(fixture.counts("q.fifo").await, (0, 0, 0));
}

impl Fixture {
    async fn attempt(&self, name: &str, receive: Receive) -> Result<Vec<Message>, QueueError> {
        let name = Some(name.to_owned());
        self.queues
            .receive_with_attempt_id("q.fifo", name, receive)
            .await
    }
}

#[tokio::test]
async fn a_receive_with_the_same_attempt_id_gets_the_same_messages_under_new_leases() {
    let fixture = ordered().await;
    let entries = vec![of("a", "1"), of("a", "2"), of("b", "1"), of("b", "2")];
    fixture.send_all("q.fifo", entries).await;
    let first = fixture.attempt("x", up_to(3)).await.unwrap();
    assert_eq!(bodies(&first), ["1", "2", "1"]);
    fixture.clock.advance(20_000);
    let again = fixture.attempt("x", up_to(1)).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(fixture.counts("q.fifo").await, (1, 3, 0));
    let other = fixture.attempt("y", up_to(10)).await.unwrap();
    assert_eq!(bodies(&other), [] as [&str; 0], "another id");
    fixture.clock.advance(20_000);
    assert!(
        fixture.due("q.fifo").await.is_empty(),
        "the leases started anew"
    );
    assert_eq!(
        fixture.attempt("x", leased_for(1, 50_000)).await.unwrap(),
        first
    );
    fixture.clock.advance(49_999);
    let gone = fixture.queues.remove("q.fifo", receipts(&again)).await;
    assert_eq!(gone.unwrap(), [ReceiptResult::Done; 3]);
    assert_eq!(fixture.due("q.fifo").await, ["2"]);
}

#[tokio::test]
async fn an_attempt_id_whose_messages_were_changed_is_refused() {
    let fixture = ordered().await;
    fixture
        .send_all("q.fifo", vec![of("a", "1"), of("a", "2")])
        .await;
    let first = fixture.attempt("x", up_to(2)).await.unwrap();
    let refused = || fixture.attempt("x", up_to(2));
    let longer = vec![(first[1].receipt.clone(), 40_000)];
    fixture
        .queues
        .change_leases("q.fifo", longer)
        .await
        .unwrap();
    assert!(matches!(refused().await, Err(QueueError::Invalid(_))));
    fixture
        .queues
        .remove("q.fifo", receipts(&first))
        .await
        .unwrap();
    assert!(matches!(refused().await, Err(QueueError::Invalid(_))));
    fixture.clock.advance(30_000);
    assert!(refused().await.unwrap().is_empty(), "the leases have ended");

    // The id has no effect in a standard queue, after a purge, or after five minutes.
    fixture
        .queues
        .create("q", Settings::default())
        .await
        .unwrap();
    fixture.send("q", &["a", "b"]).await;
    for body in ["a", "b"] {
        let name = Some("x".to_owned());
        let got = fixture
            .queues
            .receive_with_attempt_id("q", name, up_to(1))
            .await
            .unwrap();
        assert_eq!(bodies(&got), [body]);
    }
    fixture.send_all("q.fifo", vec![of("a", "3")]).await;
    fixture.attempt("z", leased_for(1, 600_000)).await.unwrap();
    fixture.queues.purge("q.fifo").await.unwrap();
    assert!(fixture.attempt("z", up_to(1)).await.unwrap().is_empty());
    fixture.send_all("q.fifo", vec![of("a", "4")]).await;
    fixture.attempt("z", leased_for(1, 600_000)).await.unwrap();
    fixture.clock.advance(299_999);
    assert_eq!(
        fixture
            .attempt("z", leased_for(1, 600_000))
            .await
            .unwrap()
            .len(),
        1
    );
    fixture.clock.advance(1);
    assert!(fixture.attempt("z", up_to(1)).await.unwrap().is_empty());
}

/// A random number generator with the same sequence on each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[tokio::test]
async fn ten_groups_keep_their_order_through_random_failures() {
    for seed in 1..=6 {
        let mut trial = Trial::new(seed).await;
        while trial.done.values().sum::<u64>() < 10 * EACH {
            trial.step().await;
        }
        assert_eq!(
            trial.fixture.counts("q.fifo").await,
            (0, 0, 0),
            "seed {seed}"
        );
    }
}

/// The number of messages of each group. Their bodies are 0, 1, 2…
const EACH: u64 = 30;

fn number_of(message: &Message) -> u64 {
    std::str::from_utf8(&message.body).unwrap().parse().unwrap()
}

/// Senders and unreliable workers, and what they should see.
struct Trial {
    fixture: Fixture,
    dice: Dice,
    to_send: std::vec::IntoIter<(u64, u64)>,
    /// The leased messages, with the ends of their leases.
    in_flight: Vec<(Message, u64)>,
    /// The number of messages of each group that were removed.
    done: HashMap<String, u64>,
}

impl Trial {
    async fn new(seed: u64) -> Self {
        let all: Vec<_> = (0..EACH)
            .flat_map(|n| (0..10).map(move |group| (group, n)))
            .collect();
        Self {
            fixture: ordered().await,
            dice: Dice(seed * 0x9e37_79b9_7f4a_7c15),
            to_send: all.into_iter(),
            in_flight: Vec::new(),
            done: HashMap::new(),
        }
    }

    async fn step(&mut self) {
        match self.dice.below(5) {
            0 => {
                let some = self.to_send.by_ref().take(self.dice.below(30) as usize);
                let entries = some.map(|(group, n)| of(&group.to_string(), &n.to_string()));
                self.fixture.send_all("q.fifo", entries.collect()).await;
            }
            1 | 2 => self.receive().await,
            3 if !self.in_flight.is_empty() => self.settle().await,
            _ => self.fixture.clock.advance(self.dice.below(500)),
        }
    }

    async fn receive(&mut self) {
        let now = self.fixture.clock.now();
        let lease = 1 + self.dice.below(3000);
        let max = 1 + self.dice.below(10) as usize;
        let received = self.fixture.receive("q.fifo", leased_for(max, lease)).await;
        let mut expected = HashMap::new();
        for message in &received {
            let group = message.group.clone().unwrap();
            let number = number_of(message);
            let blocked = self.in_flight.iter().any(|(other, until)| {
                other.group == message.group && number_of(other) <= number && *until > now
            });
            assert!(!blocked, "{group} is in flight, up to {number} or before");
            let first = self.done.get(&group).copied().unwrap_or(0);
            let next = expected.entry(group).or_insert(first);
            assert_eq!(message.body, next.to_string().as_bytes(), "{message:?}");
            *next += 1;
        }
        self.in_flight.retain(|(_, until)| *until > now);
        self.in_flight
            .extend(received.into_iter().map(|message| (message, now + lease)));
    }

    /// A worker gives up or finishes, possibly after its lease has ended.
    async fn settle(&mut self) {
        let at = match self.dice.below(3) {
            0 => self.dice.below(self.in_flight.len() as u64) as usize,
            _ => 0,
        };
        let (message, until) = self.in_flight.remove(at);
        let group = message.group.unwrap();
        let done = self.done.entry(group).or_default();
        let held = until > self.fixture.clock.now();
        let queues = &self.fixture.queues;
        // In the order of the group, as workers of an ordered queue must.
        let settled = if self.dice.below(3) == 0 || message.body != done.to_string().as_bytes() {
            queues
                .change_leases("q.fifo", vec![(message.receipt, 0)])
                .await
        } else {
            *done += u64::from(held);
            queues.remove("q.fifo", vec![message.receipt]).await
        };
        let expected = if held {
            ReceiptResult::Done
        } else {
            ReceiptResult::Stale
        };
        assert_eq!(settled.unwrap(), [expected]);
    }
}
