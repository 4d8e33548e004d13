//! The transaction of one operation on queues.
//!
//! An operation reads and writes rows of messages. Meanwhile the transaction sums up by how much the counts of each
//! generation change and which groups may be due at another time, and writes each of these once, when the operation
//! ends.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::types::QueueError;
use crate::sql_time::time;
use crate::store::Notifications;

/// Why an operation on queues ends early.
pub(crate) type Abort = crate::abort::Abort<QueueError>;

/// The notifier that wakes the maintenance. No queue can have this name.
pub(crate) const MAINTENANCE: &str = "(maintenance)";

/// The transaction of one operation.
#[derive(Debug)]
pub(crate) struct QueueTx<'a> {
    connection: &'a Connection,
    /// The time of the operation. It does not change within a transaction.
    pub now: u64,
    notifications: &'a mut Notifications,
    count_changes: BTreeMap<i64, CountChange>,
    groups: BTreeSet<i64>,
}

/// By how much the counts of a generation change.
#[derive(Debug, Default)]
struct CountChange {
    messages: i64,
    /// Hidden messages, by whether they are leased and the second in which they become visible.
    hidden: BTreeMap<(bool, u64), i64>,
}

impl From<QueueError> for Abort {
    fn from(error: QueueError) -> Self {
        Self::Refused(error)
    }
}

impl Abort {
    /// The refusal of arguments that contradict the queue or each other.
    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Refused(QueueError::Invalid(why.into()))
    }
}

/// Runs `work` as the transaction of one operation.
pub(crate) fn with_tx<T>(
    connection: &Connection,
    notifications: &mut Notifications,
    now: u64,
    work: impl FnOnce(&mut QueueTx<'_>) -> Result<T, Abort>,
) -> rusqlite::Result<Result<T, QueueError>> {
    let mut tx = QueueTx {
        connection,
        now,
        notifications,
        count_changes: BTreeMap::new(),
        groups: BTreeSet::new(),
    };
    let result = work(&mut tx);
    if result.is_ok() {
        tx.flush()?;
    }
    Abort::split(result)
}

impl QueueTx<'_> {
    /// Runs a statement and returns the number of rows that it changed.
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    /// Runs an `INSERT` and returns the id of the new row.
    pub(crate) fn insert(&self, sql: &str, params: impl Params) -> rusqlite::Result<i64> {
        self.connection.prepare_cached(sql)?.insert(params)
    }

    /// The first row, if there is one.
    pub(crate) fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_row(params, read).optional()
    }

    /// All rows.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_map(params, read)?.collect()
    }

    /// The first rows, up to and including the first one for which `more` is false.
    pub(crate) fn rows_while<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
        mut more: impl FnMut(&T) -> bool,
    ) -> rusqlite::Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = Vec::new();
        for row in statement.query_map(params, read)? {
            let row = row?;
            let go_on = more(&row);
            found.push(row);
            if !go_on {
                break;
            }
        }
        Ok(found)
    }

    /// Wakes the notifier of a queue when the transaction is committed.
    pub(crate) fn notify(&mut self, queue: &str) {
        if !self.notifications.contains(queue) {
            self.notifications.insert(queue.to_owned());
        }
    }

    /// Counts a message that was added to a generation.
    pub(crate) fn added(&mut self, generation: i64, due_at: u64) {
        self.count_changes.entry(generation).or_default().messages += 1;
        self.count_hidden(generation, false, due_at, 1);
    }

    /// Counts a message that was removed from its generation.
    pub(crate) fn removed(&mut self, generation: i64, leased: bool, due_at: u64) {
        self.count_changes.entry(generation).or_default().messages -= 1;
        self.count_hidden(generation, leased, due_at, -1);
    }

    /// Counts a message that is due at another time. `before` and `after` say whether it is leased and when it is due.
    pub(crate) fn rescheduled(&mut self, generation: i64, before: (bool, u64), after: (bool, u64)) {
        self.count_hidden(generation, before.0, before.1, -1);
        self.count_hidden(generation, after.0, after.1, 1);
    }

    /// A message that is due is visible, and part of no second's count.
    fn count_hidden(&mut self, generation: i64, leased: bool, due_at: u64, change: i64) {
        if due_at > self.now {
            let hidden = &mut self.count_changes.entry(generation).or_default().hidden;
            *hidden.entry((leased, second(due_at))).or_default() += change;
        }
    }

    /// Marks a group of which a message was added, removed or rescheduled.
    pub(crate) fn group_changed(&mut self, group: Option<i64>) {
        self.groups.extend(group);
    }

    /// Writes the changes of counts and groups.
    pub(crate) fn flush(&mut self) -> rusqlite::Result<()> {
        for group in std::mem::take(&mut self.groups) {
            self.update_group(group)?;
        }
        for (generation, change) in std::mem::take(&mut self.count_changes) {
            if change.messages != 0 {
                let sql = "UPDATE queue_piles SET messages = messages + ?2 WHERE id = ?1";
                self.execute(sql, (generation, change.messages))?;
            }
            for ((leased, second), change) in change.hidden {
                if change != 0 {
                    let sql = "INSERT INTO queue_times VALUES (?1, ?2, ?3, ?4)
                               ON CONFLICT DO UPDATE SET messages = messages + excluded.messages";
                    self.execute(sql, (generation, leased, time(second), change))?;
                }
            }
        }
        Ok(())
    }

    /// Stores when the first message of the group is due; deletes a group that has no message left.
    fn update_group(&self, group: i64) -> rusqlite::Result<()> {
        let first = "SELECT due_at FROM queue_messages WHERE group_id = ?1 ORDER BY id LIMIT 1";
        match self.row(first, [group], |row| row.get::<_, i64>(0))? {
            Some(due_at) => self.execute(
                "UPDATE queue_groups SET due_at = ?2 WHERE id = ?1",
                (group, due_at),
            ),
            None => self.execute("DELETE FROM queue_groups WHERE id = ?1", [group]),
        }?;
        Ok(())
    }
}

/// The second that contains a time.
pub(crate) fn second(at: u64) -> u64 {
    at / 1000
}
