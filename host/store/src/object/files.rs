//! The objects' folder, and what is done in it after a commit.
//!
//! A file is written whole as an incoming file (`.incoming/ID`), then its row is committed, then it is moved to its
//! place, and then the file that it supersedes is deleted. Readers find a file in `.incoming` until it has been
//! moved. A file in `.incoming` without a row belongs to no object and is deleted at the next start; everything else
//! in the folder is left alone.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::errors::file_error;
use super::limits::MOVES;
use super::path;
use super::pending::PendingFileOp;
use super::types::ObjectError;

/// The folder of incoming files.
const INCOMING: &str = ".incoming";

/// Creates a folder and those above it. Another task may remove a folder that has become empty before it is used;
/// then it is created again.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut created = fs::create_dir_all(folder);
    for _ in 1..MOVES {
        match created.as_ref().map_err(io::Error::kind) {
            Err(io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
                created = fs::create_dir_all(folder);
            }
            _ => break,
        }
    }
    created
}

/// The objects' folder.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) root: PathBuf,
}

impl Files {
    /// Opens the objects' folder, which is created if it does not exist.
    pub(super) fn open(root: &Path) -> Result<Self, ObjectError> {
        let incoming = root.join(INCOMING);
        fs::create_dir_all(&incoming).map_err(|error| file_error("create", &incoming, &error))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// The path of an incoming file.
    pub(super) fn incoming(&self, id: &str) -> PathBuf {
        self.root.join(INCOMING).join(id)
    }

    /// Opens an object's file, in its place or while it is still an incoming file.
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

    /// Creates the folders of an object's place, so that it is known before the commit whether they can be created.
    pub(super) fn make_folders_of(&self, file: &str) -> Result<(), ObjectError> {
        let Some(folder) = self.root.join(file).parent().map(Path::to_owned) else {
            return Ok(());
        };
        make_folder(&folder).map_err(|error| file_error("create", &folder, &error))
    }

    /// Applies file operations and returns the ids of those that succeeded. The others stay for the next start;
    /// readers do not notice.
    pub(super) fn apply(&self, pending: &[PendingFileOp]) -> Vec<i64> {
        let applied = pending.iter().filter(|op| {
            if op.moves {
                self.move_in(&op.file).is_ok()
            } else {
                self.delete(&op.file).is_ok()
            }
        });
        applied.map(|op| op.id).collect()
    }

    fn move_in(&self, file: &str) -> io::Result<()> {
        let (from, to) = (self.incoming(path::id(file)), self.root.join(file));
        for _ in 0..MOVES {
            match fs::rename(&from, &to) {
                // The object was superseded before the move, or the file has been moved already.
                Err(_) if !from.exists() => return Ok(()),
                // Its folder was empty and has been removed.
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
        // The incoming file first: then it cannot be moved to its place in between.
        delete(&self.incoming(path::id(file)))?;
        let place = self.root.join(file);
        delete(&place)?;
        self.remove_empty(place.parent());
        Ok(())
    }

    /// Removes empty folders, from this one up to the objects' folder.
    pub(super) fn remove_empty(&self, mut folder: Option<&Path>) {
        while let Some(empty) = folder
            && empty != self.root
            && fs::remove_dir(empty).is_ok()
        {
            folder = empty.parent();
        }
    }

    /// Deletes incoming files that belong to nothing: neither to a part nor to a pending file operation.
    pub(super) fn sweep(
        &self,
        parts: &HashSet<String>,
        pending: &[PendingFileOp],
    ) -> Result<(), ObjectError> {
        let incoming = self.root.join(INCOMING);
        let failed = |error| file_error("list", &incoming, &error);
        for entry in fs::read_dir(&incoming).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let wanted = name.to_str().is_some_and(|id| {
                parts.contains(id) || pending.iter().any(|op| path::id(&op.file) == id)
            });
            if !wanted {
                let file = incoming.join(name);
                delete(&file).map_err(|error| file_error("delete", &file, &error))?;
            }
        }
        Ok(())
    }
}

/// Deletes a file, if it exists.
pub(super) fn delete(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        deleted => deleted,
    }
}
