//! Opening the file: the lock that keeps others out, and SQLite's settings.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::error::StoreError;
use crate::schema;

/// How long the writer waits for a reader that happens to be recovering the log after a kill.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The write-ahead log is cut back to this size when a burst has made it longer.
const LOG_BYTES: i64 = 16 * 1024 * 1024;

/// The write-ahead log is folded into the file when it has so many pages of 4 KiB: pages that are written again and again, as
/// the ends of queues are, go there once.
const LOG_PAGES: i64 = LOG_BYTES / 4096;

/// SQLite's own cache, in KiB: the ends of many queues at a time.
const CACHE_KIB: i64 = 16 * 1024;

/// How many statements stay prepared: all there are.
const STATEMENTS: usize = 128;

/// Nobody but the holder writes. A file of its own, because SQLite's locks on the store's file end when any handle to it is
/// closed; and the operating system ends this one with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    fn take(path: &Path) -> Result<Self, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let failed = |error| StoreError::io("open", path, &error);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(PathBuf::from(name))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Opens the store at this path, and makes it and its folder if there is none.
pub(crate) fn open(path: &Path) -> Result<(Connection, Lock), StoreError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| StoreError::io("open", path, &error))?;
    }
    let lock = Lock::take(path)?;
    let failed = |error| StoreError::sqlite("open", path, &error);
    let connection = Connection::open(path).map_err(failed)?;
    let found = prepare(&connection).map_err(failed)?;
    if found > schema::LAYOUT {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: schema::LAYOUT,
        });
    }
    schema::bring_up_to_date(&connection, found).map_err(failed)?;
    Ok((connection, lock))
}

/// Sets the connection up and returns the file's layout.
fn prepare(connection: &Connection) -> rusqlite::Result<i64> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    schema::layout(connection)
}
