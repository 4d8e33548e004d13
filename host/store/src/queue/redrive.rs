//! A message goes from one queue to another: to the dead letters, or back.
//!
//! It keeps its body and its attributes. In its new queue it is the last; receipts from before are worth nothing.

use rusqlite::params;
use uuid::Uuid;

use super::group;
use super::settings::Queue;
use super::tx::QueueTx;
use crate::queues::time;

/// Why it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is a dead letter: its id stays, its receives count on, its retention runs on, its source is noted.
    DeadLetter,
    /// It is moved on behalf of somebody who wants it consumed again: as if it were sent now, with a new id.
    Move,
}

/// What has to be known of the message.
#[derive(Debug, Clone)]
pub(crate) struct Moving {
    pub id: i64,
    pub message_id: Uuid,
    pub leased: bool,
    pub due_at: u64,
    pub group: Option<i64>,
    pub group_name: Option<String>,
}

/// Where the queue's dead letters go, if they can: to a queue that is there and of the same kind.
pub(crate) fn dead_letters(tx: &QueueTx<'_>, queue: &Queue) -> rusqlite::Result<Option<Queue>> {
    let Some(dead_letter) = &queue.dead_letter else {
        return Ok(None);
    };
    let found = tx.find_queue(&dead_letter.queue)?;
    Ok(found.filter(|found| found.ordered == queue.ordered && found.id != queue.id))
}

/// Moves a message.
pub(crate) fn transfer(
    tx: &mut QueueTx<'_>,
    moving: &Moving,
    from: &Queue,
    to: &Queue,
    reason: Reason,
) -> rusqlite::Result<()> {
    let group = match &moving.group_name {
        Some(name) if to.ordered => Some(group::join(tx, to.generation, name, tx.now)?),
        _ => None,
    };
    let dead = reason == Reason::DeadLetter;
    let id = if dead {
        moving.message_id
    } else {
        Uuid::new_v4()
    };
    // The id that told duplicates of it apart has nothing to say among the dead letters of other queues.
    let deduplication = (dead && to.ordered).then(|| moving.message_id.to_string());
    let sql = "INSERT INTO queue_messages (pile, due_at, receives, leased_at, first_received_at, sent_at, kept_from,
                                           group_id, group_name, message_id, deduplication, source, details, body)
               SELECT ?2, ?3, iif(?4, receives, 0), leased_at, first_received_at, iif(?4, sent_at, ?3),
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
