//! Transferring a message from one queue to another: to the dead-letter queue, or back.
//!
//! The message keeps its body and attributes and becomes the last one of its new queue. Its old receipts are void.

use rusqlite::params;
use uuid::Uuid;

use super::row::Queue;
use super::tx::QueueTx;
use super::{group, visible};
use crate::sql_time::time;

/// Why a message is transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It becomes a dead letter. Its id, its receive count and its retention continue, and its source is recorded.
    DeadLetter,
    /// It is moved to be consumed again: with a new id, and as if it were sent now.
    Move,
}

/// What must be known of a message to transfer it.
#[derive(Debug, Clone)]
pub(crate) struct Moving {
    pub id: i64,
    pub message_id: Uuid,
    pub leased: bool,
    pub due_at: u64,
    pub group: Option<i64>,
    pub group_name: Option<String>,
}

/// The dead-letter queue of a queue, if it has one that exists and is ordered if the queue is.
pub(crate) fn dead_letter_queue(
    tx: &QueueTx<'_>,
    queue: &Queue,
) -> rusqlite::Result<Option<Queue>> {
    let Some(dead_letter) = &queue.dead_letter else {
        return Ok(None);
    };
    let found = tx.find_queue(&dead_letter.queue)?;
    Ok(found.filter(|found| found.ordered == queue.ordered && found.id != queue.id))
}

/// Transfers a message.
pub(crate) fn transfer(
    tx: &mut QueueTx<'_>,
    moving: &Moving,
    from: &Queue,
    to: &Queue,
    reason: Reason,
) -> rusqlite::Result<()> {
    let group = match &moving.group_name {
        Some(name) if to.ordered => Some(group::find_or_create(tx, to.generation, name, tx.now)?),
        _ => None,
    };
    let dead = reason == Reason::DeadLetter;
    let id = if dead {
        moving.message_id
    } else {
        Uuid::new_v4()
    };
    // The deduplication id applies to the queue that the message was sent to, not to a dead-letter queue that many
    // queues share.
    let deduplication = (dead && to.ordered).then(|| moving.message_id.to_string());
    let sql = "INSERT INTO queue_messages (pile, due_at, receives, leased_at, first_received_at, sent_at, kept_from,
                                           group_id, group_name, message_id, deduplication, source, details, body)
               SELECT ?2, ?9, iif(?4, receives, 0), leased_at, first_received_at, iif(?4, sent_at, ?3),
                      iif(?4, kept_from, ?3), ?5, group_name, ?8, coalesce(?6, deduplication), ?7, details, body
               FROM queue_messages WHERE id = ?1";
    tx.insert(
        sql,
        params![
            moving.id,
            to.generation,
            time(tx.now),
            dead,
            group,
            deduplication,
            dead.then_some(&from.name),
            id.as_bytes(),
            visible::due_at_column(to, tx.now, tx.now),
        ],
    )?;
    tx.execute("DELETE FROM queue_messages WHERE id = ?1", [moving.id])?;
    tx.removed(from.generation, moving.leased, moving.due_at);
    tx.added(to.generation, tx.now);
    tx.group_changed(moving.group);
    tx.group_changed(group);
    tx.notify(&to.name);
    Ok(())
}
