//! The objects' folder, and what is done in it after a commit.
//!
//! A file is written whole among those on their way in (`.incoming/ID`), then its row is committed, then it moves to its
//! place, and then the file it supersedes is deleted. What is left to do after the commit is committed with it, as
//! [`Chore`]s; so whenever the host is killed, the next one knows what it has to finish. Until a file has moved, readers
//! find it where it came in. A file that is in `.incoming` without a row is nobody's and is deleted at the next start;
//! anything else that lies in the folder is left alone.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::{failure, limits::MOVES, path, types::ObjectError};

/// Where files are that are no objects yet.
const INCOMING: &str = ".incoming";

/// Something to do with a file of the objects' folder after a commit. Doing it twice does no harm.
#[derive(Debug, Clone)]
pub(super) struct PendingFileOp {
    id: i64,
    file: String,
    /// To its place; otherwise it is deleted.
    moves: bool,
}

impl PendingFileOp {
    /// Notes that a new object's file is to move to its place.
    pub(super) fn to_move(connection: &Connection, file: &str) -> rusqlite::Result<Self> {
        Self::record(connection, file, true)
    }

    /// Notes that an object's file is to be deleted.
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

    /// All that were not done yet, the oldest first.
    pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Self>> {
        let mut all = connection.prepare("SELECT id, file, move FROM file_chores ORDER BY id")?;
        let op = |row: &rusqlite::Row<'_>| {
            Ok(Self {
                id: row.get(0)?,
                file: row.get(1)?,
                moves: row.get(2)?,
            })
        };
        all.query_map([], op)?.collect()
    }

    /// Forgets what was done.
    pub(super) fn delete(connection: &Connection, done: &[i64]) -> rusqlite::Result<()> {
        let mut forget = connection.prepare_cached("DELETE FROM file_chores WHERE id = ?1")?;
        for id in done {
            forget.execute([id])?;
        }
        Ok(())
    }
}

/// Makes a folder and those above it. One that has just become empty may be removed between being found and being
/// needed: then it is made again.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut made = fs::create_dir_all(folder);
    for _ in 1..MOVES {
        match made.as_ref().map_err(io::Error::kind) {
            Err(io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
                made = fs::create_dir_all(folder);
            }
            _ => break,
        }
    }
    made
}

/// The objects' folder.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) root: PathBuf,
}

impl Files {
    pub(super) fn open(root: &Path) -> Result<Self, ObjectError> {
        let incoming = root.join(INCOMING);
        fs::create_dir_all(&incoming).map_err(|error| failure::file("make", &incoming, &error))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Where a file comes in.
    pub(super) fn incoming(&self, id: &str) -> PathBuf {
        self.root.join(INCOMING).join(id)
    }

    /// Opens an object's file, wherever it is on its way.
    pub(super) fn read(&self, file: &str) -> io::Result<File> {
        let place = self.root.join(file);
        let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        match File::open(&place) {
            Err(error) if missing(&error) => {}
            opened => return opened,
        }
        match File::open(self.incoming(path::id(file))) {
            Err(error) if missing(&error) => File::open(&place),
            opened => opened,
        }
    }

    /// Makes the folders of an object's place, so that whatever keeps them from being made is known before the commit.
    pub(super) fn make_folders_of(&self, file: &str) -> Result<(), ObjectError> {
        let Some(folder) = self.root.join(file).parent().map(Path::to_owned) else {
            return Ok(());
        };
        make_folder(&folder).map_err(|error| failure::file("make", &folder, &error))
    }

    /// Does the chores and returns which are done. What fails stays for the next start: nothing of it shows.
    pub(super) fn apply(&self, pending: &[PendingFileOp]) -> Vec<i64> {
        let done = pending.iter().filter(|op| {
            if op.moves {
                self.move_in(&op.file).is_ok()
            } else {
                self.delete(&op.file).is_ok()
            }
        });
        done.map(|op| op.id).collect()
    }

    fn move_in(&self, file: &str) -> io::Result<()> {
        let (from, to) = (self.incoming(path::id(file)), self.root.join(file));
        for _ in 0..MOVES {
            match fs::rename(&from, &to) {
                // Superseded before it got there, or there already.
                Err(_) if !from.exists() => return Ok(()),
                // Its folder was empty, and cleared away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if let Some(folder) = to.parent() {
                        make_folder(folder)?;
                    }
                }
                moved => return moved,
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    fn delete(&self, file: &str) -> io::Result<()> {
        // First where it came in: so it can not move from there to its place in between.
        delete(&self.incoming(path::id(file)))?;
        let place = self.root.join(file);
        delete(&place)?;
        self.clear(place.parent());
        Ok(())
    }

    /// Removes folders that have become empty, up to the objects' folder.
    pub(super) fn clear(&self, mut folder: Option<&Path>) {
        while let Some(empty) = folder
            && empty != self.root
            && fs::remove_dir(empty).is_ok()
        {
            folder = empty.parent();
        }
    }

    /// Deletes what came in and became nothing.
    pub(super) fn sweep(
        &self,
        parts: &HashSet<String>,
        left: &[PendingFileOp],
    ) -> Result<(), ObjectError> {
        let incoming = self.root.join(INCOMING);
        let failed = |error| failure::file("look through", &incoming, &error);
        for entry in fs::read_dir(&incoming).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let wanted = name.to_str().is_some_and(|id| {
                parts.contains(id) || left.iter().any(|op| path::id(&op.file) == id)
            });
            if !wanted {
                let file = incoming.join(name);
                delete(&file).map_err(|error| failure::file("delete", &file, &error))?;
            }
        }
        Ok(())
    }
}

/// Deletes a file that may be gone already.
pub(super) fn delete(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        deleted => deleted,
    }
}
