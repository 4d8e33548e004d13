//! Ordered queues: groups and deduplication.

use std::collections::HashMap;

use lambkin_store::Clock;
use lambkin_store::queue::{QueueError, ReceiptResult};

use super::*;

#[tokio::test]
async fn a_group_keeps_its_order_and_waits_while_one_of_it_is_in_flight() {
    let room = ordered().await;
    let entries = vec![
        of("a", "1"),
        of("b", "1"),
        of("a", "2"),
        of("a", "3"),
        of("b", "2"),
    ];
    let sent = room.send_all("q.fifo", entries).await;
    let first = room.receive("q.fifo", up_to(2)).await;
    assert_eq!(bodies(&first), ["1", "2"]);
    assert!(
        first
            .iter()
            .all(|message| message.group.as_deref() == Some("a"))
    );
    assert_eq!(first[0].sequence, sent[0].sequence);
    assert_eq!(first[0].deduplication.as_deref(), Some("a 1"));
    let second = room.receive("q.fifo", up_to(10)).await;
    assert_eq!(bodies(&second), ["1", "2"], "all of b, nothing of a");
    assert_eq!(second[0].group.as_deref(), Some("b"));
    // One of two is done: the other still blocks the group.
    room.queues
        .remove("q.fifo", receipts(&first[..1]))
        .await
        .unwrap();
    assert!(room.due("q.fifo").await.is_empty());
    assert_eq!(room.counts("q.fifo").await, (1, 3, 0));
    room.queues
        .remove("q.fifo", receipts(&first[1..]))
        .await
        .unwrap();
    assert_eq!(room.due("q.fifo").await, ["3"]);
}

#[tokio::test]
async fn a_group_whose_lease_ends_begins_again_at_its_first() {
    let room = ordered().await;
    room.send_all("q.fifo", vec![of("a", "1"), of("a", "2"), of("a", "3")])
        .await;
    room.receive("q.fifo", up_to(2)).await;
    room.clock.advance(30_000);
    let again = room.receive("q.fifo", up_to(10)).await;
    assert_eq!(bodies(&again), ["1", "2", "3"]);
    let receives: Vec<u32> = again.iter().map(|message| message.receives).collect();
    assert_eq!(receives, [2, 2, 1]);
}

#[tokio::test]
async fn what_is_given_up_comes_again_though_one_behind_it_is_in_flight() {
    let room = ordered().await;
    let entries = vec![of("a", "1"), of("a", "2"), of("a", "3"), of("b", "1")];
    room.send_all("q.fifo", entries).await;
    let taken = room.receive("q.fifo", up_to(2)).await;
    let give_up = |message: &Message| vec![(message.receipt.clone(), 0)];
    // In the order in which the groups came to have something.
    let now = give_up(&taken[0]);
    room.clock.advance(1);
    room.queues.change_leases("q.fifo", now).await.unwrap();
    let next = room.receive("q.fifo", up_to(10)).await;
    assert_eq!(bodies(&next), ["1", "1"]);
    assert_eq!(next[0].group.as_deref(), Some("b"));
    assert_eq!(next[1].receives, 2);
    // Not the other way round: 2 would overtake 1.
    let now = give_up(&taken[1]);
    room.queues.change_leases("q.fifo", now).await.unwrap();
    assert!(room.due("q.fifo").await.is_empty());
    let first = receipts(&next[1..]);
    room.queues.remove("q.fifo", first).await.unwrap();
    assert_eq!(room.due("q.fifo").await, ["2", "3"]);
}

#[tokio::test]
async fn a_lease_that_is_over_frees_its_message_though_one_behind_it_lasts() {
    let room = ordered().await;
    room.send_all("q.fifo", vec![of("a", "1"), of("a", "2"), of("a", "3")])
        .await;
    let taken = room.receive("q.fifo", up_to(2)).await;
    let longer = vec![(taken[1].receipt.clone(), 40_000)];
    room.queues.change_leases("q.fifo", longer).await.unwrap();
    room.clock.advance(30_000);
    let first = room.receive("q.fifo", up_to(10)).await;
    assert_eq!(bodies(&first), ["1"], "2 is in flight still");
    room.queues
        .remove("q.fifo", receipts(&first))
        .await
        .unwrap();
    assert!(room.due("q.fifo").await.is_empty(), "3 is behind it");
    room.clock.advance(10_000);
    assert_eq!(room.due("q.fifo").await, ["2", "3"]);
}

#[tokio::test]
async fn a_delayed_message_holds_back_those_behind_it() {
    let room = ordered().await;
    let first = Entry {
        delay_ms: Some(5000),
        ..of("a", "1")
    };
    room.send_all("q.fifo", vec![first, of("a", "2"), of("b", "1")])
        .await;
    assert_eq!(room.due("q.fifo").await, ["1"], "b's");
    room.clock.advance(5000);
    assert_eq!(room.due("q.fifo").await, ["1", "2"]);
}

#[tokio::test]
async fn a_receipt_of_an_ordered_queue_ends_with_its_lease() {
    let room = ordered().await;
    room.send_all("q.fifo", vec![of("a", "1")]).await;
    let taken = room.receive("q.fifo", up_to(1)).await;
    room.clock.advance(30_000);
    let removed = room.queues.remove("q.fifo", receipts(&taken)).await;
    assert_eq!(removed.unwrap(), [ReceiptResult::Stale]);
    let changes = vec![(taken[0].receipt.clone(), 5)];
    let extended = room.queues.change_leases("q.fifo", changes).await;
    assert_eq!(extended.unwrap(), [ReceiptResult::Stale]);
    assert_eq!(room.due("q.fifo").await, ["1"]);
}

#[tokio::test]
async fn sequence_numbers_have_twenty_digits_and_rise() {
    let room = ordered().await;
    let sent = room
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
async fn for_five_minutes_a_duplicate_is_told_of_the_first_even_if_that_is_gone() {
    let room = ordered().await;
    let first = room
        .send_all("q.fifo", vec![of("a", "x"), of("a", "x")])
        .await;
    assert!(
        !first[0].duplicate && first[1].duplicate,
        "within one send too"
    );
    let taken = room.receive("q.fifo", up_to(10)).await;
    assert_eq!(taken.len(), 1);
    room.queues
        .remove("q.fifo", receipts(&taken))
        .await
        .unwrap();
    room.clock.advance(5 * 60 * 1000 - 1);
    let again = room.send_all("q.fifo", vec![of("a", "x")]).await;
    assert_eq!(again, first[1..]);
    assert_eq!(
        (&again[0].id, &again[0].sequence),
        (&first[0].id, &first[0].sequence)
    );
    assert_eq!(room.counts("q.fifo").await, (0, 0, 0));
    room.clock.advance(1);
    let new = room.send_all("q.fifo", vec![of("a", "x")]).await;
    assert!(!new[0].duplicate && new[0].id != first[0].id);
    assert_eq!(room.due("q.fifo").await, ["x"]);
}

#[tokio::test]
async fn deduplication_is_of_the_queue_or_of_the_group() {
    let room = ordered().await;
    let by_group = Settings {
        deduplication_by_group: true,
        ..fifo()
    };
    room.queues.create("by-group.fifo", by_group).await.unwrap();
    room.queues.create("other.fifo", fifo()).await.unwrap();
    let same = |group: &str| Entry {
        deduplication: Some("x".to_owned()),
        ..of(group, "x")
    };
    for (queue, expected) in [
        ("q.fifo", [false, true, true]),
        ("by-group.fifo", [false, false, true]),
        ("other.fifo", [false, true, true]),
    ] {
        let sent = room
            .send_all(queue, vec![same("a"), same("b"), same("b")])
            .await;
        let duplicates: Vec<bool> = sent.iter().map(|sent| sent.duplicate).collect();
        assert_eq!(duplicates, expected, "{queue}");
    }
}

#[tokio::test]
async fn without_a_group_or_a_deduplication_id_nothing_is_sent() {
    let room = ordered().await;
    let no_group = Entry {
        group: None,
        ..of("a", "1")
    };
    let no_id = Entry {
        deduplication: None,
        ..of("a", "1")
    };
    for wrong in [no_group, no_id] {
        let refused = room.queues.send("q.fifo", vec![of("a", "2"), wrong]).await;
        assert!(
            matches!(refused, Err(QueueError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert_eq!(room.counts("q.fifo").await, (0, 0, 0));
}

impl Room {
    async fn attempt(&self, name: &str, receive: Receive) -> Result<Vec<Message>, QueueError> {
        let name = Some(name.to_owned());
        self.queues
            .receive_with_attempt_id("q.fifo", name, receive)
            .await
    }
}

#[tokio::test]
async fn a_receive_of_the_same_name_gets_the_same_messages_under_a_new_lease() {
    let room = ordered().await;
    let entries = vec![of("a", "1"), of("a", "2"), of("b", "1"), of("b", "2")];
    room.send_all("q.fifo", entries).await;
    let first = room.attempt("x", up_to(3)).await.unwrap();
    assert_eq!(bodies(&first), ["1", "2", "1"]);
    room.clock.advance(20_000);
    let again = room.attempt("x", up_to(1)).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(room.counts("q.fifo").await, (1, 3, 0));
    let other = room.attempt("y", up_to(10)).await.unwrap();
    assert_eq!(bodies(&other), [] as [&str; 0], "another name");
    room.clock.advance(20_000);
    assert!(room.due("q.fifo").await.is_empty(), "the lease began anew");
    assert_eq!(
        room.attempt("x", leased_for(1, 50_000)).await.unwrap(),
        first
    );
    room.clock.advance(49_999);
    let gone = room.queues.remove("q.fifo", receipts(&again)).await;
    assert_eq!(gone.unwrap(), [ReceiptResult::Done; 3]);
    assert_eq!(room.due("q.fifo").await, ["2"]);
}

#[tokio::test]
async fn a_name_whose_messages_were_changed_stands_for_nothing_any_more() {
    let room = ordered().await;
    room.send_all("q.fifo", vec![of("a", "1"), of("a", "2")])
        .await;
    let first = room.attempt("x", up_to(2)).await.unwrap();
    let refused = || room.attempt("x", up_to(2));
    let longer = vec![(first[1].receipt.clone(), 40_000)];
    room.queues.change_leases("q.fifo", longer).await.unwrap();
    assert!(matches!(refused().await, Err(QueueError::Invalid(_))));
    room.queues
        .remove("q.fifo", receipts(&first))
        .await
        .unwrap();
    assert!(matches!(refused().await, Err(QueueError::Invalid(_))));
    room.clock.advance(30_000);
    assert!(refused().await.unwrap().is_empty(), "the leases are over");

    // It is no name of a standard queue, nor one after a purge, nor five minutes later.
    room.queues.create("q", Settings::default()).await.unwrap();
    room.send("q", &["a", "b"]).await;
    for body in ["a", "b"] {
        let name = Some("x".to_owned());
        let got = room
            .queues
            .receive_with_attempt_id("q", name, up_to(1))
            .await
            .unwrap();
        assert_eq!(bodies(&got), [body]);
    }
    room.send_all("q.fifo", vec![of("a", "3")]).await;
    room.attempt("z", leased_for(1, 600_000)).await.unwrap();
    room.queues.purge("q.fifo").await.unwrap();
    assert!(room.attempt("z", up_to(1)).await.unwrap().is_empty());
    room.send_all("q.fifo", vec![of("a", "4")]).await;
    room.attempt("z", leased_for(1, 600_000)).await.unwrap();
    room.clock.advance(299_999);
    assert_eq!(
        room.attempt("z", leased_for(1, 600_000))
            .await
            .unwrap()
            .len(),
        1
    );
    room.clock.advance(1);
    assert!(room.attempt("z", up_to(1)).await.unwrap().is_empty());
}

/// The same numbers on each run.
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
        assert_eq!(trial.room.counts("q.fifo").await, (0, 0, 0), "seed {seed}");
    }
}

/// How many messages each group of a trial has: their bodies are 0, 1, 2…
const EACH: u64 = 30;

fn number_of(message: &Message) -> u64 {
    std::str::from_utf8(&message.body).unwrap().parse().unwrap()
}

/// Senders and careless workers, and what they should see.
struct Trial {
    room: Room,
    dice: Dice,
    to_send: std::vec::IntoIter<(u64, u64)>,
    /// With the ends of their leases.
    in_flight: Vec<(Message, u64)>,
    /// How many messages of each group are done.
    done: HashMap<String, u64>,
}

impl Trial {
    async fn new(seed: u64) -> Self {
        let all: Vec<_> = (0..EACH)
            .flat_map(|n| (0..10).map(move |group| (group, n)))
            .collect();
        Self {
            room: ordered().await,
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
                self.room.send_all("q.fifo", entries.collect()).await;
            }
            1 | 2 => self.receive().await,
            3 if !self.in_flight.is_empty() => self.settle().await,
            _ => self.room.clock.advance(self.dice.below(500)),
        }
    }

    async fn receive(&mut self) {
        let now = self.room.clock.now();
        let lease = 1 + self.dice.below(3000);
        let max = 1 + self.dice.below(10) as usize;
        let received = self.room.receive("q.fifo", leased_for(max, lease)).await;
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

    /// A worker gives up or is done, perhaps too late.
    async fn settle(&mut self) {
        let at = match self.dice.below(3) {
            0 => self.dice.below(self.in_flight.len() as u64) as usize,
            _ => 0,
        };
        let (message, until) = self.in_flight.remove(at);
        let group = message.group.unwrap();
        let done = self.done.entry(group).or_default();
        let held = until > self.room.clock.now();
        let queues = &self.room.queues;
        // In the group's order, as a worker of an ordered queue has to.
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
