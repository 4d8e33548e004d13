//! The message groups of ordered queues.
//!
//! A group has a row while it has messages. The row says when the group's first message can be handed out. The
//! messages behind it follow up to the first one that is not due, so a leased message holds back what comes after it
//! and nothing else; once its lease has ended it comes first again, as in SQS.

use rusqlite::params;

use super::tx::QueueTx;
use crate::sql_time::{from_time, time};

/// The id of the group with this name. It is created, due at `due_at`, if it does not exist.
pub(crate) fn find_or_create(
    tx: &QueueTx<'_>,
    generation: i64,
    name: &str,
    due_at: u64,
) -> rusqlite::Result<i64> {
    let known = "SELECT id FROM queue_groups WHERE pile = ?1 AND name = ?2";
    if let Some(id) = tx.row(known, (generation, name), |row| row.get(0))? {
        return Ok(id);
    }
    let new = "INSERT INTO queue_groups (pile, name, due_at) VALUES (?1, ?2, ?3)";
    tx.insert(new, params![generation, name, time(due_at)])
}

/// Up to `max` groups that have something to hand out, the one that is due first at the front.
pub(crate) fn due(tx: &QueueTx<'_>, generation: i64, max: usize) -> rusqlite::Result<Vec<i64>> {
    let sql =
        "SELECT id FROM queue_groups WHERE pile = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3";
    tx.rows(sql, params![generation, time(tx.now), max as i64], |row| {
        row.get(0)
    })
}

/// When the next group is due; `None` if there is no group.
pub(crate) fn next_due(tx: &QueueTx<'_>, generation: i64) -> rusqlite::Result<Option<u64>> {
    let sql = "SELECT due_at FROM queue_groups WHERE pile = ?1 ORDER BY due_at LIMIT 1";
    tx.row(sql, [generation], |row| row.get(0).map(from_time))
}
