//! Bringing objects to the disk, and then deleting the files that they have superseded.
//!
//! Rows and files reach the disk in an order that the operating system chooses. After a power cut, the store's file has
//! the rows of some earlier commit, so a file that any commit since the last synchronization names must not be deleted,
//! and a file is only relied upon once it is on the disk. This happens behind the callers' backs, for all changes since
//! the last time together:
//!
//! 1. New files are brought to the disk, and the folders that lead to them.
//! 2. A commit records that they are there, and forgets what they have replaced (see `unsynced`).
//! 3. The store's write-ahead log is brought to the disk, and with it that commit and all before it.
//! 4. Files whose deletion was pending before step 1 are deleted.
//!
//! A power cut between any two steps leaves work that the next synchronization repeats.
//!
//! **Failures.** If a file or the log cannot be brought to the disk, the operating system may have dropped its bytes
//! and reports the error once. So nothing is deleted until the next start, and the log says why.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};

use tokio::sync::mpsc;

use super::blocking::blocking;
use super::errors::file_error;
use super::files::Files;
use super::limits::{SYNCED_TOGETHER, SYNCHRONIZATION_DELAY};
use super::objects::{Objects, Shared};
use super::path;
use super::pending::PendingFileOp;
use super::types::ObjectError;
use super::unsynced::UnsyncedFile;
use crate::file::sync_folder;

/// Waits until these files, and the files of pending moves, are on the disk. Returns the ids of the moves that are
/// done.
fn sync_files(
    files: &Files,
    unsynced: &[UnsyncedFile],
    pending: &[PendingFileOp],
) -> Result<Vec<i64>, ObjectError> {
    let mut folders = BTreeSet::new();
    if unsynced.len() > SYNCED_TOGETHER {
        // Errors are found by the next loop.
        let _ = sync_file_system(&files.root);
    }
    for file in unsynced {
        let place = files.root.join(&file.file);
        let incoming = files.incoming(path::id(&file.file));
        let synced = files
            .read(&file.file)
            .and_then(|file: File| file.sync_all());
        match synced {
            // It was deleted by hand, and there is nothing to bring to the disk.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            synced => synced.map_err(|error| file_error("write", &place, &error))?,
        }
        folders.extend(files.folders_of(&place));
        folders.extend(files.folders_of(&incoming));
    }
    let mut moved = Vec::new();
    files.apply_moves(pending)?;
    for op in pending.iter().filter(|op| op.moves) {
        let place = files.root.join(&op.file);
        if place.exists() || !files.incoming(path::id(&op.file)).exists() {
            folders.extend(files.folders_of(&place));
            moved.push(op.id);
        }
    }
    for folder in folders {
        sync_existing(&folder).map_err(|error| file_error("write", &folder, &error))?;
    }
    Ok(moved)
}

/// Waits until everything on a file system is on the disk. Then there is little left to do for single files, each of
/// which would otherwise end a transaction of the file system, and keep callers waiting.
#[cfg(target_os = "linux")]
fn sync_file_system(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A folder that has become empty may have been removed meanwhile.
fn sync_existing(folder: &Path) -> io::Result<()> {
    match sync_folder(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        synced => synced,
    }
}

impl Objects {
    /// Brings all changes that were answered so far to the disk, and deletes the files that are no longer needed. The
    /// host does this by itself [half a second](super::limits::SYNCHRONIZATION_DELAY) after a change.
    ///
    /// # Errors
    ///
    /// A file or the store cannot be brought to the disk. Nothing is deleted then, nor by later calls.
    pub async fn synchronize(&self) -> Result<(), ObjectError> {
        let mut failed = self.0.synchronizing.lock().await;
        if let Some(error) = &*failed {
            return Err(error.clone());
        }
        match self.try_synchronize().await {
            Err(error @ ObjectError::File(_)) => {
                tracing::error!(
                    "{error}; objects that were replaced or removed take up space until the next start, and a power \
                     failure may cost what was stored since"
                );
                *failed = Some(error.clone());
                Err(error)
            }
            done => done,
        }
    }

    async fn try_synchronize(&self) -> Result<(), ObjectError> {
        let (pending, unsynced) = self
            .transact(|connection| {
                Ok((
                    PendingFileOp::all(connection)?,
                    UnsyncedFile::all(connection)?,
                ))
            })
            .await?;
        if pending.is_empty() && unsynced.is_empty() {
            return Ok(());
        }
        let root = self.files().root.clone();
        let (files, pending) = (self.files().clone(), Arc::new(pending));
        let (unsynced, of) = (Arc::new(unsynced), Arc::clone(&pending));
        let new = Arc::clone(&unsynced);
        let moved = blocking(&root, move || sync_files(&files, &new, &of)).await?;
        self.transact(move |connection| {
            unsynced
                .iter()
                .try_for_each(|file| file.settle(connection))?;
            Ok(PendingFileOp::delete(connection, &moved)?)
        })
        .await?;
        let (files, store) = (self.files().clone(), self.0.store.clone());
        let deleted = blocking(&root, move || {
            let synced = store.sync_log();
            synced.map_err(|error| file_error("write", store.path(), &error))?;
            Ok(files.apply_deletions(&pending))
        })
        .await?;
        self.transact(move |connection| Ok(PendingFileOp::delete(connection, &deleted)?))
            .await
    }

    /// Starts the task that synchronizes after changes, until the last handle is gone or the store is closed.
    pub(super) fn spawn_synchronization(&self, mut changed: mpsc::Receiver<()>) {
        let shared: Weak<Shared> = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            while changed.recv().await.is_some() {
                // Changes that follow are brought to the disk together with this one.
                tokio::time::sleep(SYNCHRONIZATION_DELAY).await;
                let _ = changed.try_recv();
                let Some(shared) = shared.upgrade() else {
                    return;
                };
                let _ = Self(shared).synchronize().await; // was logged; if the store is full, it is tried again
            }
        });
    }

    /// Has the task synchronize soon.
    pub(super) fn changed(&self) {
        let _ = self.0.changed.try_send(()); // it is going to
    }
}
