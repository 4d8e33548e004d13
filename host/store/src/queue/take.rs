//! Handing out what is due: one receive, inside the writer.
//!
//! On its way through the messages that are due it puts away those that have expired, and moves those that were received too
//! often to the dead letters. When that is all it did, because there were many, it says so and is asked again: others
//! get their turn in between.

use bytes::Bytes;
use lambkin_model::Message;
use rusqlite::{Params, Row, params};
use uuid::Uuid;

use super::limits::{DISCARDS, IN_FLIGHT, MAX_MESSAGES, RECEIVE_BYTES};
use super::receipt::Receipt;
use super::receive_attempt::{self, ReceiveAttempt};
use super::redrive::{self, Moving, Reason};
use super::send::sequence;
use super::settings::Queue;
use super::tx::{Abort, QueueTx};
use super::{QueueError, details, generation, group};
use crate::queues::{from_time, time};

/// What a receive took.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub messages: Vec<Message>,
    /// How to give them back.
    pub leases: Vec<Lease>,
    /// When there is something next.
    pub next_due: Option<u64>,
    /// Whether it found only what nobody gets, and may find more.
    pub again: bool,
}

/// A lease, and when its message was due before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    pub message: i64,
    pub receives: u32,
    pub due_at: u64,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub max: usize,
    pub lease_ms: Option<u64>,
    pub consumer: bool,
}

const CANDIDATE: &str = "id, message_id, leased, due_at, group_id, group_name, kept_from, receives, first_received_at, \
                         sent_at, deduplication, source, details, body";

/// A message that is due, or follows in its group.
struct Candidate {
    moving: Moving,
    kept_from: u64,
    receives: u32,
    first_received_at: u64,
    sent_at: u64,
    deduplication: Option<String>,
    source: Option<String>,
    details: Option<String>,
    body: Vec<u8>,
}

impl Candidate {
    /// The bytes of what has no limit of its own.
    fn size(&self) -> usize {
        let texts = [&self.details, &self.moving.group_name, &self.deduplication];
        let texts = texts.into_iter().flatten().map(String::len);
        self.body.len() + texts.sum::<usize>()
    }
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate {
        moving: Moving {
            id: row.get(0)?,
            message_id: Uuid::from_bytes(row.get(1)?),
            leased: row.get(2)?,
            due_at: row.get(3).map(from_time)?,
            group: row.get(4)?,
            group_name: row.get(5)?,
        },
        kept_from: row.get(6).map(from_time)?,
        receives: row.get(7)?,
        first_received_at: row.get(8).map(from_time)?,
        sent_at: row.get(9).map(from_time)?,
        deduplication: row.get(10)?,
        source: row.get(11)?,
        details: row.get(12)?,
        body: row.get(13)?,
    })
}

/// One receive under way.
struct Taking<'a> {
    queue: &'a Queue,
    /// Where messages go that were received too often, if they can.
    dead_letters: Option<(Queue, u32)>,
    /// When the leases end.
    until: u64,
    consumer: bool,
    discarded: usize,
    /// Of the messages that were looked at.
    bytes: usize,
    taken: Taken,
}

/// Hands out what is due; or again what an earlier attempt of this name was handed out. Names count in ordered queues only.
pub(crate) fn take(
    tx: &mut QueueTx<'_>,
    name: &str,
    wanted: Wanted,
    attempt: Option<&str>,
) -> Result<Taken, Abort> {
    let queue = tx.queue(name)?;
    let lease_ms = wanted.lease_ms.unwrap_or(queue.lease_ms);
    let until = tx.now.saturating_add(lease_ms);
    let Some(attempt) = attempt.filter(|_| queue.ordered) else {
        return take_due(tx, &queue, wanted, until);
    };
    if let Some(found) = receive_attempt::find(tx, queue.generation, attempt)? {
        receive_attempt::renew(tx, queue.generation, attempt, until)?;
        return Ok(take_again(tx, &queue, &found, until)?);
    }
    let taken = take_due(tx, &queue, wanted, until)?;
    if !taken.leases.is_empty() {
        receive_attempt::remember(tx, queue.generation, attempt, &taken.leases, until)?;
    }
    Ok(taken)
}

/// Hands the messages of an earlier receive out again, under leases that end then. There is nothing to give back.
fn take_again(
    tx: &mut QueueTx<'_>,
    queue: &Queue,
    attempt: &ReceiveAttempt,
    until: u64,
) -> rusqlite::Result<Taken> {
    let mut taken = Taken::default();
    let sql = format!("SELECT {CANDIDATE} FROM queue_messages WHERE id = ?1");
    for &(id, receives) in &attempt.messages {
        let extend = "UPDATE queue_messages SET due_at = ?2 WHERE id = ?1";
        tx.execute(extend, params![id, time(until)])?;
        tx.rescheduled(queue.generation, (true, attempt.leases_end), (true, until));
        if let Some(found) = tx.row(&sql, [id], candidate)? {
            tx.group_changed(found.moving.group);
            let receipt = Receipt {
                message: id,
                receives,
            };
            taken.messages.push(message(queue, found, receipt));
        }
    }
    Ok(taken)
}

/// Hands out what is due, under leases that end then.
fn take_due(
    tx: &mut QueueTx<'_>,
    queue: &Queue,
    wanted: Wanted,
    until: u64,
) -> Result<Taken, Abort> {
    let max = wanted.max.min(capacity(tx, queue)?);
    let dead_letters = redrive::dead_letters(tx, queue)?;
    let max_receives = queue
        .dead_letter
        .as_ref()
        .map(|letters| letters.max_receives);
    let mut taking = Taking {
        queue,
        dead_letters: dead_letters.zip(max_receives),
        until,
        consumer: wanted.consumer,
        discarded: 0,
        bytes: 0,
        taken: Taken::default(),
    };
    if queue.ordered {
        taking.take_groups(tx, max)?;
    } else {
        taking.take_oldest(tx, max)?;
    }
    // What groups owe decides when the next one is due.
    tx.flush()?;
    let Taking {
        discarded,
        mut taken,
        ..
    } = taking;
    taken.again = taken.messages.is_empty() && discarded > 0;
    taken.next_due = next_due(tx, queue)?;
    Ok(taken)
}

/// How many messages may be leased besides those that are.
fn capacity(tx: &QueueTx<'_>, queue: &Queue) -> Result<usize, Abort> {
    let mut leased = generation::max_leased(tx, queue.generation)?;
    if leased + MAX_MESSAGES as u64 > IN_FLIGHT {
        leased = generation::counts(tx, queue.generation)?.leased;
    }
    match IN_FLIGHT.saturating_sub(leased) {
        0 => Err(QueueError::TooManyInFlight.into()),
        capacity => Ok(capacity as usize),
    }
}

fn next_due(tx: &QueueTx<'_>, queue: &Queue) -> rusqlite::Result<Option<u64>> {
    if queue.ordered {
        return group::next_due(tx, queue.generation);
    }
    let sql = "SELECT due_at FROM queue_messages WHERE pile = ?1 ORDER BY due_at LIMIT 1";
    tx.row(sql, [queue.generation], |row| row.get(0).map(from_time))
}

impl Taking<'_> {
    /// A standard queue: what has been due longest comes first.
    fn take_oldest(&mut self, tx: &mut QueueTx<'_>, max: usize) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT {CANDIDATE} FROM queue_messages WHERE pile = ?1 AND due_at <= ?2 ORDER BY due_at, leased, id LIMIT ?3"
        );
        while self.discarded < DISCARDS {
            let due = params![self.queue.generation, time(tx.now), max as i64];
            let found = self.candidates(tx, &sql, due)?;
            if !self.hand_out(tx, found)? {
                break;
            }
        }
        Ok(())
    }

    /// An ordered queue: as much as there is of one group, then of the next.
    fn take_groups(&mut self, tx: &mut QueueTx<'_>, max: usize) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT {CANDIDATE} FROM queue_messages WHERE group_id = ?1 ORDER BY id LIMIT ?2"
        );
        for group in group::due(tx, self.queue.generation, max)? {
            let wanted = max - self.taken.messages.len();
            if wanted == 0 || self.bytes >= RECEIVE_BYTES {
                break;
            }
            while self.discarded < DISCARDS {
                let found = self.candidates(tx, &sql, params![group, wanted as i64])?;
                if !self.hand_out(tx, found)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The messages to look at next: no more than fit into one receive.
    fn candidates(
        &mut self,
        tx: &QueueTx<'_>,
        sql: &str,
        params: impl Params,
    ) -> rusqlite::Result<Vec<Candidate>> {
        tx.rows_while(sql, params, candidate, |candidate| {
            self.bytes += candidate.size();
            self.bytes < RECEIVE_BYTES
        })
    }

    /// Leases these messages, up to the first that is not due. Tells whether there were some and none was for anybody, so
    /// that more have to be looked at.
    fn hand_out(
        &mut self,
        tx: &mut QueueTx<'_>,
        candidates: Vec<Candidate>,
    ) -> rusqlite::Result<bool> {
        let mut only_discarded = !candidates.is_empty();
        for candidate in candidates {
            let Some(candidate) = self.discard(tx, candidate)? else {
                continue;
            };
            only_discarded = false;
            if candidate.moving.due_at > tx.now {
                break;
            }
            self.lease(tx, candidate)?;
        }
        Ok(only_discarded)
    }

    /// Puts away a message that nobody gets any more; gives back one that somebody does.
    fn discard(
        &mut self,
        tx: &mut QueueTx<'_>,
        candidate: Candidate,
    ) -> rusqlite::Result<Option<Candidate>> {
        let Moving {
            id,
            leased,
            due_at,
            group,
            ..
        } = candidate.moving;
        if candidate.kept_from.saturating_add(self.queue.retention_ms) <= tx.now {
            generation::drop_message(tx, self.queue.generation, id, (leased, due_at), group)?;
            self.discarded += 1;
            return Ok(None);
        }
        match &self.dead_letters {
            Some((to, max)) if candidate.receives >= *max && due_at <= tx.now => {
                redrive::transfer(tx, &candidate.moving, self.queue, to, Reason::DeadLetter)?;
                self.discarded += 1;
                Ok(None)
            }
            _ => Ok(Some(candidate)),
        }
    }

    fn lease(&mut self, tx: &mut QueueTx<'_>, mut candidate: Candidate) -> rusqlite::Result<()> {
        let Moving {
            id,
            leased,
            due_at,
            group,
            ..
        } = candidate.moving;
        if candidate.receives == 0 {
            candidate.first_received_at = tx.now;
        }
        let sql = "UPDATE queue_messages SET due_at = ?2, leased = 1, consumer = ?3, receives = receives + 1,
                                             leased_at = ?4, first_received_at = ?5
                   WHERE id = ?1";
        tx.execute(
            sql,
            params![
                id,
                time(self.until),
                self.consumer,
                time(tx.now),
                time(candidate.first_received_at),
            ],
        )?;
        tx.rescheduled(self.queue.generation, (leased, due_at), (true, self.until));
        tx.group_changed(group);
        let receipt = Receipt {
            message: id,
            receives: candidate.receives + 1,
        };
        self.taken.leases.push(Lease {
            message: id,
            receives: receipt.receives,
            due_at,
        });
        self.taken
            .messages
            .push(message(self.queue, candidate, receipt));
        Ok(())
    }
}

/// A message as it is handed out.
fn message(queue: &Queue, candidate: Candidate, receipt: Receipt) -> Message {
    let (attributes, extra) = details::read(candidate.details.as_deref());
    Message {
        id: candidate.moving.message_id.to_string(),
        receipt: receipt.text(queue),
        body: Bytes::from(candidate.body),
        attributes,
        group: candidate.moving.group_name,
        deduplication: candidate.deduplication,
        sequence: queue.ordered.then(|| sequence(receipt.message)),
        sent_at: candidate.sent_at,
        first_received_at: candidate.first_received_at,
        receives: receipt.receives,
        source: candidate.source,
        extra,
    }
}
