//! Handing out messages: the part of a receive that runs inside the writer.
//!
//! On its way through the messages that are due, a receive marks those that have become visible, deletes those that
//! have expired, and transfers those that were received too often to the dead-letter queue. If one transaction can do
//! nothing but that, because these messages are many, the receive is run again in another transaction, so that other
//! operations need not wait for all of them.

use bytes::Bytes;
use lambkin_model::Message;
use rusqlite::{Params, Row, params};
use uuid::Uuid;

use super::lease::Lease;
use super::limits::{DISCARDS, IN_FLIGHT, MAX_MESSAGES, RECEIVE_BYTES};
use super::receipt::Receipt;
use super::receive_attempt::{self, ReceiveAttempt};
use super::redrive::{self, Moving, Reason};
use super::row::Queue;
use super::send::sequence;
use super::tx::{Abort, QueueTx};
use super::types::QueueError;
use super::{details, generation, group, visible};
use crate::sql_time::{from_time, time};

/// What a receive hands out.
#[derive(Debug, Default)]
pub(crate) struct HandedOut {
    pub messages: Vec<Message>,
    /// The leases, for giving the messages back.
    pub leases: Vec<Lease>,
    /// When the next message is due.
    pub next_due: Option<u64>,
    /// Whether the receive only marked or cleared away messages and must be run again.
    pub incomplete: bool,
}

/// How many messages a receive asks for, and how it leases them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub max: usize,
    pub lease_ms: Option<u64>,
    pub consumer: bool,
}

const COLUMNS: &str = "id, message_id, leased, due_at, group_id, group_name, kept_from, receives, first_received_at, \
                         sent_at, deduplication, source, details, body";

/// A message that may be handed out.
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
    /// The size in bytes of what has no limit of its own.
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

/// A receive in progress.
struct Receiving<'a> {
    queue: &'a Queue,
    /// The dead-letter queue, if it exists, and the maximum number of receives.
    dead_letters: Option<(Queue, u32)>,
    /// When the new leases end.
    until: u64,
    consumer: bool,
    /// The number of messages that were deleted or became dead letters.
    discarded: usize,
    /// The size of all messages that were read.
    bytes: usize,
    handed_out: HandedOut,
}

/// Hands out what is due, or what an earlier receive with this name was handed out. Names have an effect in ordered
/// queues only.
pub(crate) fn hand_out(
    tx: &mut QueueTx<'_>,
    name: &str,
    limits: Limits,
    attempt: Option<&str>,
) -> Result<HandedOut, Abort> {
    let queue = tx.queue(name)?;
    let lease_ms = limits.lease_ms.unwrap_or(queue.lease_ms);
    let until = tx.now.saturating_add(lease_ms);
    let Some(attempt) = attempt.filter(|_| queue.ordered) else {
        return hand_out_due(tx, &queue, limits, until);
    };
    if let Some(found) = receive_attempt::find(tx, queue.generation, attempt)? {
        receive_attempt::renew(tx, queue.generation, attempt, until)?;
        return Ok(hand_out_again(tx, &queue, &found, until)?);
    }
    let handed_out = hand_out_due(tx, &queue, limits, until)?;
    if !handed_out.leases.is_empty() {
        receive_attempt::remember(tx, queue.generation, attempt, &handed_out.leases, until)?;
    }
    Ok(handed_out)
}

/// Hands the messages of an earlier receive out again, under leases that end at `until`. The result has no leases: if
/// the receiver has gone away again, the messages stay leased for its next attempt.
fn hand_out_again(
    tx: &mut QueueTx<'_>,
    queue: &Queue,
    attempt: &ReceiveAttempt,
    until: u64,
) -> rusqlite::Result<HandedOut> {
    let mut handed_out = HandedOut::default();
    let sql = format!("SELECT {COLUMNS} FROM queue_messages WHERE id = ?1");
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
            handed_out.messages.push(message(queue, found, receipt));
        }
    }
    Ok(handed_out)
}

/// Hands out what is due, under leases that end at `until`.
fn hand_out_due(
    tx: &mut QueueTx<'_>,
    queue: &Queue,
    limits: Limits,
    until: u64,
) -> Result<HandedOut, Abort> {
    if !queue.ordered && !visible::mark_due(tx, queue)? {
        return Ok(HandedOut {
            incomplete: true,
            ..HandedOut::default()
        });
    }
    let max = limits.max.min(capacity(tx, queue)?);
    let dead_letters = redrive::dead_letter_queue(tx, queue)?;
    let max_receives = queue
        .dead_letter
        .as_ref()
        .map(|letters| letters.max_receives);
    let mut receiving = Receiving {
        queue,
        dead_letters: dead_letters.zip(max_receives),
        until,
        consumer: limits.consumer,
        discarded: 0,
        bytes: 0,
        handed_out: HandedOut::default(),
    };
    if queue.ordered {
        receiving.hand_out_groups(tx, max)?;
    } else {
        receiving.hand_out_oldest(tx, max)?;
    }
    // The next due time depends on the groups' rows.
    tx.flush()?;
    let Receiving {
        discarded,
        mut handed_out,
        ..
    } = receiving;
    handed_out.incomplete = handed_out.messages.is_empty() && discarded > 0;
    handed_out.next_due = next_due(tx, queue)?;
    Ok(handed_out)
}

/// The number of messages that can be leased before the queue has too many in flight.
fn capacity(tx: &QueueTx<'_>, queue: &Queue) -> Result<usize, Abort> {
    let mut leased = generation::max_leased(tx, queue.generation)?;
    if leased + MAX_MESSAGES as u64 > IN_FLIGHT {
        leased = generation::counts(tx, queue.generation)?.leased;
    }
    match IN_FLIGHT.saturating_sub(leased) {
        0 => Err(QueueError::OverLimit.into()),
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

impl Receiving<'_> {
    /// For a standard queue: hands out what was sent first of the visible messages, all of which are marked.
    fn hand_out_oldest(&mut self, tx: &mut QueueTx<'_>, max: usize) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT {COLUMNS} FROM queue_messages WHERE pile = ?1 AND due_at <= ?2 ORDER BY due_at, leased, id LIMIT ?3"
        );
        while self.discarded < DISCARDS {
            let due = params![self.queue.generation, time(tx.now), max as i64];
            let candidates = self.candidates(tx, &sql, due)?;
            if !self.lease_all(tx, candidates)? {
                break;
            }
        }
        Ok(())
    }

    /// For an ordered queue: hands out as much as possible of one group, then of the next.
    fn hand_out_groups(&mut self, tx: &mut QueueTx<'_>, max: usize) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT {COLUMNS} FROM queue_messages WHERE group_id = ?1 ORDER BY id LIMIT ?2"
        );
        for group in group::due(tx, self.queue.generation, max)? {
            let wanted = max - self.handed_out.messages.len();
            if wanted == 0 || self.bytes >= RECEIVE_BYTES {
                break;
            }
            while self.discarded < DISCARDS {
                let candidates = self.candidates(tx, &sql, params![group, wanted as i64])?;
                if !self.lease_all(tx, candidates)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The messages to look at next, no more than one receive can carry.
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

    /// Leases these messages, up to the first one that is not due. Returns whether all of them were cleared away
    /// instead, so that more have to be looked at.
    fn lease_all(
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

    /// Deletes an expired message and transfers a dead one; returns any other message.
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
            generation::delete_message(tx, self.queue.generation, id, (leased, due_at), group)?;
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
        self.handed_out.leases.push(Lease {
            message: id,
            receives: receipt.receives,
            due_at,
        });
        self.handed_out
            .messages
            .push(message(self.queue, candidate, receipt));
        Ok(())
    }
}

/// Converts a message to what its receiver gets.
fn message(queue: &Queue, candidate: Candidate, receipt: Receipt) -> Message {
    let (attributes, extra) = details::read(candidate.details.as_deref());
    Message {
        id: candidate.moving.message_id.to_string(),
        receipt: receipt.text(queue),
        body: Bytes::from(candidate.body),
        attributes,
        group: candidate.moving.group_name,
        deduplication: candidate.deduplication,
        key: None,
        place: None,
        sequence: queue.ordered.then(|| sequence(receipt.message)),
        sent_at: candidate.sent_at,
        first_received_at: Some(candidate.first_received_at),
        receives: Some(receipt.receives),
        source: candidate.source,
        extra,
    }
}
