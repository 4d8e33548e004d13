//! The groups of ordered queues.
//!
//! A group has a row as long as it has messages. The row says when the first of them may be handed out: when it is due,
//! its lease over or given up. Those behind it follow up to the first that is not, so one that is leased holds back what
//! comes after it and nothing else: what was given up before it comes first again, as on AWS.

use rusqlite::params;

use super::tx::QueueTx;
use crate::queues::{from_time, time};

/// The group of this name, which is made for a message that is due then if there is none.
pub(crate) fn join(
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

/// Up to so many groups that have something to hand out, the one that is due first before the others.
pub(crate) fn due(tx: &QueueTx<'_>, generation: i64, max: usize) -> rusqlite::Result<Vec<i64>> {
    let sql =
        "SELECT id FROM queue_groups WHERE pile = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3";
    tx.rows(sql, params![generation, time(tx.now), max as i64], |row| {
        row.get(0)
    })
}

/// When the next group is due.
pub(crate) fn next_due(tx: &QueueTx<'_>, generation: i64) -> rusqlite::Result<Option<u64>> {
    let sql = "SELECT due_at FROM queue_groups WHERE pile = ?1 ORDER BY due_at LIMIT 1";
    tx.row(sql, [generation], |row| row.get(0).map(from_time))
}

/// Writes down when the group is due, after something has changed; a group without messages ends.
pub(crate) fn refresh(tx: &QueueTx<'_>, group: i64) -> rusqlite::Result<()> {
    let first = "SELECT due_at FROM queue_messages WHERE group_id = ?1 ORDER BY id LIMIT 1";
    match tx.row(first, [group], |row| row.get::<_, i64>(0))? {
        Some(due_at) => tx.execute(
            "UPDATE queue_groups SET due_at = ?2 WHERE id = ?1",
            (group, due_at),
        ),
        None => tx.execute("DELETE FROM queue_groups WHERE id = ?1", [group]),
    }?;
    Ok(())
}
