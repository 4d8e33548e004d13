//! `lambkin:store/queues` as the service's store.

use super::lambkin::store::queues as wit;
use crate::attribute::{Attribute, Value};
use crate::service::store::{
    Counts, DeadLetter, Description, Entry, Message, Move, MoveStatus, Page, Queue, Sent, Settings,
    Settled, Store, StoreFault, Stored,
};

/// The host's queues.
pub struct Host;

impl Store for Host {
    fn open(&self, name: &str) -> Stored<Box<dyn Queue>> {
        Ok(Box::new(wit::open(name)?))
    }

    fn create(&self, name: &str, settings: &Settings) -> Stored<Box<dyn Queue>> {
        Ok(Box::new(wit::create(name, &settings.into())?))
    }

    fn queues(&self, prefix: &str, after: Option<&str>, most: u32) -> Stored<Page> {
        Ok(wit::queues(prefix, after, most)?.into())
    }

    fn delete(&self, name: &str) -> Stored<()> {
        Ok(wit::delete(name)?)
    }

    fn deleted_at(&self, name: &str) -> Option<u64> {
        wit::deleted_at(name)
    }

    fn cancel_move(&self, handle: &str) -> Stored<u64> {
        Ok(wit::cancel_move(handle)?)
    }
}

impl Queue for wit::Queue {
    fn describe(&self) -> Stored<Description> {
        Ok(Self::describe(self)?.into())
    }

    fn counts(&self) -> Stored<Counts> {
        let wit::Counts {
            visible,
            leased,
            delayed,
        } = Self::counts(self)?;
        Ok(Counts {
            visible,
            leased,
            delayed,
        })
    }

    fn change(&self, settings: &Settings) -> Stored<()> {
        Ok(Self::change(self, &settings.into())?)
    }

    fn send(&self, entries: Vec<Entry>) -> Stored<Vec<Sent>> {
        let entries: Vec<wit::Entry> = entries.into_iter().map(Into::into).collect();
        let sent = Self::send(self, &entries)?.into_iter();
        Ok(sent
            .map(|sent| Sent {
                id: sent.id,
                sequence: sent.sequence,
            })
            .collect())
    }

    fn receive(
        &self,
        attempt: Option<&str>,
        most: u32,
        lease_ms: Option<u64>,
        wait_ms: u32,
    ) -> Stored<Vec<Message>> {
        let messages = match attempt {
            Some(attempt) => self.receive_with_attempt_id(attempt, most, lease_ms, wait_ms),
            None => Self::receive(self, most, lease_ms, wait_ms),
        };
        Ok(messages?.into_iter().map(Into::into).collect())
    }

    fn remove(&self, receipts: &[String]) -> Stored<Vec<Settled>> {
        let settled = Self::remove(self, receipts)?.into_iter();
        Ok(settled.map(Into::into).collect())
    }

    fn extend(&self, changes: &[(String, u64)]) -> Stored<Vec<Settled>> {
        let settled = Self::change_leases(self, changes)?.into_iter();
        Ok(settled.map(Into::into).collect())
    }

    fn purge(&self) -> Stored<()> {
        Ok(Self::purge(self)?)
    }

    fn dead_letter_sources(&self, after: Option<&str>, most: u32) -> Stored<Page> {
        Ok(Self::dead_letter_sources(self, after, most)?.into())
    }

    fn start_move(&self, destination: Option<&str>, per_second: Option<u32>) -> Stored<String> {
        Ok(Self::start_move(self, destination, per_second)?)
    }

    fn moves(&self, most: u32) -> Stored<Vec<Move>> {
        let moves = Self::moves(self, most)?.into_iter();
        Ok(moves.map(Into::into).collect())
    }
}

impl From<wit::Error> for StoreFault {
    fn from(fault: wit::Error) -> Self {
        match fault {
            wit::Error::Missing => Self::Missing,
            wit::Error::Denied => Self::Denied,
            wit::Error::Exists => Self::Exists,
            wit::Error::OverLimit => Self::Crowded,
            wit::Error::Invalid(reason) => Self::Invalid(reason),
            wit::Error::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

impl From<&Settings> for wit::Settings {
    fn from(settings: &Settings) -> Self {
        let dead_letter = settings.dead_letter.clone();
        Self {
            ordered: settings.ordered,
            lease_ms: settings.lease_ms,
            delay_ms: settings.delay_ms,
            retention_ms: settings.retention_ms,
            deduplication_by_group: settings.deduplication_by_group,
            dead_letter: dead_letter.map(|dead_letter| wit::DeadLetter {
                queue: dead_letter.queue,
                max_receives: dead_letter.max_receives,
            }),
            attributes: settings.attributes.clone(),
        }
    }
}

impl From<wit::Settings> for Settings {
    fn from(settings: wit::Settings) -> Self {
        Self {
            ordered: settings.ordered,
            lease_ms: settings.lease_ms,
            delay_ms: settings.delay_ms,
            retention_ms: settings.retention_ms,
            deduplication_by_group: settings.deduplication_by_group,
            dead_letter: settings.dead_letter.map(|dead_letter| DeadLetter {
                queue: dead_letter.queue,
                max_receives: dead_letter.max_receives,
            }),
            attributes: settings.attributes,
        }
    }
}

impl From<wit::Description> for Description {
    fn from(description: wit::Description) -> Self {
        Self {
            name: description.name,
            settings: description.settings.into(),
            created_at_ms: description.created_at_ms,
            changed_at_ms: description.changed_at_ms,
            purged_at_ms: description.purged_at_ms,
        }
    }
}

impl From<wit::Page> for Page {
    fn from(page: wit::Page) -> Self {
        Self {
            queues: page.queues.into_iter().map(Into::into).collect(),
            more: page.more,
        }
    }
}

impl From<Attribute> for wit::Attribute {
    fn from(attribute: Attribute) -> Self {
        Self {
            name: attribute.name,
            data_type: attribute.data_type,
            value: match attribute.value {
                Value::Text(text) => wit::Value::Text(text),
                Value::Binary(bytes) => wit::Value::Binary(bytes),
            },
        }
    }
}

impl From<wit::Attribute> for Attribute {
    fn from(attribute: wit::Attribute) -> Self {
        Self {
            name: attribute.name,
            data_type: attribute.data_type,
            value: match attribute.value {
                wit::Value::Text(text) => Value::Text(text),
                wit::Value::Binary(bytes) => Value::Binary(bytes),
            },
        }
    }
}

impl From<Entry> for wit::Entry {
    fn from(entry: Entry) -> Self {
        Self {
            body: entry.body,
            attributes: entry.attributes.into_iter().map(Into::into).collect(),
            extra: entry.extra,
            delay_ms: entry.delay_ms,
            group: entry.group,
            deduplication: entry.deduplication,
        }
    }
}

impl From<wit::Message> for Message {
    fn from(message: wit::Message) -> Self {
        Self {
            id: message.id,
            receipt: message.receipt,
            body: message.body,
            attributes: message.attributes.into_iter().map(Into::into).collect(),
            extra: message.extra,
            group: message.group,
            deduplication: message.deduplication,
            sequence: message.sequence,
            sent_at_ms: message.sent_at_ms,
            first_received_at_ms: message.first_received_at_ms,
            receives: message.receive_count,
            source: message.dead_letter_source,
        }
    }
}

impl From<wit::ReceiptResult> for Settled {
    fn from(settled: wit::ReceiptResult) -> Self {
        match settled {
            wit::ReceiptResult::Done => Self::Done,
            wit::ReceiptResult::Gone => Self::Gone,
            wit::ReceiptResult::Stale => Self::Stale,
            wit::ReceiptResult::NotLeased => Self::NotLeased,
            wit::ReceiptResult::TooLong => Self::TooLong,
            wit::ReceiptResult::Malformed => Self::Malformed,
        }
    }
}

impl From<wit::Move> for Move {
    fn from(task: wit::Move) -> Self {
        Self {
            handle: task.handle,
            source: task.source,
            destination: task.destination,
            per_second: task.per_second,
            status: match task.status {
                wit::MoveStatus::Running => MoveStatus::Running,
                wit::MoveStatus::Completed => MoveStatus::Completed,
                wit::MoveStatus::Cancelling => MoveStatus::Cancelling,
                wit::MoveStatus::Cancelled => MoveStatus::Cancelled,
                wit::MoveStatus::Failed => MoveStatus::Failed,
            },
            moved: task.moved,
            expected: task.expected,
            started_at_ms: task.started_at_ms,
            failure: task.failure_reason,
        }
    }
}
