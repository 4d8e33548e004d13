//! Opening the objects of a store.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};

use super::blocking::blocking;
use super::change_record::{self, ChangeState};
use super::errors::file_error;
use super::files::Files;
use super::folder_state::FolderState;
use super::objects::{Objects, Shared};
use super::parts_row;
use super::pending::PendingFileOp;
use super::types::ObjectError;
use super::unsynced::UnsyncedFile;
use crate::clock::SharedClock;
use crate::store::Store;

impl Objects {
    /// Opens the objects of `store`, whose files are below `folder`. Takes back objects whose files were lost in a
    /// power cut, and says so in the log; applies the file operations that a killed host has left, and ends the leases
    /// of the changes that it was delivering.
    pub async fn open_store(
        folder: &Path,
        store: Store,
        clock: SharedClock,
    ) -> Result<Self, ObjectError> {
        let root = folder.to_owned();
        let files = blocking(folder, move || Files::open(&root)).await?;
        let (changed, receiver) = mpsc::channel(1);
        let objects = Self(Arc::new(Shared {
            store,
            clock,
            files,
            changes: ChangeState::default(),
            folders: FolderState::default(),
            changed,
            synchronizing: Mutex::default(),
        }));
        objects.take_back_lost_files(folder).await?;
        let now = objects.now();
        let (pending, parts) = objects
            .transact(move |connection| {
                change_record::end_leases(connection, now)?;
                Ok((
                    PendingFileOp::all(connection)?,
                    parts_row::files(connection)?,
                ))
            })
            .await?;
        let files = objects.files().clone();
        blocking(folder, move || {
            files.apply_moves(&pending)?;
            files.sweep(&parts, &pending)
        })
        .await?;
        objects.spawn_synchronization(receiver);
        objects.changed();
        Ok(objects)
    }

    async fn take_back_lost_files(&self, folder: &Path) -> Result<(), ObjectError> {
        let unsynced = self
            .transact(|connection| Ok(UnsyncedFile::all(connection)?))
            .await?;
        let files = self.files().clone();
        let lost = blocking(folder, move || {
            let mut lost = Vec::new();
            for file in unsynced {
                let intact = file.is_intact(&files);
                if !intact.map_err(|error| {
                    file_error("read", &files.root.join(file.describe()), &error)
                })? {
                    lost.push(file);
                }
            }
            Ok(lost)
        })
        .await?;
        if lost.is_empty() {
            return Ok(());
        }
        let names: HashSet<String> = lost
            .iter()
            .map(|file| file.describe().display().to_string())
            .collect();
        tracing::warn!(
            "these files in {} were lost or damaged before they were on the disk, probably by a power failure; what they \
             had replaced is valid again: {names:?}",
            folder.display()
        );
        self.transact(move |connection| {
            Ok(lost
                .iter()
                .try_for_each(|file| file.take_back(connection))?)
        })
        .await
    }
}
