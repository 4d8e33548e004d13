//! Deduplication ids: the messages that were sent to ordered queues within the last five minutes, also if they were
//! received and removed since. A purge starts a new generation and with it a new set of ids.

use rusqlite::params;
use uuid::Uuid;

use super::limits::{DEDUPLICATION_MS, EXPIRED_PER_OPERATION};
use super::row::Queue;
use super::tx::QueueTx;
use crate::sql_time::{from_time, time};

/// What two messages must have in common to be duplicates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    generation: i64,
    /// The message's group. Its name is never empty.
    group: &'a str,
    /// The group's name if ids apply within a group only, else empty.
    scope: &'a str,
    text: &'a str,
}

impl<'a> Key<'a> {
    pub(crate) fn new(queue: &Queue, group: &'a str, text: &'a str) -> Self {
        Self {
            generation: queue.generation,
            group,
            scope: if queue.deduplication_by_group {
                group
            } else {
                ""
            },
            text,
        }
    }
}

/// The row and the id of the first message with this key, if there was one within five minutes.
///
/// Ids of the whole queue and of the group count, whichever of the two the queue has now: a change of that setting does
/// not end the ids of messages that were sent before it (recorded on AWS for ids of the whole queue).
pub(crate) fn find_first(tx: &QueueTx<'_>, key: &Key<'_>) -> rusqlite::Result<Option<(i64, Uuid)>> {
    let sql = "SELECT message, message_id FROM queue_deduplications
               WHERE pile = ?1 AND scope IN (?2, '') AND text = ?3 AND until > ?4 ORDER BY id LIMIT 1";
    let params = params![key.generation, key.group, key.text, time(tx.now)];
    tx.row(sql, params, |row| {
        Ok((row.get(0)?, Uuid::from_bytes(row.get(1)?)))
    })
}

/// Remembers a message as the first with its key, and deletes some expired ids.
pub(crate) fn remember(
    tx: &QueueTx<'_>,
    key: &Key<'_>,
    message: i64,
    id: Uuid,
) -> rusqlite::Result<()> {
    delete_some_expired(tx)?;
    let sql = "INSERT OR REPLACE INTO queue_deduplications (pile, scope, text, until, message, message_id)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let until = time(tx.now.saturating_add(DEDUPLICATION_MS));
    tx.execute(
        sql,
        params![
            key.generation,
            key.scope,
            key.text,
            until,
            message,
            id.as_bytes()
        ],
    )?;
    Ok(())
}

fn delete_some_expired(tx: &QueueTx<'_>) -> rusqlite::Result<()> {
    let sql = "SELECT id, until FROM queue_deduplications ORDER BY id LIMIT ?1";
    let oldest = tx.rows(sql, [EXPIRED_PER_OPERATION as i64], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1).map(from_time)?))
    })?;
    for (id, until) in oldest {
        if until <= tx.now {
            tx.execute("DELETE FROM queue_deduplications WHERE id = ?1", [id])?;
        }
    }
    Ok(())
}
