//! Pending file operations: what has to be done with files after a commit, as an outbox.
//!
//! They are committed together with the rows that need them, applied after the commit, and then deleted. If the host is
//! killed in between, the next one applies them. Applying one twice does no harm. A deletion is applied once the commit
//! that requires it is on the disk (see `synchronize`): after a power cut, the rows before it may be valid again. The
//! table calls them *chores*; the name stays there, as renaming it would be a new layout of the store.

use rusqlite::{Connection, Row, params};

/// An operation on a file of the objects' folder.
#[derive(Debug, Clone)]
pub(super) struct PendingFileOp {
    pub(super) id: i64,
    /// The file's place, relative to the objects' folder; the id of a part; or the path of a part in a plain folder.
    pub(super) file: String,
    /// Whether the file is moved to its place; otherwise it is deleted.
    pub(super) moves: bool,
}

impl PendingFileOp {
    /// Records that the file of a new object is to be moved to its place.
    pub(super) fn to_move(connection: &Connection, file: &str) -> rusqlite::Result<Self> {
        Self::record(connection, file, true)
    }

    /// Records that the file of an object is to be deleted.
    pub(super) fn to_delete(connection: &Connection, file: &str) -> rusqlite::Result<Self> {
        Self::record(connection, file, false)
    }

    fn record(connection: &Connection, file: &str, moves: bool) -> rusqlite::Result<Self> {
        let sql = "INSERT INTO file_chores (file, move) VALUES (?1, ?2)";
        connection
            .prepare_cached(sql)?
            .execute(params![file, moves])?;
        Ok(Self {
            id: connection.last_insert_rowid(),
            file: file.to_owned(),
            moves,
        })
    }

    /// All operations that were not applied yet, the oldest first.
    pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Self>> {
        let mut all = connection.prepare("SELECT id, file, move FROM file_chores ORDER BY id")?;
        let op = |row: &Row<'_>| {
            Ok(Self {
                id: row.get(0)?,
                file: row.get(1)?,
                moves: row.get(2)?,
            })
        };
        all.query_map([], op)?.collect()
    }

    /// Deletes operations that were applied, by their ids.
    pub(super) fn delete(connection: &Connection, applied: &[i64]) -> rusqlite::Result<()> {
        let mut delete = connection.prepare_cached("DELETE FROM file_chores WHERE id = ?1")?;
        for id in applied {
            delete.execute([id])?;
        }
        Ok(())
    }
}
