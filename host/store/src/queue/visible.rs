//! The order in which the visible messages of a standard queue are received: that in which they were sent, also if
//! they were hidden in between by a delay or a lease. AWS promises standard queues no order, but recordings of it show
//! a message whose visibility timeout has ended before one that was sent later.
//!
//! A message that is known to be visible has [`VISIBLE`] in its column `due_at`, so that the index of due messages
//! lists the visible ones in the order of their rows, at its beginning. A message that becomes visible by the passage
//! of time is marked by the next operation that needs this order. Each message is marked at most once for each time
//! that it was hidden, so a receive costs as much as before.
//!
//! In an ordered queue the groups have the order, and `due_at` is always a time.

use rusqlite::params;

use super::limits::DISCARDS;
use super::row::Queue;
use super::tx::QueueTx;
use crate::sql_time::time;

/// What the column `due_at` holds while a message of a standard queue is visible.
const VISIBLE: u64 = 0;

/// The value of the column `due_at` for a new message of this queue that is due at `due_at`.
pub(crate) fn due_at_column(queue: &Queue, due_at: u64, now: u64) -> i64 {
    let visible = !queue.ordered && due_at <= now;
    time(if visible { VISIBLE } else { due_at })
}

/// Marks messages of a standard queue that are visible now. Returns whether all of them are marked; if not, the
/// operation is to be run again in another transaction, so that others are not held up.
pub(crate) fn mark_due(tx: &QueueTx<'_>, queue: &Queue) -> rusqlite::Result<bool> {
    let sql = "UPDATE queue_messages SET due_at = ?2, leased = 0 WHERE id IN
               (SELECT id FROM queue_messages WHERE pile = ?1 AND due_at > ?2 AND due_at <= ?3 LIMIT ?4)";
    let params = params![
        queue.generation,
        time(VISIBLE),
        time(tx.now),
        DISCARDS as i64
    ];
    Ok(tx.execute(sql, params)? < DISCARDS)
}
