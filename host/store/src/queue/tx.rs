//! A turn at the writer: what one operation on queues has at hand, and what it owes at its end.
//!
//! An operation reads and writes messages; the turn sums up how that changes the counts and which groups are due at
//! another time, and writes each once, at the end. An operation that refuses must do so before it has changed
//! anything: the turn is part of a larger transaction, which is not rolled back for it.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::{QueueError, group};
use crate::queues::time;
use crate::store::Notifications;

/// One operation's time at the writer.
#[derive(Debug)]
pub(crate) struct QueueTx<'a> {
    connection: &'a Connection,
    /// The time; it does not change during a turn.
    pub now: u64,
    notifications: &'a mut Notifications,
    count_changes: BTreeMap<i64, CountChange>,
    groups: BTreeSet<i64>,
}

/// How the counts of a pile change.
#[derive(Debug, Default)]
struct CountChange {
    messages: i64,
    /// By whether they are leased and the second in which they are due.
    hidden: BTreeMap<(bool, u64), i64>,
}

/// Why an operation ends early.
#[derive(Debug)]
pub(crate) enum Abort {
    /// It is refused and has changed nothing.
    Refused(QueueError),
    /// SQLite fails; what was changed is rolled back.
    Failed(rusqlite::Error),
}

impl From<QueueError> for Abort {
    fn from(error: QueueError) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Abort {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

impl Abort {
    /// That the arguments make no sense.
    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Refused(QueueError::Invalid(why.into()))
    }
}

/// Runs an operation as a turn.
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
    match work(&mut tx) {
        Ok(done) => tx.flush().map(|()| Ok(done)),
        Err(Abort::Refused(error)) => Ok(Err(error)),
        Err(Abort::Failed(error)) => Err(error),
    }
}

impl QueueTx<'_> {
    /// Runs a statement; returns how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    /// Runs an `INSERT`; returns the new row's id.
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

    /// The first rows, up to and with the one after which nothing more is wanted.
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

    /// Has a bell rung when the turn is committed.
    pub(crate) fn notify(&mut self, queue: &str) {
        if !self.notifications.contains(queue) {
            self.notifications.insert(queue.to_owned());
        }
    }

    /// A message has come onto a pile.
    pub(crate) fn added(&mut self, generation: i64, due_at: u64) {
        self.count_changes.entry(generation).or_default().messages += 1;
        self.count_hidden(generation, false, due_at, 1);
    }

    /// A message has left its pile.
    pub(crate) fn removed(&mut self, generation: i64, leased: bool, due_at: u64) {
        self.count_changes.entry(generation).or_default().messages -= 1;
        self.count_hidden(generation, leased, due_at, -1);
    }

    /// A message is due at another time.
    pub(crate) fn rescheduled(&mut self, generation: i64, before: (bool, u64), after: (bool, u64)) {
        self.count_hidden(generation, before.0, before.1, -1);
        self.count_hidden(generation, after.0, after.1, 1);
    }

    /// What is due counts as visible, and is in no second's count.
    fn count_hidden(&mut self, generation: i64, leased: bool, due_at: u64, change: i64) {
        if due_at > self.now {
            let hidden = &mut self.count_changes.entry(generation).or_default().hidden;
            *hidden.entry((leased, second(due_at))).or_default() += change;
        }
    }

    /// A message of this group was added, removed, or is due at another time.
    pub(crate) fn group_changed(&mut self, group: Option<i64>) {
        self.groups.extend(group);
    }

    /// Writes what the turn owes.
    pub(crate) fn flush(&mut self) -> rusqlite::Result<()> {
        for group in std::mem::take(&mut self.groups) {
            group::refresh(self, group)?;
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
}

/// The second a time is in.
pub(crate) fn second(at: u64) -> u64 {
    at / 1000
}
