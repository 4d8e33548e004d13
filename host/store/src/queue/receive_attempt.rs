//! Receives that have a name, so that whoever did not hear what came of one can ask again.
//!
//! For five minutes, and as long as its messages are leased as it left them, a receive of the same name is handed the same
//! messages with the same receipts, and their leases begin anew. Once one of them was removed or its lease was changed,
//! nobody can tell any more what the name stands for, and it is refused. When the leases are over it is a receive like
//! any other.

use rusqlite::params;

use super::QueueError;
use super::limits::{FORGOTTEN_PER_SEND, RECEIVE_ATTEMPT_MS};
use super::take::Lease;
use super::tx::{Abort, QueueTx};
use crate::queues::{from_time, time};

/// What came of a receive.
#[derive(Debug)]
pub(crate) struct ReceiveAttempt {
    /// The rows of its messages and the counts of their receives, in the order in which they were handed out.
    pub messages: Vec<(i64, u32)>,
    /// When their leases end.
    pub leases_end: u64,
}

/// What came of the receive of this name, if its messages are to be handed out again.
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

/// Remembers what came of a receive, and forgets some whose time is over.
pub(crate) fn remember(
    tx: &QueueTx<'_>,
    generation: i64,
    name: &str,
    leases: &[Lease],
    leases_end: u64,
) -> rusqlite::Result<()> {
    let over = "DELETE FROM queue_attempts WHERE until <= ?1 AND id IN
                (SELECT id FROM queue_attempts ORDER BY id LIMIT ?2)";
    tx.execute(over, params![time(tx.now), FORGOTTEN_PER_SEND as i64])?;
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
            // Numbers do not fail to be JSON.
            serde_json::to_string(&messages).unwrap_or_default(),
        ],
    )?;
    Ok(())
}

/// Writes down that the leases end at another time; the five minutes run on.
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

/// Nobody got what came of it.
pub(crate) fn forget(tx: &QueueTx<'_>, generation: i64, name: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM queue_attempts WHERE pile = ?1 AND name = ?2";
    tx.execute(sql, params![generation, name])?;
    Ok(())
}
