//! Leases, and how they are undone.

use rusqlite::params;

use super::limits::DISCARDS;
use super::queues::Queues;
use super::tx::QueueTx;
use super::types::QueueError;
use crate::sql_time::{from_time, time};

/// A lease that a receive has just given, with what is needed to undo it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    /// The message's row.
    pub message: i64,
    /// The message's receive count, this receive included.
    pub receives: u32,
    /// When the message was due before.
    pub due_at: u64,
}

/// A leased message that is to be given back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leased {
    pub message: i64,
    pub generation: i64,
    pub group: Option<i64>,
    /// When the lease ends.
    pub until: u64,
}

impl Leased {
    /// Undoes the lease: the message counts as not received and is due since `due_at`.
    pub(crate) fn give_back(self, tx: &mut QueueTx<'_>, due_at: u64) -> rusqlite::Result<()> {
        let sql = "UPDATE queue_messages SET due_at = ?2, leased = 0, consumer = 0, receives = receives - 1
                   WHERE id = ?1";
        tx.execute(sql, params![self.message, time(due_at)])?;
        tx.rescheduled(self.generation, (true, self.until), (false, due_at));
        tx.group_changed(self.group);
        Ok(())
    }
}

/// Undoes the leases of a receive whose caller has gone away.
pub(crate) fn give_back(
    tx: &mut QueueTx<'_>,
    generation: i64,
    leases: &[Lease],
) -> rusqlite::Result<()> {
    for lease in leases {
        let sql = "SELECT due_at, group_id FROM queue_messages
                   WHERE id = ?1 AND pile = ?2 AND receives = ?3";
        let key = params![lease.message, generation, lease.receives];
        let found = tx.row(sql, key, |row| {
            Ok(Leased {
                message: lease.message,
                generation,
                group: row.get(1)?,
                until: row.get(0).map(from_time)?,
            })
        })?;
        if let Some(leased) = found {
            leased.give_back(tx, lease.due_at)?;
        }
    }
    Ok(())
}

/// Ends some of the leases of consumers. Returns their number.
fn end_some_consumer_leases(tx: &mut QueueTx<'_>) -> rusqlite::Result<usize> {
    let sql =
        "SELECT id, pile, leased, due_at, group_id FROM queue_messages WHERE consumer = 1 LIMIT ?1";
    let held = tx.rows(sql, [DISCARDS as i64], |row| {
        let due_at: i64 = row.get(3)?;
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            from_time(due_at),
            row.get(4)?,
        ))
    })?;
    for &(id, generation, leased, due_at, group) in &held {
        let (id, generation): (i64, i64) = (id, generation);
        let due = due_at.min(tx.now);
        let sql = "UPDATE queue_messages SET due_at = ?2, leased = 0, consumer = 0 WHERE id = ?1";
        tx.execute(sql, params![id, time(due)])?;
        tx.rescheduled(generation, (leased, due_at), (false, due));
        tx.group_changed(group);
        let name = "SELECT name FROM queues WHERE pile = ?1";
        if let Some(name) = tx.row(name, [generation], |row| row.get::<_, String>(0))? {
            tx.notify(&name);
        }
    }
    Ok(held.len())
}

impl Queues {
    /// Ends the leases of consumers inside an earlier host (see [`Receive::consumer`](super::Receive)); returns their
    /// number. Must be called when a host starts, before its own consumers do.
    pub async fn end_consumer_leases(&self) -> Result<usize, QueueError> {
        let mut ended = 0;
        loop {
            match self
                .transact(|tx| Ok(end_some_consumer_leases(tx)?))
                .await?
            {
                0 => return Ok(ended),
                some => ended += some,
            }
        }
    }
}
