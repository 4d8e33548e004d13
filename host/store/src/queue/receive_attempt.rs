//! Named receives, so that a receiver that got no answer can ask again (SQS: `ReceiveRequestAttemptId`).
//!
//! For five minutes, and while its messages are leased as the receive left them, another receive with the same name
//! is handed the same messages with the same receipts, and their leases start anew. If one of the messages was
//! removed or its lease was changed meanwhile, the receive is refused. Once the leases have ended, the name has no
//! meaning and the receive is like any other.

use rusqlite::params;

use super::lease::Lease;
use super::limits::{EXPIRED_PER_OPERATION, RECEIVE_ATTEMPT_MS};
use super::tx::{Abort, QueueTx};
use super::types::QueueError;
use crate::sql_time::{from_time, time};

/// What a named receive handed out.
#[derive(Debug)]
pub(crate) struct ReceiveAttempt {
    /// The rows of its messages and their receive counts, in the order in which they were handed out.
    pub messages: Vec<(i64, u32)>,
    /// When their leases end.
    pub leases_end: u64,
}

/// The earlier receive with this name, if its messages are to be handed out again.
pub(crate) fn find(
    tx: &QueueTx<'_>,
    generation: i64,
    name: &str,
) -> Result<Option<ReceiveAttempt>, Abort> {
    let sql = "SELECT leases_end, messages FROM queue_attempts
               WHERE pile = ?1 AND name = ?2 AND until > ?3 AND leases_end > ?3";
    let found = tx.row(sql, params![generation, name, time(tx.now)], |row| {
        Ok((row.get(0).map(from_time)?, row.get::<_, String>(1)?))
    })?;
    let Some((leases_end, messages)) = found else {
        return Ok(None);
    };
    let messages: Vec<(i64, u32)> = serde_json::from_str(&messages).unwrap_or_default();
    for &(message, receives) in &messages {
        let sql = "SELECT 1 FROM queue_messages
                   WHERE id = ?1 AND pile = ?2 AND receives = ?3 AND leased = 1 AND due_at = ?4";
        let key = params![message, generation, receives, time(leases_end)];
        if tx.row(sql, key, |_| Ok(()))?.is_none() {
            let why = format!("messages of the receive {name} were removed or changed since");
            return Err(QueueError::Invalid(why).into());
        }
    }
    Ok(Some(ReceiveAttempt {
        messages,
        leases_end,
    }))
}

/// Remembers what a named receive handed out, and deletes some expired names.
pub(crate) fn remember(
    tx: &QueueTx<'_>,
    generation: i64,
    name: &str,
    leases: &[Lease],
    leases_end: u64,
) -> rusqlite::Result<()> {
    let expired = "DELETE FROM queue_attempts WHERE until <= ?1 AND id IN
                   (SELECT id FROM queue_attempts ORDER BY id LIMIT ?2)";
    tx.execute(expired, params![time(tx.now), EXPIRED_PER_OPERATION as i64])?;
    let messages: Vec<(i64, u32)> = leases
        .iter()
        .map(|lease| (lease.message, lease.receives))
        .collect();
    let sql = "INSERT OR REPLACE INTO queue_attempts (pile, name, until, leases_end, messages)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.execute(
        sql,
        params![
            generation,
            name,
            time(tx.now.saturating_add(RECEIVE_ATTEMPT_MS)),
            time(leases_end),
            // Numbers always serialize.
            serde_json::to_string(&messages).unwrap_or_default(),
        ],
    )?;
    Ok(())
}

/// Stores the new end of the leases. The five minutes are not extended.
pub(crate) fn renew(
    tx: &QueueTx<'_>,
    generation: i64,
    name: &str,
    until: u64,
) -> rusqlite::Result<()> {
    let sql = "UPDATE queue_attempts SET leases_end = ?3 WHERE pile = ?1 AND name = ?2";
    tx.execute(sql, params![generation, name, time(until)])?;
    Ok(())
}

/// Deletes the record of a receive that was never answered.
pub(crate) fn delete(tx: &QueueTx<'_>, generation: i64, name: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM queue_attempts WHERE pile = ?1 AND name = ?2";
    tx.execute(sql, params![generation, name])?;
    Ok(())
}
