//! Measurements, to be run by hand on an idle machine:
//! `cargo test --release -p lambkin-store --test queues -- --ignored --nocapture --test-threads 1`.

use std::time::{Duration, Instant};

use lambkin_store::SystemClock;
use lambkin_store::queue::ReceiptResult;

use super::*;

const SMALL: usize = 1000;
const LARGE: usize = 1_000_000;

/// The maximum factor by which an operation may cost more with a thousand times the messages. The index has two or
/// three more levels then, but no more rows are read.
const FLAT: f64 = 3.0;

/// The state of the messages that fill the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    Visible,
    Delayed,
    Leased,
    Blocked,
    Groups,
}

impl Load {
    const ALL: [Self; 5] = [
        Self::Visible,
        Self::Delayed,
        Self::Leased,
        Self::Blocked,
        Self::Groups,
    ];

    fn ordered(self) -> bool {
        matches!(self, Self::Blocked | Self::Groups)
    }

    fn entry(self, n: usize) -> Entry {
        let body = n.to_string();
        match self {
            Self::Visible | Self::Leased => entry(&body),
            Self::Delayed => delayed(&body, 900_000),
            Self::Blocked => of("blocked", &body),
            Self::Groups => of(&format!("group {}", n % 100_000), &body),
        }
    }

    /// A fixture with `size` messages, or as many leased ones as a queue can have.
    async fn fixture(self, size: usize) -> Fixture {
        let fixture = fixture().await;
        let settings = if self.ordered() {
            fifo()
        } else {
            Settings::default()
        };
        fixture.queues.create("q", settings).await.unwrap();
        let size = if self == Self::Leased {
            size.min(100_000)
        } else {
            size
        };
        for chunk in (0..size).collect::<Vec<_>>().chunks(5000) {
            fixture
                .send_all("q", chunk.iter().map(|n| self.entry(*n)).collect())
                .await;
            fixture.clock.advance(10);
            if self == Self::Leased {
                fixture.receive("q", leased_for(5000, 3_600_000)).await;
            }
        }
        if self == Self::Blocked {
            fixture.receive("q", leased_for(1, 3_600_000)).await;
        }
        fixture
    }
}

/// The duration of one operation of each kind (send, receive, remove, counts): the lower quartile, which checkpoints
/// and other programs do not disturb.
async fn times(fixture: &Fixture, load: Load) -> [Duration; 4] {
    let mut spent: [Vec<Duration>; 4] = Default::default();
    for n in 0..2000 {
        let new = match load.ordered() {
            true => of(&format!("own {n}"), &n.to_string()),
            false => entry("x"),
        };
        let begin = Instant::now();
        fixture.send_all("q", vec![new]).await;
        let sent = Instant::now();
        let message = fixture.one("q").await;
        let received = Instant::now();
        let removed = fixture.queues.remove("q", vec![message.receipt]).await;
        let settled = Instant::now();
        fixture.counts("q").await;
        let counted = Instant::now();
        assert_eq!(removed.unwrap(), [ReceiptResult::Done]);
        spent[0].push(sent - begin);
        spent[1].push(received - sent);
        spent[2].push(settled - received);
        spent[3].push(counted - settled);
    }
    spent.map(|mut spent| {
        spent.sort();
        spent[spent.len() / 4]
    })
}

#[tokio::test]
#[ignore = "takes minutes, and measures: to be run alone"]
async fn an_operation_costs_the_same_with_a_million_messages_as_with_a_thousand() {
    let mut steep = Vec::new();
    for load in Load::ALL {
        let small = times(&load.fixture(SMALL).await, load).await;
        let large = times(&load.fixture(LARGE).await, load).await;
        for ((what, small), large) in ["send", "receive", "remove", "counts"]
            .iter()
            .zip(small)
            .zip(large)
        {
            let ratio = large.as_secs_f64() / small.as_secs_f64();
            println!(
                "{load:?}: {what} {small:.1?} with {SMALL}, {large:.1?} with {LARGE}: {ratio:.2}"
            );
            if ratio >= FLAT {
                steep.push(format!("{load:?}: {what} {ratio:.2}"));
            }
        }
    }
    assert!(steep.is_empty(), "{steep:?}");
}

/// Runs 16 callers for a while. Returns the number of completed rounds per second.
async fn rate<F>(queues: &Queues, work: fn(Queues) -> F) -> f64
where
    F: Future<Output = u32> + Send + 'static,
{
    let begin = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let queues = queues.clone();
        callers.spawn(work(queues));
    }
    let done: u32 = callers.join_all().await.into_iter().sum();
    f64::from(done) / begin.elapsed().as_secs_f64()
}

#[tokio::test]
#[ignore = "measures: to be run alone"]
async fn messages_per_second_with_sixteen_callers() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.sqlite"))
        .await
        .unwrap();
    let queues = Queues::new(store, Arc::new(SystemClock));
    for (name, settings) in [("q", Settings::default()), ("q.fifo", fifo())] {
        queues.create(name, settings).await.unwrap();
    }
    let sends = rate(&queues, |queues| async move {
        for _ in 0..5000 {
            queues
                .send("q", vec![entry("a message of some forty bytes or so, …")])
                .await
                .unwrap();
        }
        5000
    });
    println!("durable sends: {:.0}/s", sends.await);
    let receives = rate(&queues, |queues| async move {
        let mut done = 0;
        loop {
            let got = queues.receive("q", up_to(1)).await.unwrap();
            if got.is_empty() {
                return done;
            }
            queues.remove("q", receipts(&got)).await.unwrap();
            done += 1;
        }
    });
    println!("receive and remove, one by one: {:.0}/s", receives.await);
    let batches = rate(&queues, |queues| async move {
        let mut done = 0;
        for _ in 0..1000 {
            queues
                .send("q", vec![entry("a message"); 10])
                .await
                .unwrap();
            let got = queues.receive("q", up_to(10)).await.unwrap();
            queues.remove("q", receipts(&got)).await.unwrap();
            done += got.len() as u32;
        }
        done
    });
    println!(
        "send, receive and remove in tens: {:.0} messages/s",
        batches.await
    );
    let ordered = rate(&queues, |queues| async move {
        let group = format!("{:?}", tokio::task::id());
        let mut done = 0;
        for n in 0..2000 {
            queues
                .send("q.fifo", vec![of(&group, &n.to_string())])
                .await
                .unwrap();
            let got = queues.receive("q.fifo", up_to(1)).await.unwrap();
            queues.remove("q.fifo", receipts(&got)).await.unwrap();
            done += got.len() as u32;
        }
        done
    });
    println!(
        "ordered: send, receive and remove, one by one: {:.0}/s",
        ordered.await
    );
}
