//! Opening the store's file: the lock that keeps other hosts out, and SQLite's settings.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use crate::error::StoreError;
use crate::private::{private_file, private_folder};
use crate::reserve::Reserve;
use crate::schema;

/// How long the writer waits for a reader that is recovering the write-ahead log after a kill.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The size in bytes to which the write-ahead log is cut back after a burst has made it longer.
const LOG_BYTES: i64 = 16 * 1024 * 1024;

/// The number of 4 KiB pages in the write-ahead log at which it is copied into the store's file. Pages that are
/// written again and again, such as the ends of queues, are then copied once.
pub(crate) const LOG_PAGES: i64 = LOG_BYTES / 4096;

/// The size of SQLite's page cache in KiB, which holds the ends of many queues.
const CACHE_KIB: i64 = 16 * 1024;

/// The number of prepared statements that are kept: more than this crate has.
const STATEMENTS: usize = 128;

/// The number of folders whose entries are brought to the disk when the store's file is created: its own, which may be
/// new, and the one above.
const FOLDERS_ABOVE: usize = 2;

/// Waits until the entries of a folder are on the disk. Some file systems, of networks and virtual machines, cannot do
/// that and keep an order of their own.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Keeps other hosts from opening the store. It is a file of its own, because SQLite's locks on the store's file end
/// as soon as any handle to that file is closed. The operating system releases it when the process ends, for whatever
/// reason.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    fn acquire(path: &Path) -> Result<Self, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let failed = |error| StoreError::io("open", path, &error);
        let file = private_file(&PathBuf::from(name), false).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Opens the store at `path`. The file and its folder are created if they do not exist, and an older layout is
/// upgraded.
pub(crate) fn open(path: &Path, reserve: &mut Reserve) -> Result<(Connection, Lock), StoreError> {
    let unopened = |error| StoreError::io("open", path, &error);
    if let Some(folder) = path.parent() {
        private_folder(folder).map_err(unopened)?;
    }
    let lock = Lock::acquire(path)?;
    let is_new = !path.exists();
    // SQLite gives the files beside it the same mode.
    drop(private_file(path, true).map_err(unopened)?);
    if is_new {
        for folder in path.ancestors().skip(1).take(FOLDERS_ABOVE) {
            sync_folder(folder).map_err(unopened)?;
        }
    }
    let failed = |error| StoreError::sqlite("open", path, &error);
    // A full disk shows as either code: the index of the write-ahead log is a file, too.
    let opened = connect(path).or_else(|error| {
        if is_new
            || !matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure)
            )
        {
            return Err(error);
        }
        reserve.give_up();
        connect(path)
    });
    let (connection, found) = opened.map_err(failed)?;
    if found > schema::LAYOUT {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: schema::LAYOUT,
        });
    }
    schema::upgrade(&connection, found).map_err(failed)?;
    Ok((connection, lock))
}

fn connect(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let connection = Connection::open(path)?;
    let found = configure(&connection)?;
    Ok((connection, found))
}

/// Applies the settings above and returns the file's layout.
fn configure(connection: &Connection) -> rusqlite::Result<i64> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    schema::layout(connection)
}
