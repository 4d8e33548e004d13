//! Opening the objects of a store.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::blocking::blocking;
use super::change_record::{self, ChangeState};
use super::files::Files;
use super::folder_state::FolderState;
use super::objects::{Objects, Shared};
use super::parts_row;
use super::pending::PendingFileOp;
use super::types::ObjectError;
use crate::clock::SharedClock;
use crate::store::Store;

impl Objects {
    /// Opens the objects of `store`, whose files are below `folder`. Applies the file operations that a killed host
    /// has left, and ends the leases of the changes that it was delivering.
    pub async fn open_store(
        folder: &Path,
        store: Store,
        clock: SharedClock,
    ) -> Result<Self, ObjectError> {
        let root = folder.to_owned();
        let files = blocking(folder, move || Files::open(&root)).await?;
        let objects = Self(Arc::new(Shared {
            store,
            clock,
            files,
            changes: ChangeState::default(),
            folders: FolderState::default(),
            applied: Mutex::default(),
        }));
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
        let applied = blocking(folder, move || {
            let applied = files.apply(&pending);
            files.sweep(&parts, &pending)?;
            Ok(applied)
        })
        .await?;
        objects
            .transact(move |connection| Ok(PendingFileOp::delete(connection, &applied)?))
            .await?;
        Ok(objects)
    }
}
