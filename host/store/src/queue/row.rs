//! A queue's row: what operations on messages need to know of their queue.

use rusqlite::Row;

use super::tx::{Abort, QueueTx};
use super::types::{DeadLetter, QueueError};
use crate::sql_time::from_time;

/// A queue inside a transaction.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub id: i64,
    pub name: String,
    /// The generation that its messages belong to.
    pub generation: i64,
    pub ordered: bool,
    pub lease_ms: u64,
    pub delay_ms: u64,
    pub retention_ms: u64,
    pub deduplication_by_group: bool,
    pub dead_letter: Option<DeadLetter>,
    pub created_at: u64,
}

const COLUMNS: &str = "id, name, pile, ordered, lease_ms, delay_ms, retention_ms, deduplication_by_group, dead_letter, \
                       max_receives, created_at";

impl QueueTx<'_> {
    /// The queue with this name, if it exists.
    pub(crate) fn find_queue(&self, name: &str) -> rusqlite::Result<Option<Queue>> {
        let sql = format!("SELECT {COLUMNS} FROM queues WHERE name = ?1");
        self.row(&sql, [name], read)
    }

    /// The queue with this name, which must exist.
    pub(crate) fn queue(&self, name: &str) -> Result<Queue, Abort> {
        Ok(self.find_queue(name)?.ok_or(QueueError::Missing)?)
    }

    /// All queues.
    pub(crate) fn queues(&self) -> rusqlite::Result<Vec<Queue>> {
        self.rows(&format!("SELECT {COLUMNS} FROM queues"), [], read)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Queue> {
    Ok(Queue {
        id: row.get(0)?,
        name: row.get(1)?,
        generation: row.get(2)?,
        ordered: row.get(3)?,
        lease_ms: row.get(4).map(from_time)?,
        delay_ms: row.get(5).map(from_time)?,
        retention_ms: row.get(6).map(from_time)?,
        deduplication_by_group: row.get(7)?,
        dead_letter: dead_letter(row.get(8)?, row.get(9)?),
        created_at: row.get(10).map(from_time)?,
    })
}

/// The dead-letter settings in two columns, which are both set or both empty.
pub(crate) fn dead_letter(queue: Option<String>, max_receives: Option<u32>) -> Option<DeadLetter> {
    Some(DeadLetter {
        queue: queue?,
        max_receives: max_receives?,
    })
}
