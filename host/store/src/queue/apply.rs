//! Actions on leased messages, which are named by their receipts: removing them, changing their leases, making them
//! dead letters, and giving them back.

use rusqlite::{Row, params};
use uuid::Uuid;

use super::generation;
use super::lease::Leased;
use super::limits::LONGEST_LEASE_MS;
use super::queues::Queues;
use super::receipt::Receipt;
use super::redrive::{self, Moving, Reason};
use super::row::Queue;
use super::tx::QueueTx;
use super::types::{QueueError, ReceiptResult};
use crate::sql_time::{from_time, time};

/// A message that was handed out.
struct LeasedMessage {
    moving: Moving,
    leased_at: u64,
    /// Whether the receipt belongs to the latest receive.
    latest: bool,
}

/// The message that a receipt names, or why the action cannot be carried out on it.
type Lookup = Result<LeasedMessage, ReceiptResult>;

/// Finds the message of a receipt. In a standard queue the receipt of an earlier receive will do.
fn find_any(tx: &QueueTx<'_>, queue: &Queue, text: &str) -> rusqlite::Result<Lookup> {
    let Some(receipt) = Receipt::parse(text, queue) else {
        return Ok(Err(ReceiptResult::Malformed));
    };
    let sql = "SELECT id, message_id, leased, due_at, group_id, group_name, receives, leased_at
               FROM queue_messages WHERE id = ?1 AND pile = ?2";
    let key = params![receipt.message, queue.generation];
    let found = tx.row(sql, key, |row| read(row, receipt))?;
    Ok(match found {
        None => Err(ReceiptResult::Gone),
        Some(message) if queue.ordered && !(message.latest && message.is_leased(tx)) => {
            Err(ReceiptResult::Stale)
        }
        Some(message) => Ok(message),
    })
}

/// Finds the message of a receipt, which must be that of the latest receive.
fn find_latest(tx: &QueueTx<'_>, queue: &Queue, text: &str) -> rusqlite::Result<Lookup> {
    Ok(find_any(tx, queue, text)?.and_then(|message| {
        if message.latest {
            Ok(message)
        } else {
            Err(ReceiptResult::Stale)
        }
    }))
}

fn read(row: &Row<'_>, receipt: Receipt) -> rusqlite::Result<LeasedMessage> {
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
    fn is_leased(&self, tx: &QueueTx<'_>) -> bool {
        self.moving.leased && self.moving.due_at > tx.now
    }

    fn remove(self, tx: &mut QueueTx<'_>, queue: &Queue) -> rusqlite::Result<ReceiptResult> {
        let Moving {
            id,
            leased,
            due_at,
            group,
            ..
        } = self.moving;
        generation::delete_message(tx, queue.generation, id, (leased, due_at), group)?;
        Ok(ReceiptResult::Done)
    }

    /// The message is due since it was handed out, which is before everything that was sent later.
    fn give_back(self, tx: &mut QueueTx<'_>, queue: &Queue) -> rusqlite::Result<ReceiptResult> {
        if !self.is_leased(tx) {
            return Ok(ReceiptResult::NotLeased);
        }
        let leased = Leased {
            message: self.moving.id,
            generation: queue.generation,
            group: self.moving.group,
            until: self.moving.due_at,
        };
        leased.give_back(tx, self.leased_at)?;
        Ok(ReceiptResult::Done)
    }

    fn extend(
        self,
        tx: &mut QueueTx<'_>,
        queue: &Queue,
        by_ms: u64,
    ) -> rusqlite::Result<ReceiptResult> {
        if !self.is_leased(tx) {
            return Ok(ReceiptResult::NotLeased);
        }
        let until = tx.now.saturating_add(by_ms);
        if until > self.leased_at.saturating_add(LONGEST_LEASE_MS) {
            return Ok(ReceiptResult::TooLong);
        }
        let sql = "UPDATE queue_messages SET due_at = ?2 WHERE id = ?1";
        tx.execute(sql, params![self.moving.id, time(until)])?;
        tx.rescheduled(queue.generation, (true, self.moving.due_at), (true, until));
        tx.group_changed(self.moving.group);
        Ok(ReceiptResult::Done)
    }

    fn make_dead_letter(
        self,
        tx: &mut QueueTx<'_>,
        queue: &Queue,
    ) -> rusqlite::Result<ReceiptResult> {
        match redrive::dead_letter_queue(tx, queue)? {
            Some(to) if self.is_leased(tx) => {
                redrive::transfer(tx, &self.moving, queue, &to, Reason::DeadLetter)?;
                Ok(ReceiptResult::Done)
            }
            _ => Ok(ReceiptResult::NotLeased),
        }
    }
}

impl Queues {
    /// Removes messages (SQS: `DeleteMessage`). The results are in the order of the receipts. A receipt is valid
    /// until its message is handed out again; in an ordered queue until its lease ends.
    pub async fn remove(
        &self,
        queue: &str,
        receipts: Vec<String>,
    ) -> Result<Vec<ReceiptResult>, QueueError> {
        self.apply_to_latest(queue, receipts, LeasedMessage::remove)
            .await
    }

    /// Changes leases (SQS: `ChangeMessageVisibility`): each pair is a receipt and the number of milliseconds from
    /// now at which the lease is to end; 0 ends it. A lease can last 12 hours from when the message was handed out.
    pub async fn change_leases(
        &self,
        queue: &str,
        changes: Vec<(String, u64)>,
    ) -> Result<Vec<ReceiptResult>, QueueError> {
        self.change_found_leases(queue, changes, find_latest).await
    }

    /// Like [`change_leases`](Self::change_leases). In a standard queue the receipt of an earlier receive will do, as
    /// in SQS.
    pub async fn change_leases_by_any_receipt(
        &self,
        queue: &str,
        changes: Vec<(String, u64)>,
    ) -> Result<Vec<ReceiptResult>, QueueError> {
        self.change_found_leases(queue, changes, find_any).await
    }

    async fn change_found_leases(
        &self,
        queue: &str,
        changes: Vec<(String, u64)>,
        find: fn(&QueueTx<'_>, &Queue, &str) -> rusqlite::Result<Lookup>,
    ) -> Result<Vec<ReceiptResult>, QueueError> {
        self.apply(
            queue,
            changes,
            move |tx, queue, (receipt, by_ms)| match find(tx, queue, receipt)? {
                Ok(message) => message.extend(tx, queue, *by_ms),
                Err(outcome) => Ok(outcome),
            },
        )
        .await
    }

    /// Gives messages back that were received but not processed: they are visible again and count as not received.
    pub async fn give_back(
        &self,
        queue: &str,
        receipts: Vec<String>,
    ) -> Result<Vec<ReceiptResult>, QueueError> {
        self.apply_to_latest(queue, receipts, LeasedMessage::give_back)
            .await
    }

    /// Makes leased messages dead letters now, however often they were received. Without a dead-letter queue the
    /// messages stay leased, and their outcome is [`ReceiptResult::NotLeased`].
    pub async fn dead_letter(
        &self,
        queue: &str,
        receipts: Vec<String>,
    ) -> Result<Vec<ReceiptResult>, QueueError> {
        self.apply_to_latest(queue, receipts, LeasedMessage::make_dead_letter)
            .await
    }

    /// Applies an action to the message of each receipt, in one transaction.
    async fn apply_to_latest(
        &self,
        queue: &str,
        receipts: Vec<String>,
        action: fn(LeasedMessage, &mut QueueTx<'_>, &Queue) -> rusqlite::Result<ReceiptResult>,
    ) -> Result<Vec<ReceiptResult>, QueueError> {
        self.apply(
            queue,
            receipts,
            move |tx, queue, receipt| match find_latest(tx, queue, receipt)? {
                Ok(message) => action(message, tx, queue),
                Err(outcome) => Ok(outcome),
            },
        )
        .await
    }

    /// Applies an action to each item, in one transaction.
    async fn apply<I: Send + 'static>(
        &self,
        queue: &str,
        items: Vec<I>,
        action: impl Fn(&mut QueueTx<'_>, &Queue, &I) -> rusqlite::Result<ReceiptResult>
        + Send
        + 'static,
    ) -> Result<Vec<ReceiptResult>, QueueError> {
        let name = queue.to_owned();
        self.transact(move |tx| {
            let queue = tx.queue(&name)?;
            // A group may be free now, or a lease end earlier.
            tx.notify(&name);
            let outcomes = items.iter().map(|item| action(tx, &queue, item));
            Ok(outcomes.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}
