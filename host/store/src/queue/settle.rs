//! What becomes of leased messages: they are removed, hidden for longer or shorter, sent to the dead letters, or given back.

use rusqlite::{Row, params};
use uuid::Uuid;

use super::limits::{DISCARDS, LONGEST_LEASE_MS};
use super::receipt::Receipt;
use super::redrive::{self, Moving, Reason};
use super::settings::Queue;
use super::take::Lease;
use super::tx::{Abort, QueueTx};
use super::{QueueError, Queues, ReceiptOutcome, generation, receive_attempt};
use crate::queues::{from_time, time};

/// A message that was handed out.
struct LeasedMessage {
    moving: Moving,
    leased_at: u64,
    /// Whether the receipt is the one of the message's latest receive.
    latest: bool,
}

/// A message that was found, or what has become of it.
type Lookup = Result<LeasedMessage, ReceiptOutcome>;

/// How a receipt stands: the message whose receipt it is. In a queue that is not ordered one of an earlier receive will do.
fn find_any(tx: &QueueTx<'_>, queue: &Queue, text: &str) -> rusqlite::Result<Lookup> {
    let Some(receipt) = Receipt::read(text, queue) else {
        return Ok(Err(ReceiptOutcome::Malformed));
    };
    let sql = "SELECT id, message_id, leased, due_at, group_id, group_name, receives, leased_at
               FROM queue_messages WHERE id = ?1 AND pile = ?2";
    let key = params![receipt.message, queue.generation];
    let found = tx.row(sql, key, |row| leased_message(row, receipt))?;
    Ok(match found {
        None => Err(ReceiptOutcome::Gone),
        Some(leased_message)
            if queue.ordered && !(leased_message.latest && leased_message.holds(tx)) =>
        {
            Err(ReceiptOutcome::Stale)
        }
        Some(leased_message) => Ok(leased_message),
    })
}

/// The same for what only the latest receiver may do.
fn find(tx: &QueueTx<'_>, queue: &Queue, text: &str) -> rusqlite::Result<Lookup> {
    Ok(
        find_any(tx, queue, text)?.and_then(|leased_message| match leased_message.latest {
            true => Ok(leased_message),
            false => Err(ReceiptOutcome::Stale),
        }),
    )
}

fn leased_message(row: &Row<'_>, receipt: Receipt) -> rusqlite::Result<LeasedMessage> {
    Ok(LeasedMessage {
        moving: Moving {
            id: row.get(0)?,
            message_id: Uuid::from_bytes(row.get(1)?),
            leased: row.get(2)?,
            due_at: row.get(3).map(from_time)?,
            group: row.get(4)?,
            group_name: row.get(5)?,
        },
        leased_at: row.get(7).map(from_time)?,
        latest: row.get::<_, u32>(6)? == receipt.receives,
    })
}

impl LeasedMessage {
    /// Whether the lease has not ended.
    fn holds(&self, tx: &QueueTx<'_>) -> bool {
        self.moving.leased && self.moving.due_at > tx.now
    }

    fn remove(self, tx: &mut QueueTx<'_>, queue: &Queue) -> rusqlite::Result<ReceiptOutcome> {
        let Moving {
            id,
            leased,
            due_at,
            group,
            ..
        } = self.moving;
        generation::drop_message(tx, queue.generation, id, (leased, due_at), group)?;
        Ok(ReceiptOutcome::Done)
    }

    /// It was never received, and is due since the moment it was: before what has come later.
    fn give_back(self, tx: &mut QueueTx<'_>, queue: &Queue) -> rusqlite::Result<ReceiptOutcome> {
        if !self.holds(tx) {
            return Ok(ReceiptOutcome::NotLeased);
        }
        let Moving {
            id, due_at, group, ..
        } = self.moving;
        let sql = "UPDATE queue_messages SET due_at = leased_at, leased = 0, consumer = 0, receives = receives - 1
                   WHERE id = ?1";
        tx.execute(sql, params![id])?;
        tx.rescheduled(queue.generation, (true, due_at), (false, self.leased_at));
        tx.group_changed(group);
        Ok(ReceiptOutcome::Done)
    }

    fn extend(
        self,
        tx: &mut QueueTx<'_>,
        queue: &Queue,
        by_ms: u64,
    ) -> rusqlite::Result<ReceiptOutcome> {
        if !self.holds(tx) {
            return Ok(ReceiptOutcome::NotLeased);
        }
        let until = tx.now.saturating_add(by_ms);
        if until > self.leased_at.saturating_add(LONGEST_LEASE_MS) {
            return Ok(ReceiptOutcome::TooLong);
        }
        let sql = "UPDATE queue_messages SET due_at = ?2 WHERE id = ?1";
        tx.execute(sql, params![self.moving.id, time(until)])?;
        tx.rescheduled(queue.generation, (true, self.moving.due_at), (true, until));
        tx.group_changed(self.moving.group);
        Ok(ReceiptOutcome::Done)
    }
}

/// Makes leases undone whose messages nobody got: they are due as before, and were not received.
pub(crate) fn give_back(
    tx: &mut QueueTx<'_>,
    name: &str,
    attempt: Option<&str>,
    leases: &[Lease],
) -> Result<(), Abort> {
    let queue = tx.queue(name)?;
    if let Some(attempt) = attempt {
        receive_attempt::forget(tx, queue.generation, attempt)?;
    }
    for lease in leases {
        let read = "SELECT due_at, group_id FROM queue_messages WHERE id = ?1 AND pile = ?2 AND receives = ?3 AND leased = 1";
        let key = params![lease.message, queue.generation, lease.receives];
        let found = tx.row(read, key, |row| {
            Ok((row.get(0).map(from_time)?, row.get(1)?))
        })?;
        if let Some((until, group)) = found {
            let sql = "UPDATE queue_messages SET due_at = ?2, leased = 0, consumer = 0, receives = receives - 1
                       WHERE id = ?1";
            tx.execute(sql, params![lease.message, time(lease.due_at)])?;
            tx.rescheduled(queue.generation, (true, until), (false, lease.due_at));
            tx.group_changed(group);
        }
    }
    tx.notify(name);
    Ok(())
}

/// Ends some of the leases of consumers; tells of how many messages.
fn end_consumer_leases(tx: &mut QueueTx<'_>) -> rusqlite::Result<usize> {
    let sql =
        "SELECT id, pile, leased, due_at, group_id FROM queue_messages WHERE consumer = 1 LIMIT ?1";
    let leased_message = tx.rows(sql, [DISCARDS as i64], |row| {
        let due_at: i64 = row.get(3)?;
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            from_time(due_at),
            row.get(4)?,
        ))
    })?;
    for &(id, generation, leased, due_at, group) in &leased_message {
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
    Ok(leased_message.len())
}

impl Queues {
    /// Removes messages for good; the results are in the receipts' order. A receipt is good until its message is handed
    /// out again; in an ordered queue, until the lease ends.
    pub async fn remove(
        &self,
        queue: &str,
        receipts: Vec<String>,
    ) -> Result<Vec<ReceiptOutcome>, QueueError> {
        self.settle(queue, receipts, |tx, queue, receipt| {
            match find(tx, queue, receipt)? {
                Ok(leased_message) => leased_message.remove(tx, queue),
                Err(settled) => Ok(settled),
            }
        })
        .await
    }

    /// Makes leases end so many milliseconds from now; 0 ends them. A lease lasts no longer than 12 hours from when the message
    /// was handed out.
    pub async fn extend(
        &self,
        queue: &str,
        changes: Vec<(String, u64)>,
    ) -> Result<Vec<ReceiptOutcome>, QueueError> {
        self.extend_found(queue, changes, find).await
    }

    /// The same, but in a queue that is not ordered a receipt of an earlier receive will do, as on AWS: who asks is not the
    /// one that the lease is of, perhaps.
    pub async fn extend_by_any(
        &self,
        queue: &str,
        changes: Vec<(String, u64)>,
    ) -> Result<Vec<ReceiptOutcome>, QueueError> {
        self.extend_found(queue, changes, find_any).await
    }

    async fn extend_found(
        &self,
        queue: &str,
        changes: Vec<(String, u64)>,
        find: fn(&QueueTx<'_>, &Queue, &str) -> rusqlite::Result<Lookup>,
    ) -> Result<Vec<ReceiptOutcome>, QueueError> {
        self.settle(
            queue,
            changes,
            move |tx, queue, (receipt, by_ms)| match find(tx, queue, receipt)? {
                Ok(leased_message) => leased_message.extend(tx, queue, *by_ms),
                Err(settled) => Ok(settled),
            },
        )
        .await
    }

    /// Gives messages back that nobody was told of: they are visible again and were not received.
    pub async fn give_back(
        &self,
        queue: &str,
        receipts: Vec<String>,
    ) -> Result<Vec<ReceiptOutcome>, QueueError> {
        self.settle(queue, receipts, |tx, queue, receipt| {
            match find(tx, queue, receipt)? {
                Ok(leased_message) => leased_message.give_back(tx, queue),
                Err(settled) => Ok(settled),
            }
        })
        .await
    }

    /// Moves leased messages to the queue's dead letters at once. Where there are none, nothing happens, and what could have
    /// been moved is [`Settled::NotLeased`].
    pub async fn dead_letter(
        &self,
        queue: &str,
        receipts: Vec<String>,
    ) -> Result<Vec<ReceiptOutcome>, QueueError> {
        self.settle(queue, receipts, |tx, queue, receipt| {
            let leased_message = match find(tx, queue, receipt)? {
                Ok(leased_message) => leased_message,
                Err(settled) => return Ok(settled),
            };
            match redrive::dead_letters(tx, queue)? {
                Some(to) if leased_message.holds(tx) => {
                    redrive::transfer(tx, &leased_message.moving, queue, &to, Reason::DeadLetter)?;
                    Ok(ReceiptOutcome::Done)
                }
                _ => Ok(ReceiptOutcome::NotLeased),
            }
        })
        .await
    }

    /// Ends the leases that consumers inside a host that is no more held; see [`Receive::consumer`](super::Receive). To be
    /// called when a host starts, before its own consumers do.
    pub async fn end_consumer_leases(&self) -> Result<usize, QueueError> {
        let mut ended = 0;
        loop {
            match self.transact(|tx| Ok(end_consumer_leases(tx)?)).await? {
                0 => return Ok(ended),
                some => ended += some,
            }
        }
    }

    async fn settle<I: Send + 'static>(
        &self,
        queue: &str,
        items: Vec<I>,
        settle: impl Fn(&mut QueueTx<'_>, &Queue, &I) -> rusqlite::Result<ReceiptOutcome>
        + Send
        + 'static,
    ) -> Result<Vec<ReceiptOutcome>, QueueError> {
        let name = queue.to_owned();
        self.transact(move |tx| {
            let queue = tx.queue(&name)?;
            // A group may be free now, a lease end earlier.
            tx.notify(&name);
            let settled = items.iter().map(|item| settle(tx, &queue, item));
            Ok(settled.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}
