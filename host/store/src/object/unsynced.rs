//! Files that may not be on the disk yet, and what becomes of their rows if a power cut takes them.
//!
//! A new object is answered when its row is committed, and neither the row nor the file is on the disk then. A power
//! cut can take either. The row names the file's size and checksum until the file is on the disk, and what the object
//! replaced is kept until then (see `schema`). The next host compares each such file. If a file was lost, its object is
//! taken back, and the one that it replaced is valid again, whose file has not been deleted either.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::digest::Checksum;
use super::files::Files;
use super::limits::READ_AT_ONCE;
use super::pending::PendingFileOp;
use super::{parts_row, row};

/// A file that may not be on the disk yet.
#[derive(Debug, Clone)]
pub(super) struct UnsyncedFile {
    pub(super) id: i64,
    /// As in [`PendingFileOp`].
    pub(super) file: String,
    size: u64,
    checksum: u64,
    of: Of,
}

/// What the file belongs to.
#[derive(Debug, Clone)]
enum Of {
    /// The object with this sequence number, and the one that it replaced.
    Object(i64, Option<i64>),
    /// The part of an upload with this number.
    Part(String, u32),
}

impl UnsyncedFile {
    /// Records the file of a new object and the object that it replaced, which is hidden.
    pub(super) fn record_object(
        connection: &Connection,
        file: &str,
        size: u64,
        checksum: u64,
        object: i64,
        superseded: Option<i64>,
    ) -> rusqlite::Result<()> {
        let sql = "INSERT INTO unsynced_files (file, size, checksum, object, superseded) VALUES (?1, ?2, ?3, ?4, ?5)";
        let (size, checksum) = (size.cast_signed(), checksum.cast_signed());
        connection
            .prepare_cached(sql)?
            .execute(params![file, size, checksum, object, superseded])?;
        Ok(())
    }

    /// Records the file of a new part. The part that it replaced is hidden.
    pub(super) fn record_part(
        connection: &Connection,
        file: &str,
        size: u64,
        checksum: u64,
        upload: &str,
        number: u32,
    ) -> rusqlite::Result<()> {
        let sql = "INSERT INTO unsynced_files (file, size, checksum, upload, number) VALUES (?1, ?2, ?3, ?4, ?5)";
        let (size, checksum) = (size.cast_signed(), checksum.cast_signed());
        connection
            .prepare_cached(sql)?
            .execute(params![file, size, checksum, upload, number])?;
        Ok(())
    }

    /// All of them, the newest first.
    pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Self>> {
        let sql = "SELECT id, file, size, checksum, object, superseded, upload, number FROM unsynced_files
                   ORDER BY id DESC";
        let file = |row: &Row<'_>| {
            let object: Option<i64> = row.get(4)?;
            Ok(Self {
                id: row.get(0)?,
                file: row.get(1)?,
                size: row.get::<_, i64>(2)?.cast_unsigned(),
                checksum: row.get::<_, i64>(3)?.cast_unsigned(),
                of: match object {
                    Some(object) => Of::Object(object, row.get(5)?),
                    None => Of::Part(row.get(6)?, row.get(7)?),
                },
            })
        };
        connection.prepare(sql)?.query_map([], file)?.collect()
    }

    /// Whether the file has its size and checksum. A file that cannot be read counts as lost, unless the reason may go
    /// away.
    pub(super) fn is_intact(&self, files: &Files) -> io::Result<bool> {
        let read = || -> io::Result<bool> {
            let mut file = files.read(&self.file)?;
            if file.metadata()?.len() != self.size {
                return Ok(false);
            }
            Ok(checksum(&mut file)? == self.checksum)
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            read => read,
        }
    }

    /// What the file belongs to, for the log.
    pub(super) fn describe(&self) -> &Path {
        Path::new(&self.file)
    }

    /// Forgets that the file may not be on the disk, and what it replaced.
    pub(super) fn settle(&self, connection: &Connection) -> rusqlite::Result<()> {
        match &self.of {
            Of::Object(_, Some(superseded)) => row::forget(connection, *superseded)?,
            Of::Object(_, None) => {}
            Of::Part(upload, number) => {
                parts_row::forget(connection, upload, *number, &self.file)?;
            }
        }
        let sql = "DELETE FROM unsynced_files WHERE id = ?1";
        connection.prepare_cached(sql)?.execute([self.id])?;
        Ok(())
    }

    /// Takes back what was lost with the file. To be called for the newest file first.
    pub(super) fn take_back(&self, connection: &Connection) -> rusqlite::Result<()> {
        match &self.of {
            Of::Object(object, superseded) => take_back(connection, *object, *superseded)?,
            Of::Part(upload, number) => {
                parts_row::take_back(connection, upload, *number, &self.file)?;
            }
        }
        // What is left of the file.
        PendingFileOp::to_delete(connection, &self.file)?;
        self.settle(connection)
    }
}

fn take_back(
    connection: &Connection,
    object: i64,
    superseded: Option<i64>,
) -> rusqlite::Result<()> {
    let sql = "SELECT bucket FROM objects WHERE sequence = ?1 AND bucket > 0";
    let bucket: Option<i64> = connection
        .query_row(sql, [object], |row| row.get(0))
        .optional()?;
    let Some(bucket) = bucket else {
        return Ok(()); // it was removed or replaced later, on purpose
    };
    let lost = connection.query_row(
        &row::select("WHERE sequence = ?1"),
        [object],
        row::Row::read,
    )?;
    row::delete(connection, bucket, &lost)?;
    if let Some(superseded) = superseded
        && row::restore(connection, superseded)?
    {
        // Its file is needed again.
        let sql = "DELETE FROM file_chores WHERE move = 0 AND file = (SELECT file FROM objects WHERE sequence = ?1)";
        connection.execute(sql, [superseded])?;
    }
    Ok(())
}

fn checksum(file: &mut File) -> io::Result<u64> {
    let mut checksum = Checksum::new();
    let mut buffer = vec![0; READ_AT_ONCE];
    loop {
        let read = file.read(&mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(checksum.value());
        }
        checksum.update(bytes);
    }
}
