//! Looking into a store from outside, also while a host is using it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;
use crate::view::{QueueStatistics, WaitingMessage};
use crate::{event_queue, object, queue, schema};

/// A view of a store that changes nothing. Readers and the writer do not block each other.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    connection: Connection,
    /// Whether the file has the tables of [`Queues`](crate::queue::Queues). A file of layout 1 has none until a host
    /// upgrades it.
    has_queues: bool,
}

impl Reader {
    /// Opens the store at `path`, which must exist.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error| StoreError::sqlite("open", path, &error);
        // Not read-only: after a kill, the first process to open the file has to recover the write-ahead log.
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

    /// The messages of a queue of either kind, the one that is due first at the front.
    pub fn messages(&self, queue: &str) -> Result<Vec<WaitingMessage>, StoreError> {
        let read = || {
            let mut waiting = event_queue::waiting(&self.connection, queue)?;
            if self.has_queues {
                waiting.extend(queue::inspect::messages(&self.connection, queue)?);
            }
            Ok(waiting)
        };
        read().map_err(|error| self.failed(&error))
    }

    /// The statistics of all queues of [`Queues`](crate::queue::Queues), and of the event queues that hold something,
    /// by name. The queues of object changes are internal and left out.
    pub fn statistics(&self, now: u64) -> Result<Vec<QueueStatistics>, StoreError> {
        let read = || {
            let mut statistics = event_queue::statistics(&self.connection, now)?;
            statistics.retain(|one| !object::change_record::is_change_queue(&one.queue));
            if self.has_queues {
                statistics.extend(queue::inspect::statistics(&self.connection, now)?);
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
