//! What was sent to ordered queues within the last five minutes, whatever has become of it since; a purge forgets it.

use rusqlite::params;
use uuid::Uuid;

use super::limits::{DEDUPLICATION_MS, FORGOTTEN_PER_SEND};
use super::settings::Queue;
use super::tx::QueueTx;
use crate::queues::{from_time, time};

/// What makes two messages the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    generation: i64,
    /// A group's name, or nothing: no group's name is empty.
    scope: &'a str,
    text: &'a str,
}

impl<'a> Key<'a> {
    pub(crate) fn new(queue: &Queue, group: &'a str, text: &'a str) -> Self {
        Self {
            generation: queue.generation,
            scope: if queue.deduplication_by_group {
                group
            } else {
                ""
            },
            text,
        }
    }
}

/// The row and the id of the message that was sent first, if one was.
pub(crate) fn first_of(tx: &QueueTx<'_>, key: &Key<'_>) -> rusqlite::Result<Option<(i64, Uuid)>> {
    let sql = "SELECT message, message_id FROM queue_deduplications
               WHERE pile = ?1 AND scope = ?2 AND text = ?3 AND until > ?4";
    let params = params![key.generation, key.scope, key.text, time(tx.now)];
    tx.row(sql, params, |row| {
        Ok((row.get(0)?, Uuid::from_bytes(row.get(1)?)))
    })
}

/// Remembers a message as the first, and forgets some whose time is over.
pub(crate) fn remember(
    tx: &QueueTx<'_>,
    key: &Key<'_>,
    message: i64,
    id: Uuid,
) -> rusqlite::Result<()> {
    forget(tx)?;
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

fn forget(tx: &QueueTx<'_>) -> rusqlite::Result<()> {
    let sql = "SELECT id, until FROM queue_deduplications ORDER BY id LIMIT ?1";
    let oldest = tx.rows(sql, [FORGOTTEN_PER_SEND as i64], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1).map(from_time)?))
    })?;
    for (id, until) in oldest {
        if until <= tx.now {
            tx.execute("DELETE FROM queue_deduplications WHERE id = ?1", [id])?;
        }
    }
    Ok(())
}
