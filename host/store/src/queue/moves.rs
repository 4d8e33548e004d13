//! Moves: the messages of a dead-letter queue go back to the queues they came from, or to another queue, at a rate
//! that the caller sets (SQS: message move tasks).
//!
//! A move is a row and each of its steps a commit, so the next host continues where a killed one stopped. It ends
//! when nothing that was in the queue at its start can be handed out; messages that are leased or delayed then stay.
//!
//! On failure (a message has no source, or a queue does not exist) the move ends as failed, gives the reason as SQS
//! words it, and leaves the messages that it has not moved.

use rusqlite::{Row, params};
use uuid::Uuid;

use super::limits::{MAX_MESSAGES, MOVE_STEP, MOVES_KEPT};
use super::queues::Queues;
use super::redrive::{self, Moving, Reason};
use super::row::Queue;
use super::tx::{Abort, MAINTENANCE, QueueTx};
use super::types::{Move, MoveStatus, QueueError};
use super::{generation, group, visible};
use crate::sql_time::{from_time, time};

const MOVE: &str =
    "handle, source, destination, per_second, status, moved, expected, started_at, failure";

/// The reason that SQS gives for a queue that does not exist.
const NO_QUEUE: &str = "AWS.SimpleQueueService.NonExistentQueue";

/// The reason that SQS gives for a message that is not a dead letter.
const NO_SOURCE: &str = "CouldNotDetermineMessageSource";

const STATUSES: [MoveStatus; 5] = [
    MoveStatus::Running,
    MoveStatus::Completed,
    MoveStatus::Cancelling,
    MoveStatus::Cancelled,
    MoveStatus::Failed,
];

fn stored(status: MoveStatus) -> i64 {
    let at = STATUSES.iter().position(|known| *known == status);
    at.unwrap_or_default() as i64
}

fn read(row: &Row<'_>) -> rusqlite::Result<Move> {
    let status: usize = row.get::<_, u32>(4)? as usize;
    Ok(Move {
        handle: row.get(0)?,
        source: row.get(1)?,
        destination: row.get(2)?,
        per_second: row.get(3)?,
        status: STATUSES.get(status).copied().unwrap_or(MoveStatus::Failed),
        moved: row.get(5).map(from_time)?,
        expected: row.get(6).map(from_time)?,
        started_at: row.get(7).map(from_time)?,
        failure_reason: row.get(8)?,
    })
}

fn find(tx: &QueueTx<'_>, handle: &str) -> Result<Move, Abort> {
    let sql = format!("SELECT {MOVE} FROM queue_moves WHERE handle = ?1");
    Ok(tx.row(&sql, [handle], read)?.ok_or(QueueError::Missing)?)
}

/// The handles of all running moves.
pub(crate) fn running(tx: &QueueTx<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT handle FROM queue_moves WHERE status = ?1 ORDER BY id";
    tx.rows(sql, [stored(MoveStatus::Running)], |row| row.get(0))
}

/// Moves some messages. Returns the pause before the next step in milliseconds, or `None` if the move has ended.
pub(crate) fn step(tx: &mut QueueTx<'_>, handle: &str) -> Result<Option<u64>, Abort> {
    let task = find(tx, handle)?;
    if task.status != MoveStatus::Running {
        return Ok(None);
    }
    // The messages of a tenth of a second, and at least one.
    let max = task
        .per_second
        .map_or(MOVE_STEP, |rate| rate.div_ceil(10).max(1) as usize);
    let (moved, failure) = move_some(tx, &task, max)?;
    let status = match (&failure, moved) {
        (Some(_), _) => MoveStatus::Failed,
        (None, 0) => MoveStatus::Completed,
        (None, _) => MoveStatus::Running,
    };
    let sql =
        "UPDATE queue_moves SET moved = moved + ?2, status = ?3, failure = ?4 WHERE handle = ?1";
    tx.execute(sql, params![handle, moved as i64, stored(status), failure])?;
    let rate = task.per_second.map(u64::from).filter(|rate| *rate > 0);
    let pause = rate.map_or(0, |rate| (moved as u64 * 1000).div_ceil(rate));
    Ok((status == MoveStatus::Running).then_some(pause))
}

fn move_some(
    tx: &mut QueueTx<'_>,
    task: &Move,
    max: usize,
) -> rusqlite::Result<(usize, Option<&'static str>)> {
    let Some(from) = tx.find_queue(&task.source)? else {
        return Ok((0, Some(NO_QUEUE)));
    };
    let mut moved = 0;
    for (moving, source) in next(tx, &from, &task.handle, max)? {
        let Some(name) = task.destination.as_ref().or(source.as_ref()) else {
            return Ok((moved, Some(NO_SOURCE)));
        };
        let to = tx.find_queue(name)?;
        let Some(to) = to.filter(|to| to.ordered == from.ordered) else {
            return Ok((moved, Some(NO_QUEUE)));
        };
        redrive::transfer(tx, &moving, &from, &to, Reason::Move)?;
        moved += 1;
    }
    Ok((moved, None))
}

/// The messages to move next, with their sources.
fn next(
    tx: &QueueTx<'_>,
    from: &Queue,
    handle: &str,
    max: usize,
) -> rusqlite::Result<Vec<(Moving, Option<String>)>> {
    const COLUMNS: &str = "id, message_id, leased, due_at, group_id, group_name, source";
    let last = "SELECT last FROM queue_moves WHERE handle = ?1";
    let last: i64 = tx.row(last, [handle], |row| row.get(0))?.unwrap_or(0);
    let read = |row: &Row<'_>| {
        let moving = Moving {
            id: row.get(0)?,
            message_id: Uuid::from_bytes(row.get(1)?),
            leased: row.get(2)?,
            due_at: row.get(3).map(from_time)?,
            group: row.get(4)?,
            group_name: row.get(5)?,
        };
        Ok((moving, row.get(6)?))
    };
    let now = time(tx.now);
    if !from.ordered {
        // If there are more than can be marked at once, those follow that are marked.
        visible::mark_due(tx, from)?;
        let sql = format!(
            "SELECT {COLUMNS} FROM queue_messages WHERE pile = ?1 AND due_at <= ?2 AND id <= ?3
             ORDER BY due_at, leased, id LIMIT ?4"
        );
        return tx.rows(&sql, params![from.generation, now, last, max as i64], read);
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM queue_messages WHERE group_id = ?1 AND id <= ?2 ORDER BY id LIMIT ?3"
    );
    let mut found = Vec::new();
    for group in group::due(tx, from.generation, MAX_MESSAGES)? {
        let wanted = max.saturating_sub(found.len()) as i64;
        if wanted == 0 {
            break;
        }
        let first = tx.rows(&sql, params![group, last, wanted], read)?;
        let is_due = |(moving, _): &(Moving, _)| moving.due_at <= tx.now;
        found.extend(first.into_iter().take_while(is_due));
    }
    Ok(found)
}

fn start(
    tx: &mut QueueTx<'_>,
    source: &str,
    destination: Option<&str>,
    per_second: Option<u32>,
) -> Result<String, Abort> {
    let from = tx.queue(source)?;
    if let Some(name) = destination {
        let to = tx.queue(name)?;
        if to.id == from.id {
            return Err(Abort::invalid(
                "the messages of a queue cannot be moved to the same queue",
            ));
        }
        if to.ordered != from.ordered {
            return Err(Abort::invalid(format!(
                "the messages of {source} cannot be moved to {name}: one queue is ordered, the other is not"
            )));
        }
    }
    let busy = "SELECT 1 FROM queue_moves WHERE source = ?1 AND status = ?2";
    let running = stored(MoveStatus::Running);
    if tx
        .row(busy, params![source, running], |_| Ok(()))?
        .is_some()
    {
        return Err(QueueError::Exists.into());
    }
    let old = "DELETE FROM queue_moves WHERE id IN
               (SELECT id FROM queue_moves WHERE source = ?1 ORDER BY id DESC LIMIT -1 OFFSET ?2)";
    tx.execute(old, params![source, MOVES_KEPT as i64 - 1])?;
    let handle = Uuid::new_v4().to_string();
    let sql = "INSERT INTO queue_moves (handle, source, destination, per_second, status, expected, started_at, last)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT coalesce(max(id), 0) FROM queue_messages))";
    let expected = generation::counts(tx, from.generation)?.visible;
    tx.insert(
        sql,
        params![
            handle,
            source,
            destination,
            per_second,
            running,
            time(expected),
            time(tx.now),
        ],
    )?;
    tx.notify(MAINTENANCE);
    Ok(handle)
}

impl Queues {
    /// Starts a move and returns its handle (SQS: `StartMessageMoveTask`). Messages go to the queue `destination`, or
    /// each to the queue that it came from. A moved message keeps its body and attributes, gets a new id, and counts
    /// as just sent and never received.
    ///
    /// # Errors
    ///
    /// [`QueueError::Exists`] if the queue has a running move; [`QueueError::Invalid`] if one queue is ordered and
    /// the other is not, or both are the same.
    pub async fn start_move(
        &self,
        source: &str,
        destination: Option<String>,
        per_second: Option<u32>,
    ) -> Result<String, QueueError> {
        let source = source.to_owned();
        self.transact(move |tx| start(tx, &source, destination.as_deref(), per_second))
            .await
    }

    /// Up to `max` of the last ten moves of a queue's messages, the latest first.
    pub async fn moves(&self, source: &str, max: usize) -> Result<Vec<Move>, QueueError> {
        let source = source.to_owned();
        self.transact(move |tx| {
            tx.queue(&source)?;
            let sql = format!(
                "SELECT {MOVE} FROM queue_moves WHERE source = ?1 ORDER BY id DESC LIMIT ?2"
            );
            Ok(tx.rows(&sql, params![source, max as i64], read)?)
        })
        .await
    }

    /// Cancels a move and returns the number of messages that it has moved. These stay where they are.
    ///
    /// # Errors
    ///
    /// [`QueueError::Invalid`] if the move is no longer running.
    pub async fn cancel_move(&self, handle: &str) -> Result<u64, QueueError> {
        let handle = handle.to_owned();
        self.transact(move |tx| {
            let found = find(tx, &handle)?;
            if found.status != MoveStatus::Running {
                return Err(Abort::invalid("the move is no longer running"));
            }
            let sql = "UPDATE queue_moves SET status = ?2 WHERE handle = ?1";
            tx.execute(sql, params![handle, stored(MoveStatus::Cancelled)])?;
            Ok(found.moved)
        })
        .await
    }

    /// The move with this handle.
    pub async fn find_move(&self, handle: &str) -> Result<Move, QueueError> {
        let handle = handle.to_owned();
        self.transact(move |tx| find(tx, &handle)).await
    }
}
