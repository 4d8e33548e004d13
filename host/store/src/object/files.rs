//! The objects' folder, and what is done in it after a commit.
//!
//! A file is written whole as an incoming file (`.incoming/ID`), then its row is committed, then it is moved to its
//! place, and when all that is on the disk, the file that it supersedes is deleted. Readers find a file in `.incoming`
//! until it has been moved. A file in `.incoming` without a row belongs to no object and is deleted at the next start;
//! everything else in the folder is left alone.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::errors::file_error;
use super::limits::MOVES;
use super::path;
use super::pending::PendingFileOp;
use super::types::ObjectError;
use crate::file::sync_folder;
use crate::private::{close_to_others, kind};

/// The folder of incoming files.
const INCOMING: &str = ".incoming";

/// The number of folders whose entries are brought to the disk when the incoming folder is created: itself, the
/// objects' folder, the store's folder and the project's.
const FOLDERS_ABOVE: usize = 4;

/// Creates a folder and those above it, up to `root`, which has to exist: if it was deleted or moved, the rest of its
/// content is gone. Another task may remove a folder that has become empty before it is used; then it is created again.
fn make_folder(root: &Path, folder: &Path) -> io::Result<()> {
    let below = folder.strip_prefix(root).map_err(io::Error::other)?;
    let create = || {
        let mut at = root.to_owned();
        for name in below.components() {
            at.push(name);
            match fs::create_dir(&at) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Err(error) if !at.is_dir() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    };
    let mut created = create();
    for _ in 1..MOVES {
        match created.as_ref().map_err(io::Error::kind) {
            Err(io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) if root.exists() => {
                created = create();
            }
            _ => break,
        }
    }
    created
}

/// Waits until the entry of a file in its folder is on the disk.
pub(super) fn sync_folder_of(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), sync_folder)
}

/// The objects' folder.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) root: PathBuf,
    /// Device and inode of the folder.
    opened: (u64, u64),
}

impl Files {
    /// Opens the objects' folder, which is created if it does not exist.
    pub(super) fn open(root: &Path) -> Result<Self, ObjectError> {
        let incoming = root.join(INCOMING);
        let failed = |error| file_error("create", &incoming, &error);
        if !incoming.is_dir() {
            let create =
                |folder: &Path| DirBuilder::new().recursive(true).mode(0o700).create(folder);
            create(&incoming).map_err(failed)?;
            for folder in incoming.ancestors().take(FOLDERS_ABOVE) {
                sync_folder(folder).map_err(failed)?;
            }
        }
        close_to_others(root);
        let about = fs::metadata(root).map_err(failed)?;
        Ok(Self {
            root: root.to_owned(),
            opened: (about.dev(), about.ino()),
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
        // Opening a FIFO would wait for its other end.
        if let Ok(about) = fs::metadata(&place)
            && !about.is_file()
        {
            return Err(io::Error::other(format!(
                "it is {} instead of a regular file",
                kind(about.file_type())
            )));
        }
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
        make_folder(&self.root, &folder).map_err(|error| file_error("create", &folder, &error))
    }

    /// Waits until the folders above an object's place are on the disk.
    pub(super) fn sync_folders_of(&self, file: &str) -> Result<(), ObjectError> {
        self.folders_of(&self.root.join(file))
            .iter()
            .try_for_each(|folder| {
                sync_folder(folder).map_err(|error| file_error("write", folder, &error))
            })
    }

    /// The folders from a file's folder up to the objects' folder.
    pub(super) fn folders_of(&self, path: &Path) -> Vec<PathBuf> {
        let above = path.ancestors().skip(1);
        let inside = above.take_while(|folder| folder.starts_with(&self.root));
        inside.map(Path::to_owned).collect()
    }

    /// Whether the folder is still the one that was opened.
    pub(super) fn is_in_place(&self) -> bool {
        fs::metadata(&self.root).is_ok_and(|about| (about.dev(), about.ino()) == self.opened)
    }

    /// Moves files to their places. A file that cannot be moved now is moved by a later synchronization; readers do
    /// not notice.
    ///
    /// # Errors
    ///
    /// The objects' folder was deleted or replaced, and the files with it.
    pub(super) fn apply_moves(&self, pending: &[PendingFileOp]) -> Result<(), ObjectError> {
        for op in pending.iter().filter(|op| op.moves) {
            let _ = self.move_in(&op.file);
        }
        if self.is_in_place() {
            return Ok(());
        }
        Err(ObjectError::File(format!(
            "cannot store objects in {}: the folder was deleted or replaced while lambkin is running; stop lambkin, \
             restore the folder if you can, and start again",
            self.root.display()
        )))
    }

    /// Applies deletions whose commits are on the disk, and returns the ids of those that succeeded.
    pub(super) fn apply_deletions(&self, pending: &[PendingFileOp]) -> Vec<i64> {
        let deletions = pending.iter().filter(|op| !op.moves);
        let applied = deletions.filter(|op| self.delete(&op.file).is_ok());
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
                        make_folder(&self.root, folder)?;
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
            && empty.starts_with(&self.root)
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
