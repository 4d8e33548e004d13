//! The messages of one part of a log, as a batch trigger consumes them.
//!
//! A message is handed out with a receipt of this host. When it is settled, and all before it are, the cursor behind it is
//! put into the store. When a batch begins although messages of the batch before are not settled, they have failed: the
//! part is read again from the first of them on, after a pause that grows with each such failure, or after the delay
//! that the plugin has asked for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambkin_model::{Action, Message};
use lambkin_plugin::{Polled, Position, Source, SourceError};
use lambkin_store::{Cursors, PartProgress, StoreError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::batch::{MessageSource, ReceiptAction};
use crate::limits::{EMPTY_POLL_PAUSE, RETRY_PAUSE_MAX, RETRY_PAUSE_MIN};

/// What a log is read from. There is one in the product, and another one in tests.
pub(crate) trait Log: Send + Sync + 'static {
    /// Fetches messages behind a cursor of a part. If there are none, waits up to `wait` for the first.
    fn read(
        &self,
        position: Position<'_>,
        max: usize,
        wait: Duration,
    ) -> impl Future<Output = Result<Polled, SourceError>> + Send;
}

impl Log for Source {
    async fn read(
        &self,
        position: Position<'_>,
        max: usize,
        wait: Duration,
    ) -> Result<Polled, SourceError> {
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        self.poll(position, max.min(self.max_messages()), wait_ms)
            .await
    }
}

/// Where a part and its progress are.
#[derive(Debug, Clone)]
pub(crate) struct PartName {
    pub(crate) trigger: Arc<str>,
    pub(crate) source: Arc<str>,
    pub(crate) part: String,
}

/// The messages of one part.
pub(crate) struct PartMessages<L> {
    log: L,
    name: PartName,
    cursors: Cursors,
    reading: Mutex<Reading>,
    /// Cancelled when the part is processed to its end.
    ended: CancellationToken,
}

/// Why the messages of a part could not be received or settled.
#[derive(Debug, thiserror::Error)]
#[error("part {part}: {error}")]
pub(crate) struct PartError {
    part: String,
    error: LogError,
}

#[derive(Debug, thiserror::Error)]
enum LogError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far a part was read.
#[derive(Debug, Default)]
struct Reading {
    /// The cursor behind the last message that is settled, as in the store.
    settled: Option<String>,
    /// The cursor of the next read.
    next: Option<String>,
    /// The messages between the two, oldest first.
    handed_out: VecDeque<HandedOut>,
    /// The number of messages so far, for receipts.
    count: u64,
    /// Whether the last read said that no more messages come.
    at_end: bool,
    /// The number of failed batches in a row.
    failures: u32,
    /// The delay that the plugin has asked for, before the next read.
    delay: Option<Duration>,
}

#[derive(Debug)]
struct HandedOut {
    receipt: String,
    cursor: String,
    is_settled: bool,
}

impl<L: Log> PartMessages<L> {
    /// The part from its progress on. `ended` is cancelled when it is processed to its end.
    pub(crate) fn new(
        log: L,
        name: PartName,
        cursors: Cursors,
        progress: PartProgress,
        ended: CancellationToken,
    ) -> Self {
        let reading = Reading {
            settled: progress.cursor.clone(),
            next: progress.cursor,
            ..Reading::default()
        };
        Self {
            log,
            name,
            cursors,
            reading: Mutex::new(reading),
            ended,
        }
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: impl Into<LogError>) -> PartError {
        PartError {
            part: self.name.part.clone(),
            error: error.into(),
        }
    }

    /// Puts the cursor behind the settled messages into the store, if it is another one than before. Ends the part if it
    /// was processed to its end.
    async fn keep_progress(&self) -> Result<(), PartError> {
        let progress = self.reading().settle();
        if let Some(progress) = progress {
            let PartName {
                trigger,
                source,
                part,
            } = &self.name;
            let ended = progress.ended;
            let put = self.cursors.put(trigger, source, part, progress);
            put.await.map_err(|error| self.failed(error))?;
            if ended {
                self.ended.cancel();
            }
        }
        Ok(())
    }
}

impl Reading {
    /// Takes messages that were read, and gives them receipts.
    fn hand_out(&mut self, mut polled: Polled) -> Vec<Message> {
        for message in &mut polled.messages {
            // A message of a log has a place: the plugin's values were checked.
            let Some(place) = &message.place else {
                continue;
            };
            self.count += 1;
            message.receipt = self.count.to_string();
            self.next = Some(place.cursor.clone());
            self.handed_out.push_back(HandedOut {
                receipt: message.receipt.clone(),
                cursor: place.cursor.clone(),
                is_settled: false,
            });
        }
        if polled.cursor.is_some() {
            self.next = polled.cursor;
        }
        self.at_end = polled.ended;
        polled.messages
    }

    /// Marks messages as settled, by their receipts.
    fn mark(&mut self, receipts: &[&str]) {
        for message in &mut self.handed_out {
            message.is_settled |= receipts.contains(&message.receipt.as_str());
        }
    }

    /// Moves the cursor behind all settled messages. Returns the progress if it has changed.
    fn settle(&mut self) -> Option<PartProgress> {
        let before = self.settled.clone();
        while let Some(first) = self.handed_out.front()
            && first.is_settled
        {
            self.settled = self.handed_out.pop_front().map(|message| message.cursor);
        }
        let is_all = self.handed_out.is_empty();
        if is_all {
            // Behind the last message there may be some that the source has left out.
            self.settled.clone_from(&self.next);
        }
        let ended = is_all && self.at_end;
        (self.settled != before || ended).then(|| PartProgress {
            cursor: self.settled.clone(),
            ended,
        })
    }

    /// Goes back to before the message at this place among those that are handed out.
    fn go_back_to(&mut self, index: usize) {
        if index >= self.handed_out.len() {
            return;
        }
        self.handed_out.truncate(index);
        let last = self.handed_out.back().map(|message| message.cursor.clone());
        self.next = last.or_else(|| self.settled.clone());
        self.at_end = false;
    }

    /// The pause before the next read: the plugin's delay, or one that grows with each failure in a row.
    fn pause(&mut self) -> Duration {
        let grown = self.failures.checked_sub(1).map_or(Duration::ZERO, |more| {
            RETRY_PAUSE_MIN.saturating_mul(1 << more.min(16))
        });
        self.delay.take().unwrap_or(grown.min(RETRY_PAUSE_MAX))
    }
}

impl<L: Log> MessageSource for PartMessages<L> {
    type Error = PartError;

    async fn begin_batch(&self) {
        let mut reading = self.reading();
        if reading.handed_out.is_empty() {
            reading.failures = 0;
        } else {
            reading.failures = reading.failures.saturating_add(1);
            reading.go_back_to(0);
        }
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Message>, PartError> {
        let pause = self.reading().pause();
        sleep(pause).await;
        let start = Instant::now();
        let (at_end, next) = {
            let reading = self.reading();
            (reading.at_end, reading.next.clone())
        };
        if at_end {
            // The batch that is being gathered gets no more.
            sleep(wait).await;
            return Ok(Vec::new());
        }
        let position = Position {
            part: Some(&self.name.part),
            cursor: next.as_deref(),
        };
        let polled = self.log.read(position, max, wait).await;
        let polled = polled.map_err(|error| self.failed(error))?;
        let messages = self.reading().hand_out(polled);
        if messages.is_empty() {
            self.keep_progress().await?;
            let left = wait.saturating_sub(start.elapsed());
            sleep(left.min(EMPTY_POLL_PAUSE)).await;
        }
        Ok(messages)
    }

    async fn is_ordered(&self) -> bool {
        true
    }

    fn max_concurrency(&self) -> Option<usize> {
        Some(1)
    }

    /// A message that cannot be processed is left behind: a log has no dead-letter queue.
    async fn apply(&self, actions: &[ReceiptAction]) -> Result<(), PartError> {
        let mut done = Vec::new();
        for (receipt, action) in actions {
            match action {
                Action::Ack => done.push(receipt.as_str()),
                Action::DeadLetter(reason) => {
                    let PartName { trigger, part, .. } = &self.name;
                    tracing::warn!("{trigger}: part {part}: a message is left out: {reason}");
                    done.push(receipt.as_str());
                }
                Action::Retry(delay) => {
                    let mut reading = self.reading();
                    let delay = delay.map(|ms| Duration::from_millis(ms.into()));
                    reading.delay = reading.delay.max(delay);
                }
            }
        }
        self.reading().mark(&done);
        self.keep_progress().await
    }

    async fn give_back(&self, receipts: Vec<String>) -> Result<(), PartError> {
        let mut reading = self.reading();
        let mut handed_out = reading.handed_out.iter();
        let first = handed_out.position(|message| receipts.contains(&message.receipt));
        if let Some(first) = first {
            reading.go_back_to(first);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
