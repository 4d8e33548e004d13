//! Looking into a store, also while a host is using it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;
use crate::message::{Statistics, Waiting};
use crate::{object, queue, queues, schema};

/// A view into a store that changes nothing. Writers and readers do not wait for each other.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    connection: Connection,
    /// A file of the first layout has none, until a host opens it.
    has_queues: bool,
}

impl Reader {
    /// Opens the store at this path, which must be there.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error| StoreError::sqlite("open", path, &error);
        // Not the read-only flag: after a kill, whoever comes first has to recover the write-ahead log.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection
            .pragma_update(None, "query_only", true)
            .map_err(failed)?;
        let found = schema::layout(&connection).map_err(failed)?;
        if found > schema::LAYOUT {
            return Err(StoreError::Newer {
                path: path.to_owned(),
                found,
                known: schema::LAYOUT,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            connection,
            has_queues: found > 1,
        })
    }

    /// The messages of a queue, the one due first before the others: of a function's events, or of
    /// [`Queues`](crate::queue::Queues).
    pub fn messages(&self, queue: &str) -> Result<Vec<Waiting>, StoreError> {
        let read = || {
            let events = queues::messages(&self.connection, queue)?;
            let mut waiting: Vec<Waiting> = events
                .into_iter()
                .map(|message| Waiting {
                    message,
                    message_id: None,
                })
                .collect();
            if self.has_queues {
                waiting.extend(queue::messages(&self.connection, queue)?);
            }
            Ok(waiting)
        };
        read().map_err(|error| self.failed(&error))
    }

    /// All queues of [`Queues`](crate::queue::Queues), and those of functions' events with something in them, by name. What
    /// object triggers are to be told is no queue of anybody's.
    pub fn statistics(&self, now: u64) -> Result<Vec<Statistics>, StoreError> {
        let read = || {
            let mut statistics = queues::statistics(&self.connection, now)?;
            statistics.retain(|one| !object::holds_changes(&one.queue));
            if self.has_queues {
                statistics.extend(queue::statistics(&self.connection, now)?);
            }
            statistics.sort_by(|one, other| one.queue.cmp(&other.queue));
            Ok(statistics)
        };
        read().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::sqlite("read", &self.path, error)
    }
}
