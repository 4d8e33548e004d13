//! Gathering messages into batches.
//!
//! A batch is closed when it has as many messages or bytes as it may have, or when its window is over, which begins with
//! its first message. It is also closed when one of its messages comes once more: then leases are shorter than the window,
//! and further waiting would only have it received again and again. What no longer fits into a batch begins the next one; where order counts it goes back instead,
//! because a message must not overtake the one before it.

use std::collections::HashMap;
use std::time::Duration;

use lambkin_model::{AttributeValue, Message};
use lambkin_plugin::Batching;
use tokio::time::{Instant, sleep};

use super::messages::{Messages, MessagesError};
use crate::limits::{PAUSES, POLL};

/// Gathers one trigger's batches.
pub(super) struct Gatherer {
    trigger: String,
    batching: Batching,
    /// Already leased, for the next batch.
    carried: Vec<Message>,
    /// The pause after the next failure; the first one is told in the log.
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

    /// The next batch, never empty. Dropped, it keeps what it had for the next call.
    pub(super) async fn next(&mut self, messages: &Messages) -> Vec<Message> {
        while self.carried.is_empty() {
            self.carried = self
                .receive(messages, self.batching.max_messages, POLL)
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
            let room = self.batching.max_messages - self.carried.len();
            let more = self.receive(messages, room, left.min(POLL)).await;
            if self.add(more) {
                break;
            }
        }
        let rest = self.carried.split_off(self.fitting());
        let batch = std::mem::replace(&mut self.carried, rest);
        if !self.carried.is_empty() && messages.are_ordered().await {
            self.give_back(messages).await;
        }
        batch
    }

    /// How many of the carried messages fit into one batch; at least one.
    fn fitting(&self) -> usize {
        let mut bytes = 0_usize;
        let fits = |message: &&Message| {
            bytes = bytes.saturating_add(size(message));
            bytes <= self.batching.max_bytes
        };
        let fitting = self.carried.iter().take_while(fits).count();
        fitting.clamp(1, self.batching.max_messages.max(1))
    }

    /// Adds messages, each once, with the receipt that came last. Tells whether one was there already.
    fn add(&mut self, more: Vec<Message>) -> bool {
        let ids = self.carried.iter().map(|message| message.id.clone());
        let mut places: HashMap<String, usize> = ids.zip(0..).collect();
        let mut again = false;
        for message in more {
            let known = places.get(&message.id);
            if let Some(before) = known.and_then(|place| self.carried.get_mut(*place)) {
                *before = message;
                again = true;
            } else {
                places.insert(message.id.clone(), self.carried.len());
                self.carried.push(message);
            }
        }
        again
    }

    /// Gives back what it has gathered and nobody was told of.
    pub(super) async fn give_back(&mut self, messages: &Messages) {
        let carried = std::mem::take(&mut self.carried);
        if carried.is_empty() {
            return;
        }
        if let Err(error) = messages.give_back(carried).await {
            tracing::warn!(
                "{}: messages that were gathered come back when their leases end: {error}",
                self.trigger
            );
        }
    }

    /// What has come, in time; nothing after a failure and the pause that follows it.
    async fn receive(&mut self, messages: &Messages, most: usize, wait: Duration) -> Vec<Message> {
        match messages.receive(most, wait).await {
            Ok(received) => {
                if self.pause.take().is_some() {
                    tracing::info!("{}: messages can be received again", self.trigger);
                }
                received
            }
            Err(error) => {
                let pause = self.complain(&error);
                sleep(pause).await;
                Vec::new()
            }
        }
    }

    /// Tells the first of several failures in a row, and how long to pause after this one.
    fn complain(&mut self, error: &MessagesError) -> Duration {
        let pause = match self.pause {
            Some(pause) => pause,
            None => {
                tracing::error!(
                    "{}: messages can not be received, which is tried again: {error}",
                    self.trigger
                );
                PAUSES.0
            }
        };
        self.pause = Some((pause * 2).min(PAUSES.1));
        pause
    }
}

/// What a message adds to the event, near enough: its body, attributes and what else came with it.
fn size(message: &Message) -> usize {
    let attributes = message.attributes.iter().map(|attribute| {
        let value = match &attribute.value {
            AttributeValue::Text(text) => text.len(),
            AttributeValue::Binary(bytes) => bytes.len(),
        };
        attribute.name.len() + attribute.data_type.len() + value
    });
    let extra = message.extra.iter();
    let extra = extra.map(|(name, text)| name.len() + text.len());
    message.body.len() + attributes.sum::<usize>() + extra.sum::<usize>()
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
            sequence: None,
            sent_at: 0,
            first_received_at: 0,
            receives: 1,
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
    fn a_message_that_comes_again_is_there_once_with_its_last_receipt() {
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
    fn failures_in_a_row_pause_longer_and_longer() {
        let mut gatherer = gatherer(1, 1, &[]);
        let error = || MessagesError::Queue {
            name: "orders".to_owned(),
            error: lambkin_store::queue::QueueError::Missing,
        };
        let pauses: Vec<Duration> = (0..9).map(|_| gatherer.complain(&error())).collect();
        assert_eq!(pauses.first(), Some(&PAUSES.0));
        assert_eq!(pauses.last(), Some(&PAUSES.1));
        assert!(pauses.is_sorted());
    }
}
