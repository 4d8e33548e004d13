//! What can be done to the queues of functions' events, in SQL. Everything here runs inside a transaction of the writer's.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::message::{FollowUp, Leased, Message, NewMessage, Receipt, Statistics};
use crate::queue;
use crate::store::Notifications;

const COLUMNS: &str = "id, body, attributes, sent_at, due_at, receives, attempts";

pub(crate) fn enqueue(
    connection: &Connection,
    message: &NewMessage,
    now: u64,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO messages (queue, body, attributes, sent_at, due_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![
        message.queue,
        message.body,
        message.attributes,
        time(now),
        time(message.not_before),
    ])?;
    Ok(())
}

/// Sends what follows from a completion.
pub(crate) fn follow_up(
    connection: &Connection,
    notifications: &mut Notifications,
    follow_up: &FollowUp,
    now: u64,
) -> rusqlite::Result<()> {
    match follow_up {
        FollowUp::Enqueue(message) => {
            notifications.insert(message.queue.clone());
            enqueue(connection, message, now)
        }
        FollowUp::Send { queue, entry } => {
            let deliver = queue::with_tx(connection, notifications, now, |tx| {
                queue::deliver(tx, queue, entry)
            });
            // A name that can not be one is the configuration's mistake; it must not keep the rest from its completion.
            deliver.map(drop)
        }
    }
}

pub(crate) fn lease(
    connection: &Connection,
    queue: &str,
    now: u64,
    until: u64,
    max: usize,
) -> rusqlite::Result<Leased> {
    let due = format!(
        "SELECT {COLUMNS} FROM messages WHERE queue = ?1 AND due_at <= ?2 ORDER BY due_at, id LIMIT ?3"
    );
    let mut messages: Vec<Message> = connection
        .prepare_cached(&due)?
        .query_map(
            params![queue, time(now), i64::try_from(max).unwrap_or(i64::MAX)],
            message,
        )?
        .collect::<rusqlite::Result<_>>()?;
    let take = "UPDATE messages SET due_at = ?2, leased = 1, receives = receives + 1 WHERE id = ?1";
    let mut take = connection.prepare_cached(take)?;
    for message in &mut messages {
        take.execute(params![message.id, time(until)])?;
        message.receives += 1;
        message.due_at = until;
    }
    let next = "SELECT due_at FROM messages WHERE queue = ?1 ORDER BY due_at LIMIT 1";
    let next_due = connection
        .prepare_cached(next)?
        .query_row([queue], |row| row.get(0))
        .optional()?
        .map(from_time);
    Ok(Leased { messages, next_due })
}

/// Whether the receipt was still good.
pub(crate) fn complete(connection: &Connection, receipt: Receipt) -> rusqlite::Result<bool> {
    let sql = "DELETE FROM messages WHERE id = ?1 AND receives = ?2 AND leased = 1";
    let deleted = connection
        .prepare_cached(sql)?
        .execute(params![receipt.id, receipt.receives])?;
    Ok(deleted > 0)
}

/// Whether the receipt was still good.
pub(crate) fn reschedule(
    connection: &Connection,
    receipt: Receipt,
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

/// How many leases there were.
pub(crate) fn end_leases(
    connection: &Connection,
    queue: &str,
    now: u64,
) -> rusqlite::Result<usize> {
    let sql = "UPDATE messages SET due_at = ?2, leased = 0 WHERE queue = ?1 AND leased = 1";
    connection
        .prepare_cached(sql)?
        .execute(params![queue, time(now)])
}

pub(crate) fn statistics(connection: &Connection, now: u64) -> rusqlite::Result<Vec<Statistics>> {
    let sql = "SELECT queue,
                      count(*) FILTER (WHERE due_at <= ?1),
                      count(*) FILTER (WHERE due_at > ?1 AND leased = 0),
                      count(*) FILTER (WHERE due_at > ?1 AND leased = 1)
               FROM messages GROUP BY queue ORDER BY queue";
    let count = |row: &Row<'_>, column| row.get::<_, i64>(column).map(from_time);
    connection
        .prepare_cached(sql)?
        .query_map([time(now)], |row| {
            Ok(Statistics {
                queue: row.get(0)?,
                due: count(row, 1)?,
                delayed: count(row, 2)?,
                leased: count(row, 3)?,
            })
        })?
        .collect()
}

/// The messages of a queue, the one due first before the others, without taking them.
pub(crate) fn messages(connection: &Connection, queue: &str) -> rusqlite::Result<Vec<Message>> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE queue = ?1 ORDER BY due_at, id");
    connection
        .prepare_cached(&sql)?
        .query_map([queue], message)?
        .collect()
}

pub(crate) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        body: row.get(1)?,
        attributes: row.get(2)?,
        sent_at: from_time(row.get(3)?),
        due_at: from_time(row.get(4)?),
        receives: row.get(5)?,
        attempts: row.get(6)?,
    })
}

/// SQLite's integers are signed; a time beyond them is as good as never.
pub(crate) fn time(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

pub(crate) fn from_time(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}
