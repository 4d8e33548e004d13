//! Looking into queues without leasing anything, for [`Reader`](crate::Reader). Unlike all operations it reads every
//! message.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::details;
use crate::sql_time::{from_time, time};
use crate::view::{QueueStatistics, WaitingMessage};

/// The messages of a queue, the one that is due first at the front.
pub(crate) fn messages(
    connection: &Connection,
    queue: &str,
) -> rusqlite::Result<Vec<WaitingMessage>> {
    let sql = "SELECT queue_messages.id, message_id, body, details, sent_at, max(due_at, sent_at), receives
               FROM queue_messages JOIN queues USING (pile) WHERE name = ?1 ORDER BY due_at, queue_messages.id";
    connection
        .prepare_cached(sql)?
        .query_map([queue], |row| {
            let details: Option<String> = row.get(3)?;
            Ok(WaitingMessage {
                id: row.get(0)?,
                message_id: Some(Uuid::from_bytes(row.get(1)?).to_string()),
                body: row.get(2)?,
                attributes: details::attributes_as_json(details.as_deref()),
                sent_at: row.get(4).map(from_time)?,
                due_at: row.get(5).map(from_time)?,
                receives: row.get(6)?,
            })
        })?
        .collect()
}

/// The statistics of all queues, empty ones included.
pub(crate) fn statistics(
    connection: &Connection,
    now: u64,
) -> rusqlite::Result<Vec<QueueStatistics>> {
    let sql = "SELECT name,
                      count(due_at) FILTER (WHERE due_at <= ?1),
                      count(due_at) FILTER (WHERE due_at > ?1 AND leased = 0),
                      count(due_at) FILTER (WHERE due_at > ?1 AND leased = 1)
               FROM queues LEFT JOIN queue_messages USING (pile) GROUP BY name";
    connection
        .prepare_cached(sql)?
        .query_map(params![time(now)], |row| {
            Ok(QueueStatistics {
                queue: row.get(0)?,
                due: row.get(1).map(from_time)?,
                delayed: row.get(2).map(from_time)?,
                leased: row.get(3).map(from_time)?,
            })
        })?
        .collect()
}
