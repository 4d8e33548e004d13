//! Gathering messages into batches.
//!
//! A batch is complete when it has the maximum number of messages or bytes, or when its batching window ends, which
//! starts with its first message. It is also complete when one of its messages is received a second time: then leases
//! are shorter than the window, and waiting longer would only repeat that. A message that no longer fits starts the
//! next batch. If the source is ordered, it is given back instead, because it must not overtake the messages before it.
//!
//! On failure to receive, the attempt is repeated after a pause that grows with each failure. The log reports the first
//! failure of a series and the end of the series.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use lambkin_model::Message;
use lambkin_plugin::Batching;
use tokio::time::{Instant, sleep};

use super::source::MessageSource;
use crate::limits::{RECEIVE_WAIT, RETRY_PAUSE_MAX, RETRY_PAUSE_MIN};

/// Gathers the batches of one trigger.
pub(super) struct Gatherer {
    trigger: String,
    batching: Batching,
    /// Leased messages for the next batch.
    carried: Vec<Message>,
    /// The pause after the next failure. `None` if the last attempt to receive has succeeded.
    pause: Option<Duration>,
}

impl Gatherer {
    pub(super) fn new(trigger: &str, batching: Batching) -> Self {
        Self {
            trigger: trigger.to_owned(),
            batching,
            carried: Vec::new(),
            pause: None,
        }
    }

    /// The next batch, which is never empty. If the future is dropped, its messages are kept for the next call.
    pub(super) async fn next(&mut self, source: &impl MessageSource) -> Vec<Message> {
        if self.carried.is_empty() {
            source.begin_batch().await;
        }
        while self.carried.is_empty() {
            self.carried = self
                .receive(source, self.batching.max_messages, RECEIVE_WAIT)
                .await;
        }
        let closes = Instant::now() + self.batching.window;
        while self.fitting() == self.carried.len()
            && self.carried.len() < self.batching.max_messages
        {
            let left = closes.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let max = self.batching.max_messages - self.carried.len();
            let more = self.receive(source, max, left.min(RECEIVE_WAIT)).await;
            if self.add(more) {
                break;
            }
        }
        let rest = self.carried.split_off(self.fitting());
        let batch = std::mem::replace(&mut self.carried, rest);
        if !self.carried.is_empty() && source.is_ordered().await {
            self.give_back(source).await;
        }
        batch
    }

    /// The number of carried messages that fit into one batch; at least one.
    fn fitting(&self) -> usize {
        let mut bytes = 0_usize;
        let fits = |message: &&Message| {
            bytes = bytes.saturating_add(message.size());
            bytes <= self.batching.max_bytes
        };
        let fitting = self.carried.iter().take_while(fits).count();
        fitting.clamp(1, self.batching.max_messages.max(1))
    }

    /// Adds messages. A message that is carried already is replaced, as only its latest receipt is valid. Returns
    /// whether there was one.
    fn add(&mut self, more: Vec<Message>) -> bool {
        let ids = self.carried.iter().map(|message| message.id.clone());
        let mut indices: HashMap<String, usize> = ids.zip(0..).collect();
        let mut again = false;
        for message in more {
            let known = indices.get(&message.id);
            if let Some(before) = known.and_then(|index| self.carried.get_mut(*index)) {
                *before = message;
                again = true;
            } else {
                indices.insert(message.id.clone(), self.carried.len());
                self.carried.push(message);
            }
        }
        again
    }

    /// Gives back the messages that are in no batch yet.
    pub(super) async fn give_back(&mut self, source: &impl MessageSource) {
        let carried = std::mem::take(&mut self.carried);
        if carried.is_empty() {
            return;
        }
        let receipts = carried.into_iter().map(|message| message.receipt);
        if let Err(error) = source.give_back(receipts.collect()).await {
            tracing::warn!(
                "{}: could not give back gathered messages; they are received again when their leases end: {error}",
                self.trigger
            );
        }
    }

    /// Receives messages. Returns none after a failure and the pause that follows it.
    async fn receive(
        &mut self,
        source: &impl MessageSource,
        max: usize,
        wait: Duration,
    ) -> Vec<Message> {
        match source.receive(max, wait).await {
            Ok(received) => {
                if self.pause.take().is_some() {
                    tracing::info!("{}: receives messages again", self.trigger);
                }
                received
            }
            Err(error) => {
                let pause = self.report(&error);
                sleep(pause).await;
                Vec::new()
            }
        }
    }

    /// Logs the first failure of a series. Returns the pause after this one.
    fn report(&mut self, error: &impl fmt::Display) -> Duration {
        let pause = match self.pause {
            Some(pause) => pause,
            None => {
                tracing::error!(
                    "{}: cannot receive messages; trying again until it succeeds: {error}",
                    self.trigger
                );
                RETRY_PAUSE_MIN
            }
        };
        self.pause = Some((pause * 2).min(RETRY_PAUSE_MAX));
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gatherer(max_messages: usize, max_bytes: usize, sizes: &[usize]) -> Gatherer {
        let batching = Batching {
            max_messages,
            max_bytes,
            window: Duration::ZERO,
            max_concurrency: None,
        };
        let mut gatherer = Gatherer::new("test", batching);
        gatherer.carried = sizes.iter().map(|&size| message(size)).collect();
        gatherer
    }

    fn message(size: usize) -> Message {
        Message {
            id: size.to_string(),
            receipt: String::new(),
            body: vec![b'x'; size].into(),
            attributes: Vec::new(),
            group: None,
            deduplication: None,
            key: None,
            place: None,
            sequence: None,
            sent_at: 0,
            first_received_at: None,
            receives: None,
            source: None,
            extra: Vec::new(),
        }
    }

    #[test]
    fn a_batch_is_full_by_messages_or_by_bytes_and_never_empty() {
        assert_eq!(gatherer(10, 100, &[10; 3]).fitting(), 3);
        assert_eq!(gatherer(2, 100, &[10; 3]).fitting(), 2);
        assert_eq!(gatherer(10, 25, &[10; 3]).fitting(), 2);
        assert_eq!(gatherer(10, 25, &[30, 1]).fitting(), 1);
        let mut with_extra = gatherer(10, 25, &[10; 3]);
        with_extra.carried[0].extra = vec![("name".to_owned(), "text of this".to_owned())];
        assert_eq!(with_extra.fitting(), 1);
    }

    #[test]
    fn a_message_that_is_received_twice_is_carried_once_with_its_latest_receipt() {
        let mut gatherer = gatherer(10, 100, &[1, 2]);
        assert!(!gatherer.add(vec![message(3)]));
        let mut again = message(2);
        again.receipt = "last".to_owned();
        assert!(gatherer.add(vec![again, message(4)]));
        let carried = gatherer.carried.iter();
        let carried: Vec<_> = carried
            .map(|message| (message.id.as_str(), message.receipt.as_str()))
            .collect();
        assert_eq!(carried, [("1", ""), ("2", "last"), ("3", ""), ("4", "")]);
    }

    #[test]
    fn pauses_grow_with_each_failure_in_a_row() {
        let mut gatherer = gatherer(1, 1, &[]);
        let pauses: Vec<Duration> = (0..9)
            .map(|_| gatherer.report(&"the queue is missing"))
            .collect();
        assert_eq!(pauses.first(), Some(&RETRY_PAUSE_MIN));
        assert_eq!(pauses.last(), Some(&RETRY_PAUSE_MAX));
        assert!(pauses.is_sorted());
    }
}
