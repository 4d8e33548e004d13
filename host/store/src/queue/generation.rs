//! Generations: which messages a queue has, how they are counted, and how they are deleted once the queue has given
//! them up.
//!
//! Each message belongs to a generation, and each queue has one current generation. A purge starts a new generation
//! and retires the old one in a single write; the maintenance deletes retired messages bit by bit. The tables call a
//! generation a *pile*. The name stays there, as renaming it would be a new layout, which [`Reader`](crate::Reader)
//! would have to know beside the present one.

use rusqlite::params;

use super::limits::DISCARDS;
use super::queues::Queues;
use super::row::Queue;
use super::tx::{MAINTENANCE, QueueTx, second};
use super::types::{Counts, QueueError};
use crate::sql_time::{from_time, time};

/// Creates an empty generation.
pub(crate) fn create(tx: &QueueTx<'_>) -> rusqlite::Result<i64> {
    tx.insert("INSERT INTO queue_piles DEFAULT VALUES", [])
}

/// Retires a generation: it belongs to no queue, and the maintenance deletes its messages.
pub(crate) fn retire(tx: &mut QueueTx<'_>, generation: i64) -> rusqlite::Result<()> {
    tx.notify(MAINTENANCE);
    tx.execute(
        "UPDATE queue_piles SET abandoned = 1 WHERE id = ?1",
        [generation],
    )?;
    Ok(())
}

/// Deletes some of the messages of retired generations. Returns whether there may be more.
pub(crate) fn delete_some_retired(tx: &QueueTx<'_>) -> rusqlite::Result<bool> {
    let sql = "SELECT id FROM queue_piles WHERE abandoned = 1 LIMIT 1";
    let Some(generation) = tx.row(sql, [], |row| row.get::<_, i64>(0))? else {
        return Ok(false);
    };
    let some = params![generation, DISCARDS as i64];
    let mut deleted = 0;
    for sql in [
        "DELETE FROM queue_messages WHERE id IN (SELECT id FROM queue_messages WHERE pile = ?1 LIMIT ?2)",
        "DELETE FROM queue_groups WHERE id IN (SELECT id FROM queue_groups WHERE pile = ?1 LIMIT ?2)",
    ] {
        deleted += tx.execute(sql, some)?;
    }
    if deleted == 0 {
        tx.execute("DELETE FROM queue_times WHERE pile = ?1", [generation])?;
        tx.execute("DELETE FROM queue_piles WHERE id = ?1", [generation])?;
    }
    Ok(true)
}

/// Deletes the counts of seconds that have passed.
pub(crate) fn delete_past_seconds(tx: &QueueTx<'_>) -> rusqlite::Result<()> {
    let now = time(second(tx.now));
    tx.execute("DELETE FROM queue_times WHERE second < ?1", [now])?;
    Ok(())
}

/// Deletes some of the messages whose retention has ended. Returns their number.
pub(crate) fn delete_expired(tx: &mut QueueTx<'_>, queue: &Queue) -> rusqlite::Result<usize> {
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
        delete_message(tx, queue.generation, id, (leased, due_at), group)?;
    }
    Ok(expired.len())
}

/// Deletes a message. `state` says whether it is leased and when it is due.
pub(crate) fn delete_message(
    tx: &mut QueueTx<'_>,
    generation: i64,
    id: i64,
    state: (bool, u64),
    group: Option<i64>,
) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM queue_messages WHERE id = ?1", [id])?;
    tx.removed(generation, state.0, state.1);
    tx.group_changed(group);
    Ok(())
}

/// An upper bound of the number of leased messages, cheaper than [`counts`]: all leases that end within the current
/// second count.
pub(crate) fn max_leased(tx: &QueueTx<'_>, generation: i64) -> rusqlite::Result<u64> {
    sum_of_seconds(tx, generation, true, second(tx.now))
}

/// The exact numbers of messages.
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

/// Reads the messages of the current second one by one; later seconds have their counts.
fn hidden(tx: &QueueTx<'_>, generation: i64, leased: bool) -> rusqlite::Result<u64> {
    let next_second = second(tx.now) + 1;
    let sql = "SELECT count(*) FROM queue_messages
               WHERE pile = ?1 AND due_at > ?2 AND due_at < ?3 AND leased = ?4";
    let span = params![generation, time(tx.now), time(next_second * 1000), leased];
    let current = tx.row(sql, span, |row| row.get(0).map(from_time))?;
    Ok(current.unwrap_or(0) + sum_of_seconds(tx, generation, leased, next_second)?)
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
    /// The exact numbers of a queue's messages. A message that waits behind another one of its group counts as
    /// visible. Expired messages are deleted on the way; if there are many, some of them still count for up to a
    /// minute.
    pub async fn counts(&self, queue: &str) -> Result<Counts, QueueError> {
        let queue = queue.to_owned();
        self.transact(move |tx| {
            let queue = tx.queue(&queue)?;
            delete_expired(tx, &queue)?;
            tx.flush()?;
            Ok(counts(tx, queue.generation)?)
        })
        .await
    }
}
