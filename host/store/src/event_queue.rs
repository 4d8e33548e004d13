//! Event queues: the host's own queues, for the events of functions that are invoked asynchronously and for the
//! changes of objects.
//!
//! They are simpler than the queues of [`Queues`](crate::queue::Queues). A queue is nothing but a name and exists
//! while it holds an event. An event is due at a time. A consumer leases what is due, works, and then completes or
//! reschedules it; when a lease ends first, the event is due again.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::Notify;

use crate::error::StoreError;
use crate::queue::Entry;
use crate::queue::send::send_or_create;
use crate::queue::tx::with_tx;
use crate::sql_time::{from_time, time};
use crate::store::{Notifications, Store};
use crate::view::{QueueStatistics, WaitingMessage};

/// All event queues of a store. Cheap to clone. Times are in milliseconds since the Unix epoch, on the caller's clock.
#[derive(Debug, Clone)]
pub struct EventQueues(Store);

/// An event to be put into a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The queue's name.
    pub queue: String,
    /// The body. It is given back byte for byte.
    pub body: Vec<u8>,
    /// Further facts for the consumer. The store does not interpret them.
    pub attributes: String,
    /// The time before which the event is not leased.
    pub not_before: u64,
}

/// An event in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedEvent {
    /// The event's row, which is never used again.
    pub id: i64,
    /// The body, as it was put in.
    pub body: Vec<u8>,
    /// The attributes, as they were put in.
    pub attributes: String,
    /// When the event was put into this queue.
    pub sent_at: u64,
    /// When the event can be leased next: its `not_before`, or the end of its lease.
    pub due_at: u64,
    /// How often the event has been leased.
    pub receives: u32,
    /// The consumer's own count, 0 at first; see [`EventQueues::reschedule`].
    pub attempts: u32,
}

/// The proof of a lease. It is void once the event has been leased again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventReceipt {
    id: i64,
    receives: u32,
}

/// What [`EventQueues::lease`] returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedEvents {
    /// The leased events, the one that was due first at the front.
    pub events: Vec<QueuedEvent>,
    /// When the next event of the queue is due, leased ones included; `None` for an empty queue.
    pub next_due: Option<u64>,
}

/// What is sent in the transaction that completes an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowUp {
    /// Another event.
    Enqueue(NewEvent),
    /// A message to a queue of [`Queues`](crate::queue::Queues), which is created with default settings if it does
    /// not exist.
    Send {
        /// The queue's name. Nothing is sent to a name that [`Queues::is_name`](crate::queue::Queues::is_name) rejects.
        queue: String,
        /// The message.
        entry: Entry,
    },
}

impl QueuedEvent {
    /// The proof of the lease under which this event was handed out.
    pub fn receipt(&self) -> EventReceipt {
        EventReceipt {
            id: self.id,
            receives: self.receives,
        }
    }
}

impl EventQueues {
    /// The event queues of this store.
    pub fn new(store: Store) -> Self {
        Self(store)
    }

    /// Puts an event into its queue.
    pub async fn enqueue(&self, event: NewEvent, now: u64) -> Result<(), StoreError> {
        self.0
            .growing()
            .submit(move |connection, notifications| {
                notifications.insert(event.queue.clone());
                insert(connection, &event, now)
            })
            .await
    }

    /// Leases up to `max` events of a queue that are due, the one that is due first at the front. No other lease gets
    /// them before the time `until`.
    pub async fn lease(
        &self,
        queue: &str,
        now: u64,
        until: u64,
        max: usize,
    ) -> Result<LeasedEvents, StoreError> {
        let queue = queue.to_owned();
        self.0
            .submit(move |connection, _| lease(connection, &queue, now, until, max))
            .await
    }

    /// Removes a leased event and sends what follows from it, both or neither. Returns `false`, and does nothing, if
    /// the receipt is void.
    pub async fn complete(
        &self,
        receipt: EventReceipt,
        follow_ups: Vec<FollowUp>,
        now: u64,
    ) -> Result<bool, StoreError> {
        self.0
            .submit(move |connection, notifications| {
                let is_valid = delete(connection, receipt)?;
                if is_valid {
                    for follow_up in &follow_ups {
                        send(connection, notifications, follow_up, now)?;
                    }
                }
                Ok(is_valid)
            })
            .await
    }

    /// Ends the lease of an event, makes it due at `not_before`, and stores the consumer's count. Returns `false`,
    /// and does nothing, if the receipt is void. The queue's notifier is not woken: the consumer itself is the
    /// caller.
    pub async fn reschedule(
        &self,
        receipt: EventReceipt,
        not_before: u64,
        attempts: u32,
    ) -> Result<bool, StoreError> {
        self.0
            .submit(move |connection, _| reschedule(connection, receipt, not_before, attempts))
            .await
    }

    /// Ends all leases of a queue and makes their events due now; returns how many there were. For the start of a
    /// host: the consumer that held them was part of an earlier one.
    pub async fn end_leases(&self, queue: &str, now: u64) -> Result<usize, StoreError> {
        let queue = queue.to_owned();
        self.0
            .submit(move |connection, notifications| {
                notifications.insert(queue.clone());
                end_leases(connection, &queue, now)
            })
            .await
    }

    /// The statistics of all event queues that hold something, by name.
    pub async fn statistics(&self, now: u64) -> Result<Vec<QueueStatistics>, StoreError> {
        self.0
            .submit(move |connection, _| statistics(connection, now))
            .await
    }

    /// The notifier of a queue, which is woken when a commit has changed what the queue can hand out. It keeps one
    /// permit for a consumer that is busy, and wakes one waiting task at a time.
    pub fn notifier(&self, queue: &str) -> Arc<Notify> {
        self.0.notifier(queue)
    }
}

const COLUMNS: &str = "id, body, attributes, sent_at, due_at, receives, attempts";

pub(crate) fn insert(connection: &Connection, event: &NewEvent, now: u64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO messages (queue, body, attributes, sent_at, due_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![
        event.queue,
        event.body,
        event.attributes,
        time(now),
        time(event.not_before),
    ])?;
    Ok(())
}

fn send(
    connection: &Connection,
    notifications: &mut Notifications,
    follow_up: &FollowUp,
    now: u64,
) -> rusqlite::Result<()> {
    match follow_up {
        FollowUp::Enqueue(event) => {
            notifications.insert(event.queue.clone());
            insert(connection, event, now)
        }
        FollowUp::Send { queue, entry } => {
            let sent = with_tx(connection, notifications, now, |tx| {
                send_or_create(tx, queue, entry)
            });
            // An invalid name is a mistake in the configuration. It must not keep the event from being completed.
            sent.map(drop)
        }
    }
}

fn lease(
    connection: &Connection,
    queue: &str,
    now: u64,
    until: u64,
    max: usize,
) -> rusqlite::Result<LeasedEvents> {
    let due = format!(
        "SELECT {COLUMNS} FROM messages WHERE queue = ?1 AND due_at <= ?2 ORDER BY due_at, id LIMIT ?3"
    );
    let mut events: Vec<QueuedEvent> = connection
        .prepare_cached(&due)?
        .query_map(
            params![queue, time(now), i64::try_from(max).unwrap_or(i64::MAX)],
            read,
        )?
        .collect::<rusqlite::Result<_>>()?;
    let take = "UPDATE messages SET due_at = ?2, leased = 1, receives = receives + 1 WHERE id = ?1";
    let mut take = connection.prepare_cached(take)?;
    for event in &mut events {
        take.execute(params![event.id, time(until)])?;
        event.receives += 1;
        event.due_at = until;
    }
    let next = "SELECT due_at FROM messages WHERE queue = ?1 ORDER BY due_at LIMIT 1";
    let next_due = connection
        .prepare_cached(next)?
        .query_row([queue], |row| row.get(0))
        .optional()?
        .map(from_time);
    Ok(LeasedEvents { events, next_due })
}

/// Returns whether the receipt was valid.
fn delete(connection: &Connection, receipt: EventReceipt) -> rusqlite::Result<bool> {
    let sql = "DELETE FROM messages WHERE id = ?1 AND receives = ?2 AND leased = 1";
    let deleted = connection
        .prepare_cached(sql)?
        .execute(params![receipt.id, receipt.receives])?;
    Ok(deleted > 0)
}

/// Returns whether the receipt was valid.
fn reschedule(
    connection: &Connection,
    receipt: EventReceipt,
    not_before: u64,
    attempts: u32,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE messages SET due_at = ?3, attempts = ?4, leased = 0
               WHERE id = ?1 AND receives = ?2 AND leased = 1";
    let updated = connection.prepare_cached(sql)?.execute(params![
        receipt.id,
        receipt.receives,
        time(not_before),
        attempts,
    ])?;
    Ok(updated > 0)
}

fn end_leases(connection: &Connection, queue: &str, now: u64) -> rusqlite::Result<usize> {
    let sql = "UPDATE messages SET due_at = ?2, leased = 0 WHERE queue = ?1 AND leased = 1";
    connection
        .prepare_cached(sql)?
        .execute(params![queue, time(now)])
}

pub(crate) fn statistics(
    connection: &Connection,
    now: u64,
) -> rusqlite::Result<Vec<QueueStatistics>> {
    let sql = "SELECT queue,
                      count(*) FILTER (WHERE due_at <= ?1),
                      count(*) FILTER (WHERE due_at > ?1 AND leased = 0),
                      count(*) FILTER (WHERE due_at > ?1 AND leased = 1)
               FROM messages GROUP BY queue ORDER BY queue";
    let count = |row: &Row<'_>, column| row.get::<_, i64>(column).map(from_time);
    connection
        .prepare_cached(sql)?
        .query_map([time(now)], |row| {
            Ok(QueueStatistics {
                queue: row.get(0)?,
                due: count(row, 1)?,
                delayed: count(row, 2)?,
                leased: count(row, 3)?,
            })
        })?
        .collect()
}

/// The events of a queue, the one that is due first at the front, without leasing them.
pub(crate) fn waiting(
    connection: &Connection,
    queue: &str,
) -> rusqlite::Result<Vec<WaitingMessage>> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE queue = ?1 ORDER BY due_at, id");
    connection
        .prepare_cached(&sql)?
        .query_map([queue], |row| {
            let event = read(row)?;
            Ok(WaitingMessage {
                id: event.id,
                message_id: None,
                body: event.body,
                attributes: event.attributes,
                sent_at: event.sent_at,
                due_at: event.due_at,
                receives: event.receives,
            })
        })?
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<QueuedEvent> {
    Ok(QueuedEvent {
        id: row.get(0)?,
        body: row.get(1)?,
        attributes: row.get(2)?,
        sent_at: from_time(row.get(3)?),
        due_at: from_time(row.get(4)?),
        receives: row.get(5)?,
        attempts: row.get(6)?,
    })
}
