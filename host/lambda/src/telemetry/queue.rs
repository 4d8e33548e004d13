//! The events that wait for delivery to one subscriber.
//!
//! Adding an event never waits: an event that does not fit into [`TELEMETRY_BACKLOG_BYTES`] is dropped and counted, and
//! the next batch reports it. The only consumer takes batches, each as soon as it is full, its timeout is over, or the
//! environment shuts down.

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

/// The queue of one subscriber.
#[derive(Debug)]
pub(super) struct Queue {
    buffering: Buffering,
    state: Mutex<QueueState>,
    /// Wakes the consumer: a batch may be due.
    changed: Notify,
    /// Wakes a consumer that pauses: delivery has become urgent.
    became_urgent: Notify,
    /// Wakes callers of [`Queue::drained`]: a batch has been delivered or has failed.
    batch_done: Notify,
}

#[derive(Debug)]
struct QueueState {
    events: VecDeque<Bytes>,
    bytes: usize,
    dropped: Dropped,
    /// When the oldest event was added.
    since: Instant,
    /// Whether a batch has been taken and not been delivered yet.
    in_flight: bool,
    urgent: bool,
}

/// How many events, and bytes of them, a subscriber does not get.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dropped {
    records: u64,
    bytes: u64,
}

/// Events that are delivered together.
#[derive(Debug)]
pub(super) struct Batch {
    events: Vec<Bytes>,
    /// The dropped events that the batch's first event reports.
    dropped: Dropped,
}

impl Queue {
    pub(super) fn new(buffering: Buffering) -> Self {
        Self {
            buffering,
            state: Mutex::new(QueueState {
                events: VecDeque::new(),
                bytes: 0,
                dropped: Dropped::default(),
                since: Instant::now(),
                in_flight: false,
                urgent: false,
            }),
            changed: Notify::new(),
            became_urgent: Notify::new(),
            batch_done: Notify::new(),
        }
    }

    /// Adds an event, or counts it as dropped if the queue is full.
    pub(super) fn push(&self, event: Bytes) {
        let mut state = self.lock();
        if state.bytes + event.len() > TELEMETRY_BACKLOG_BYTES {
            return state.dropped.count(&event);
        }
        if state.events.is_empty() {
            state.since = Instant::now();
            self.changed.notify_one();
        }
        state.bytes += event.len();
        state.events.push_back(event);
        if state.is_full(self.buffering) {
            self.changed.notify_one();
        }
    }

    /// Adds events that were dropped before they reached the queue.
    pub(super) fn count_dropped(&self, dropped: Dropped) {
        self.lock().dropped.add(dropped);
    }

    /// Waits for the next batch and takes it. It is in flight until [`Queue::delivered`] or [`Queue::failed`] is
    /// called.
    pub(super) async fn next_batch(&self) -> Batch {
        loop {
            let until = {
                let mut state = self.lock();
                if state.is_due(self.buffering) {
                    return state.take(self.buffering);
                }
                let has_events = !state.events.is_empty();
                has_events.then(|| state.since + self.buffering.timeout)
            };
            let changed = self.changed.notified();
            match until {
                None => changed.await,
                Some(until) => {
                    let _ = tokio::time::timeout_at(until.into(), changed).await; // due after either
                }
            }
        }
    }

    /// The batch in flight has been delivered.
    pub(super) fn delivered(&self) {
        self.lock().in_flight = false;
        self.batch_done.notify_waiters();
    }

    /// The batch in flight could not be delivered: the next one reports its events as dropped.
    pub(super) fn failed(&self, batch: &Batch) {
        let mut state = self.lock();
        state.dropped.add(batch.dropped);
        // A batch's own report of dropped events does not count as a dropped event.
        let report = usize::from(batch.dropped.records > 0);
        for event in batch.events.iter().skip(report) {
            state.dropped.count(event);
        }
        drop(state);
        self.delivered();
    }

    /// Makes every batch due at once, and shortens the pauses between attempts, from now on.
    pub(super) fn set_urgent(&self) {
        self.lock().urgent = true;
        self.changed.notify_one();
        self.became_urgent.notify_waiters();
    }

    pub(super) fn is_urgent(&self) -> bool {
        self.lock().urgent
    }

    /// Waits before another attempt. When delivery is or becomes urgent, the pause is short.
    pub(super) async fn pause(&self, pause: Duration) {
        let mut became_urgent = pin!(self.became_urgent.notified());
        became_urgent.as_mut().enable();
        if self.is_urgent() {
            tokio::time::sleep(pause.min(TELEMETRY_RETRY_PAUSE)).await;
        } else {
            let _ = tokio::time::timeout(pause, became_urgent).await; // over after either
        }
    }

    /// Returns when no event waits and no batch is in flight.
    pub(super) async fn drained(&self) {
        loop {
            let mut batch_done = pin!(self.batch_done.notified());
            batch_done.as_mut().enable();
            if self.lock().is_drained() {
                return;
            }
            batch_done.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueState {
    fn is_full(&self, buffering: Buffering) -> bool {
        self.events.len() >= buffering.max_items || self.bytes >= buffering.max_bytes
    }

    fn is_due(&self, buffering: Buffering) -> bool {
        let is_old = || self.since.elapsed() >= buffering.timeout;
        !self.events.is_empty() && (self.urgent || self.is_full(buffering) || is_old())
    }

    fn is_drained(&self) -> bool {
        self.events.is_empty() && !self.in_flight
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
            // A single event may be larger than a batch and is delivered alone.
            if is_full && bytes > 0 {
                break;
            }
            bytes += event.len();
            batch.events.extend(self.events.pop_front());
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        self.since = Instant::now();
        self.in_flight = true;
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

    /// The event `platform.logsDropped`, if any event was dropped.
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

    /// One event per line.
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
