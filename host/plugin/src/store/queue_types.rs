//! Conversions between the records of `lambkin:store/queues` and the store's own types.

use bytes::Bytes;
use lambkin_model::{Attribute, AttributeValue, Message};
use lambkin_store::queue::{
    Counts, DeadLetter, Description, Entry, Move, MoveStatus, Page, ReceiptResult, Sent, Settings,
};

use super::bindings::queues as wit;

impl From<wit::Settings> for Settings {
    fn from(settings: wit::Settings) -> Self {
        Self {
            ordered: settings.ordered,
            lease_ms: settings.lease_ms,
            delay_ms: settings.delay_ms,
            retention_ms: settings.retention_ms,
            deduplication_by_group: settings.deduplication_by_group,
            dead_letter: settings.dead_letter.map(|dead| DeadLetter {
                queue: dead.queue,
                max_receives: dead.max_receives,
            }),
            attributes: settings.attributes,
        }
    }
}

impl From<Settings> for wit::Settings {
    fn from(settings: Settings) -> Self {
        Self {
            ordered: settings.ordered,
            lease_ms: settings.lease_ms,
            delay_ms: settings.delay_ms,
            retention_ms: settings.retention_ms,
            deduplication_by_group: settings.deduplication_by_group,
            dead_letter: settings.dead_letter.map(|dead| wit::DeadLetter {
                queue: dead.queue,
                max_receives: dead.max_receives,
            }),
            attributes: settings.attributes,
        }
    }
}

impl From<Description> for wit::Description {
    fn from(queue: Description) -> Self {
        Self {
            name: queue.name,
            settings: queue.settings.into(),
            created_at_ms: queue.created_at,
            changed_at_ms: queue.changed_at,
            purged_at_ms: queue.purged_at,
        }
    }
}

impl From<Page> for wit::Page {
    fn from(page: Page) -> Self {
        Self {
            queues: page.queues.into_iter().map(Into::into).collect(),
            more: page.more,
        }
    }
}

impl From<Counts> for wit::Counts {
    fn from(counts: Counts) -> Self {
        Self {
            visible: counts.visible,
            leased: counts.leased,
            delayed: counts.delayed,
        }
    }
}

impl From<wit::Entry> for Entry {
    fn from(entry: wit::Entry) -> Self {
        Self {
            body: entry.body.into(),
            attributes: entry
                .attributes
                .into_iter()
                .map(attribute_from_guest)
                .collect(),
            extra: entry.extra,
            delay_ms: entry.delay_ms,
            group: entry.group,
            deduplication: entry.deduplication,
        }
    }
}

fn attribute_from_guest(attribute: wit::Attribute) -> Attribute {
    Attribute {
        name: attribute.name,
        data_type: attribute.data_type,
        value: match attribute.value {
            wit::Value::Text(text) => AttributeValue::Text(text),
            wit::Value::Binary(bytes) => AttributeValue::Binary(Bytes::from(bytes)),
        },
    }
}

fn attribute_to_guest(attribute: Attribute) -> wit::Attribute {
    wit::Attribute {
        name: attribute.name,
        data_type: attribute.data_type,
        value: match attribute.value {
            AttributeValue::Text(text) => wit::Value::Text(text),
            AttributeValue::Binary(bytes) => wit::Value::Binary(bytes.into()),
        },
    }
}

impl From<Sent> for wit::Sent {
    fn from(sent: Sent) -> Self {
        Self {
            id: sent.id,
            sequence: sent.sequence,
            duplicate: sent.duplicate,
        }
    }
}

impl From<Message> for wit::Message {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            receipt: message.receipt,
            body: message.body.into(),
            attributes: message
                .attributes
                .into_iter()
                .map(attribute_to_guest)
                .collect(),
            extra: message.extra,
            group: message.group,
            deduplication: message.deduplication,
            sequence: message.sequence,
            sent_at_ms: message.sent_at,
            first_received_at_ms: message.first_received_at.unwrap_or_default(),
            receive_count: message.receives.unwrap_or_default(),
            dead_letter_source: message.source,
        }
    }
}

impl From<ReceiptResult> for wit::ReceiptResult {
    fn from(outcome: ReceiptResult) -> Self {
        match outcome {
            ReceiptResult::Done => Self::Done,
            ReceiptResult::Gone => Self::Gone,
            ReceiptResult::Stale => Self::Stale,
            ReceiptResult::NotLeased => Self::NotLeased,
            ReceiptResult::TooLong => Self::TooLong,
            ReceiptResult::Malformed => Self::Malformed,
        }
    }
}

impl From<Move> for wit::Move {
    fn from(of: Move) -> Self {
        Self {
            handle: of.handle,
            source: of.source,
            destination: of.destination,
            per_second: of.per_second,
            status: match of.status {
                MoveStatus::Running => wit::MoveStatus::Running,
                MoveStatus::Completed => wit::MoveStatus::Completed,
                MoveStatus::Cancelling => wit::MoveStatus::Cancelling,
                MoveStatus::Cancelled => wit::MoveStatus::Cancelled,
                MoveStatus::Failed => wit::MoveStatus::Failed,
            },
            moved: of.moved,
            expected: of.expected,
            started_at_ms: of.started_at,
            failure_reason: of.failure_reason,
        }
    }
}
