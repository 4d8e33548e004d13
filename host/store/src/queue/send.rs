//! Sending messages.

use rusqlite::params;
use uuid::Uuid;

use super::queues::Queues;
use super::row::Queue;
use super::tx::{Abort, QueueTx};
use super::types::{Entry, QueueError, Sent, Settings};
use super::{deduplication, details, group, settings, visible};
use crate::sql_time::time;

/// The first sequence number. Those of AWS have twenty digits and begin like this one.
const FIRST_SEQUENCE: u128 = 18_850_000_000_000_000_000;

/// The sequence number of a message of an ordered queue. The messages of all queues are numbered together, so the
/// numbers of one queue have gaps, as those of AWS do.
pub(crate) fn sequence(message: i64) -> String {
    let number = FIRST_SEQUENCE + u128::from(message.unsigned_abs()) * 256;
    number.to_string()
}

impl Queues {
    /// Sends messages, all or none. The results are in the order of the entries.
    ///
    /// # Errors
    ///
    /// [`QueueError::Invalid`] if the queue is ordered and an entry has no group or no deduplication id.
    pub async fn send(&self, queue: &str, entries: Vec<Entry>) -> Result<Vec<Sent>, QueueError> {
        let name = queue.to_owned();
        self.growing()
            .transact(move |tx| {
                let queue = tx.queue(&name)?;
                if queue.ordered {
                    entries.iter().try_for_each(check_ordered)?;
                }
                let mut sent = Vec::with_capacity(entries.len());
                for entry in &entries {
                    sent.push(send(tx, &queue, entry)?);
                }
                tx.notify(&name);
                Ok(sent)
            })
            .await
    }
}

/// Sends a message of the host itself to a queue, which is created with default settings if it does not exist.
pub(crate) fn send_or_create(tx: &mut QueueTx<'_>, name: &str, entry: &Entry) -> Result<(), Abort> {
    let queue = match tx.find_queue(name)? {
        Some(queue) => queue,
        None => settings::create(tx, name, &Settings::default())?,
    };
    tx.notify(name);
    if !queue.ordered {
        send(tx, &queue, entry)?;
        return Ok(());
    }
    // The message is part of no sequence. In a group of its own it cannot be blocked by another message.
    let id = Uuid::new_v4().to_string();
    let mut entry = entry.clone();
    entry.deduplication.get_or_insert_with(|| id.clone());
    entry.group.get_or_insert(id);
    send(tx, &queue, &entry)?;
    Ok(())
}

fn check_ordered(entry: &Entry) -> Result<(), Abort> {
    if entry.group.is_none() {
        return Err(Abort::invalid(
            "a message of an ordered queue needs a group",
        ));
    }
    if entry.deduplication.is_none() {
        return Err(Abort::invalid(
            "a message of an ordered queue needs a deduplication id",
        ));
    }
    Ok(())
}

fn send(tx: &mut QueueTx<'_>, queue: &Queue, entry: &Entry) -> rusqlite::Result<Sent> {
    let key = match (queue.ordered, &entry.group, &entry.deduplication) {
        (true, Some(group), Some(text)) => Some(deduplication::Key::new(queue, group, text)),
        _ => None,
    };
    if let Some(key) = &key
        && let Some((message, id)) = deduplication::find_first(tx, key)?
    {
        return Ok(Sent {
            id: id.to_string(),
            sequence: Some(sequence(message)),
            duplicate: true,
        });
    }
    let id = Uuid::new_v4();
    let message = insert(tx, queue, entry, id)?;
    if let Some(key) = &key {
        deduplication::remember(tx, key, message, id)?;
    }
    Ok(Sent {
        id: id.to_string(),
        sequence: queue.ordered.then(|| sequence(message)),
        duplicate: false,
    })
}

fn insert(tx: &mut QueueTx<'_>, queue: &Queue, entry: &Entry, id: Uuid) -> rusqlite::Result<i64> {
    let due_at = tx
        .now
        .saturating_add(entry.delay_ms.unwrap_or(queue.delay_ms));
    let group = match &entry.group {
        Some(name) if queue.ordered => {
            Some(group::find_or_create(tx, queue.generation, name, due_at)?)
        }
        _ => None,
    };
    tx.added(queue.generation, due_at);
    let sql = "INSERT INTO queue_messages (pile, due_at, leased_at, first_received_at, sent_at, kept_from, group_id,
                                           group_name, message_id, deduplication, details, body)
               VALUES (?1, ?2, ?3, ?3, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    tx.insert(
        sql,
        params![
            queue.generation,
            visible::due_at_column(queue, due_at, tx.now),
            time(tx.now),
            group,
            entry.group,
            id.as_bytes(),
            entry.deduplication,
            details::write(&entry.attributes, &entry.extra),
            &entry.body[..],
        ],
    )
}
