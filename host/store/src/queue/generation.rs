//! Piles: where a queue's messages lie, how they are counted, and how they are put away when they are nobody's any more.

use rusqlite::params;

use super::limits::DISCARDS;
use super::maintenance::MAINTENANCE;
use super::settings::Queue;
use super::tx::{QueueTx, second};
use super::{Counts, QueueError, Queues};
use crate::queues::{from_time, time};

/// A new, empty pile.
pub(crate) fn create(tx: &QueueTx<'_>) -> rusqlite::Result<i64> {
    tx.insert("INSERT INTO queue_piles DEFAULT VALUES", [])
}

/// Nobody's any more; the keeper puts away what lies on it.
pub(crate) fn retire(tx: &mut QueueTx<'_>, generation: i64) -> rusqlite::Result<()> {
    tx.notify(MAINTENANCE);
    tx.execute(
        "UPDATE queue_piles SET abandoned = 1 WHERE id = ?1",
        [generation],
    )?;
    Ok(())
}

/// Puts a part of the abandoned piles away; tells whether there is more.
pub(crate) fn delete_some_retired(tx: &QueueTx<'_>) -> rusqlite::Result<bool> {
    let sql = "SELECT id FROM queue_piles WHERE abandoned = 1 LIMIT 1";
    let Some(generation) = tx.row(sql, [], |row| row.get::<_, i64>(0))? else {
        return Ok(false);
    };
    let some = params![generation, DISCARDS as i64];
    let mut gone = 0;
    for sql in [
        "DELETE FROM queue_messages WHERE id IN (SELECT id FROM queue_messages WHERE pile = ?1 LIMIT ?2)",
        "DELETE FROM queue_groups WHERE id IN (SELECT id FROM queue_groups WHERE pile = ?1 LIMIT ?2)",
    ] {
        gone += tx.execute(sql, some)?;
    }
    if gone == 0 {
        tx.execute("DELETE FROM queue_times WHERE pile = ?1", [generation])?;
        tx.execute("DELETE FROM queue_piles WHERE id = ?1", [generation])?;
    }
    Ok(true)
}

/// Forgets the counts of seconds that are over.
pub(crate) fn forget_past_seconds(tx: &QueueTx<'_>) -> rusqlite::Result<()> {
    let now = time(second(tx.now));
    tx.execute("DELETE FROM queue_times WHERE second < ?1", [now])?;
    Ok(())
}

/// Drops some of the messages that were kept as long as the queue keeps them; tells how many.
pub(crate) fn drop_expired(tx: &mut QueueTx<'_>, queue: &Queue) -> rusqlite::Result<usize> {
    let sql = "SELECT id, leased, due_at, group_id FROM queue_messages WHERE pile = ?1 AND kept_from <= ?2 LIMIT ?3";
    let oldest = time(tx.now.saturating_sub(queue.retention_ms));
    let expired = tx.rows(
        sql,
        params![queue.generation, oldest, DISCARDS as i64],
        |row| {
            let due_at: i64 = row.get(2)?;
            Ok((row.get(0)?, row.get(1)?, from_time(due_at), row.get(3)?))
        },
    )?;
    for &(id, leased, due_at, group) in &expired {
        drop_message(tx, queue.generation, id, (leased, due_at), group)?;
    }
    Ok(expired.len())
}

/// Takes a message off its pile, for good. `hidden`: whether it is leased, and when it is due.
pub(crate) fn drop_message(
    tx: &mut QueueTx<'_>,
    generation: i64,
    id: i64,
    hidden: (bool, u64),
    group: Option<i64>,
) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM queue_messages WHERE id = ?1", [id])?;
    tx.removed(generation, hidden.0, hidden.1);
    tx.group_changed(group);
    Ok(())
}

/// At least as many messages as are leased: those whose lease ends within this very second are counted as if all held.
pub(crate) fn max_leased(tx: &QueueTx<'_>, generation: i64) -> rusqlite::Result<u64> {
    sum_of_seconds(tx, generation, true, second(tx.now))
}

pub(crate) fn counts(tx: &QueueTx<'_>, generation: i64) -> rusqlite::Result<Counts> {
    let sql = "SELECT messages FROM queue_piles WHERE id = ?1";
    let all = tx.row(sql, [generation], |row| row.get(0).map(from_time))?;
    let leased = hidden(tx, generation, true)?;
    let delayed = hidden(tx, generation, false)?;
    Ok(Counts {
        visible: all.unwrap_or(0).saturating_sub(leased + delayed),
        leased,
        delayed,
    })
}

/// Those of the present second are read one by one, those of later ones are counted already.
fn hidden(tx: &QueueTx<'_>, generation: i64, leased: bool) -> rusqlite::Result<u64> {
    let next_second = second(tx.now) + 1;
    let sql = "SELECT count(*) FROM queue_messages
               WHERE pile = ?1 AND due_at > ?2 AND due_at < ?3 AND leased = ?4";
    let span = params![generation, time(tx.now), time(next_second * 1000), leased];
    let present = tx.row(sql, span, |row| row.get(0).map(from_time))?;
    Ok(present.unwrap_or(0) + sum_of_seconds(tx, generation, leased, next_second)?)
}

fn sum_of_seconds(
    tx: &QueueTx<'_>,
    generation: i64,
    leased: bool,
    from: u64,
) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(sum(messages), 0) FROM queue_times WHERE pile = ?1 AND leased = ?2 AND second >= ?3";
    let sum = tx.row(sql, params![generation, leased, time(from)], |row| {
        row.get(0).map(from_time)
    })?;
    Ok(sum.unwrap_or(0))
}

impl Queues {
    /// How many messages a queue has. A message that waits behind one of its group counts as visible. Expired messages
    /// are no longer counted a minute after they expired, most of them at once.
    pub async fn counts(&self, queue: &str) -> Result<Counts, QueueError> {
        let queue = queue.to_owned();
        self.transact(move |tx| {
            let queue = tx.queue(&queue)?;
            drop_expired(tx, &queue)?;
            tx.flush()?;
            Ok(counts(tx, queue.generation)?)
        })
        .await
    }
}
