//! The events that wait for one subscriber.
//!
//! Writing never waits: what does not fit into [`TELEMETRY_BACKLOG_BYTES`] is dropped and counted, and the next batch
//! says so. The one reader takes batches, each as soon as it is full, its time is up, or somebody is in a hurry.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::event::Record;
use super::event::extension::LogsDropped;
use super::subscription::Buffering;
use crate::limits::{TELEMETRY_BACKLOG_BYTES, TELEMETRY_RETRY_PAUSE};

#[derive(Debug)]
pub(super) struct Queue {
    buffering: Buffering,
    waiting: Mutex<Waiting>,
    /// The reader may have something to do.
    changed: Notify,
    /// Whoever pauses has no time for that any more.
    hurried: Notify,
    /// Whoever waits for the queue to be empty may have waited long enough.
    settled: Notify,
}

#[derive(Debug)]
struct Waiting {
    events: VecDeque<Bytes>,
    bytes: usize,
    dropped: Dropped,
    /// When the oldest event came.
    since: Instant,
    /// A batch has been taken and not been delivered yet.
    under_way: bool,
    urgent: bool,
}

/// What a subscriber does not get.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dropped {
    records: u64,
    bytes: u64,
}

/// Events to be delivered together.
#[derive(Debug)]
pub(super) struct Batch {
    events: Vec<Bytes>,
    /// What the first event reports as dropped.
    dropped: Dropped,
}

impl Queue {
    pub(super) fn new(buffering: Buffering) -> Self {
        Self {
            buffering,
            waiting: Mutex::new(Waiting {
                events: VecDeque::new(),
                bytes: 0,
                dropped: Dropped::default(),
                since: Instant::now(),
                under_way: false,
                urgent: false,
            }),
            changed: Notify::new(),
            hurried: Notify::new(),
            settled: Notify::new(),
        }
    }

    /// Adds an event, or counts it as dropped.
    pub(super) fn push(&self, event: Bytes) {
        let mut waiting = self.lock();
        if waiting.bytes + event.len() > TELEMETRY_BACKLOG_BYTES {
            return waiting.dropped.count(&event);
        }
        if waiting.events.is_empty() {
            waiting.since = Instant::now();
            self.changed.notify_one();
        }
        waiting.bytes += event.len();
        waiting.events.push_back(event);
        if waiting.is_full(self.buffering) {
            self.changed.notify_one();
        }
    }

    /// Counts what was dropped before it came here.
    pub(super) fn count_dropped(&self, dropped: Dropped) {
        self.lock().dropped.add(dropped);
    }

    /// Waits for the next batch and takes it. It counts as under way until [`Queue::delivered`] or [`Queue::lost`].
    pub(super) async fn next_batch(&self) -> Batch {
        loop {
            let until = {
                let mut waiting = self.lock();
                if waiting.is_due(self.buffering) {
                    return waiting.take(self.buffering);
                }
                let some = !waiting.events.is_empty();
                some.then(|| waiting.since + self.buffering.timeout)
            };
            let changed = self.changed.notified();
            match until {
                None => changed.await,
                Some(until) => {
                    let _time_is_up = tokio::time::timeout_at(until.into(), changed).await;
                }
            }
        }
    }

    pub(super) fn delivered(&self) {
        self.lock().under_way = false;
        self.settled.notify_waiters();
    }

    /// A batch could not be delivered: the next one is to say so.
    pub(super) fn lost(&self, batch: &Batch) {
        let mut waiting = self.lock();
        waiting.dropped.add(batch.dropped);
        // The report of what was dropped before is no loss of its own.
        let report = usize::from(batch.dropped.records > 0);
        for event in batch.events.iter().skip(report) {
            waiting.dropped.count(event);
        }
        drop(waiting);
        self.delivered();
    }

    /// From here on batches are not waited for any more.
    pub(super) fn hurry(&self) {
        self.lock().urgent = true;
        self.changed.notify_one();
        self.hurried.notify_waiters();
    }

    pub(super) fn is_urgent(&self) -> bool {
        self.lock().urgent
    }

    /// Waits so long before another attempt, and only shortly in a hurry, even one that comes up meanwhile.
    pub(super) async fn pause(&self, pause: Duration) {
        let mut hurried = pin!(self.hurried.notified());
        hurried.as_mut().enable();
        if self.is_urgent() {
            tokio::time::sleep(pause.min(TELEMETRY_RETRY_PAUSE)).await;
        } else {
            let _cut_short = tokio::time::timeout(pause, hurried).await;
        }
    }

    /// Returns when nothing waits and nothing is under way.
    pub(super) async fn settled(&self) {
        loop {
            let mut settled = pin!(self.settled.notified());
            settled.as_mut().enable();
            if self.lock().is_settled() {
                return;
            }
            settled.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_full(&self, buffering: Buffering) -> bool {
        self.events.len() >= buffering.max_items || self.bytes >= buffering.max_bytes
    }

    fn is_due(&self, buffering: Buffering) -> bool {
        let is_old = || self.since.elapsed() >= buffering.timeout;
        !self.events.is_empty() && (self.urgent || self.is_full(buffering) || is_old())
    }

    fn is_settled(&self) -> bool {
        self.events.is_empty() && !self.under_way
    }

    fn take(&mut self, buffering: Buffering) -> Batch {
        let dropped = std::mem::take(&mut self.dropped);
        let mut batch = Batch {
            events: dropped.report().into_iter().collect(),
            dropped,
        };
        let mut bytes = 0;
        while let Some(event) = self.events.front() {
            let is_full = batch.events.len() >= buffering.max_items
                || bytes + event.len() > buffering.max_bytes;
            // A single event may be larger than a batch.
            if is_full && bytes > 0 {
                break;
            }
            bytes += event.len();
            batch.events.extend(self.events.pop_front());
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        self.since = Instant::now();
        self.under_way = true;
        batch
    }
}

impl Dropped {
    pub(super) fn count(&mut self, event: &Bytes) {
        self.add(Self {
            records: 1,
            bytes: event.len() as u64,
        });
    }

    fn add(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
    }

    /// `platform.logsDropped`, if anything was.
    fn report(self) -> Option<Bytes> {
        let report = LogsDropped {
            reason: "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.",
            dropped_records: self.records,
            dropped_bytes: self.bytes,
        };
        (self.records > 0).then(|| report.to_event(Timestamp::now()).json)
    }
}

impl Batch {
    /// `[event,event]`
    pub(super) fn array(&self) -> Bytes {
        let mut array = self.join(b',', b"[");
        array.push(b']');
        array.into()
    }

    /// One event a line.
    pub(super) fn lines(&self) -> Bytes {
        let mut lines = self.join(b'\n', b"");
        lines.push(b'\n');
        lines.into()
    }

    fn join(&self, separator: u8, start: &[u8]) -> Vec<u8> {
        let size: usize = self.events.iter().map(|event| event.len() + 1).sum();
        let mut joined = Vec::with_capacity(size + 2);
        joined.extend_from_slice(start);
        for (index, event) in self.events.iter().enumerate() {
            if index > 0 {
                joined.push(separator);
            }
            joined.extend_from_slice(event);
        }
        joined
    }
}
