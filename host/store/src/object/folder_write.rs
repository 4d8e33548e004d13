//! Changing the files of a plain folder on behalf of a service.
//!
//! A new file arrives as a temporary file in the folder and is renamed over the one that it replaces. The previous
//! file is kept under a temporary name until the row is committed, and restored if the commit fails. A kill in
//! between leaves a changed file, which the next sync finds like any other change.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::blocking::blocking;
use super::errors::{file_error, invalid};
use super::objects::Objects;
use super::path::TEMP_PREFIX;
use super::pending::PendingFileOp;
use super::plan::{self, Place, Plan, Stored};
use super::removal::{self, Removal};
use super::sink::Sink;
use super::types::{ObjectError, Removed};
use super::{bucket_row, files, parts_row, path, tree};

impl Objects {
    /// Stores an upload as a file of the folder.
    pub(super) async fn put_in_folder(
        &self,
        mut sink: Sink,
        mut plan: Plan,
        folder: PathBuf,
    ) -> Result<Stored, ObjectError> {
        let relative = path::relative(&plan.key)?;
        let lock = self.0.folders.lock(&plan.bucket);
        let _held = lock.lock().await;
        self.sync_before_change(&plan.bucket, &plan.key).await?;
        let checked = plan.clone();
        let check = move |connection: &Connection| plan::check_plan(connection, &checked).map(drop);
        self.transact(check).await?;
        let root = folder.clone();
        let replace = move || {
            // It replaces a file of the user's, which cannot be restored after a power cut.
            sink.complete(true)?;
            tree::replace(&root, &relative, sink)
        };
        let replaced = blocking(&folder, replace).await?;
        plan.place = Place::Folder(folder.clone(), replaced.stamp.text.clone());
        plan.at = replaced.stamp.modified_at;
        let committed = self.commit(plan).await;
        let is_committed = committed.is_ok();
        let end = move || {
            // A file that cannot be restored is found as a change.
            let _ = if is_committed {
                replaced.keep()
            } else {
                replaced.undo()
            };
            Ok(())
        };
        let _ = blocking(&folder, end).await; // the runtime is shutting down
        committed
    }

    /// Removes a file of the folder.
    pub(super) async fn remove_from_folder(
        &self,
        folder: &Path,
        removal: Removal,
    ) -> Result<Removed, ObjectError> {
        let lock = self.0.folders.lock(&removal.bucket);
        let _held = lock.lock().await;
        self.sync_before_change(&removal.bucket, &removal.key)
            .await?;
        let checked = removal.clone();
        let exists = move |connection: &Connection| {
            let bucket = bucket_row::find(connection, &checked.bucket)?;
            Ok(removal::target(connection, &bucket, &checked)?.is_some())
        };
        if !self.transact(exists).await? {
            let record = removal.record.clone();
            let remove =
                move |connection: &Connection| Ok(removal::remove(connection, &removal)?.0);
            return self.transact_recording(record.as_ref(), remove).await;
        }
        let file = folder.join(path::relative(&removal.key)?);
        let aside = folder.join(format!("{TEMP_PREFIX}{}", path::new_id()));
        let (from, to) = (file.clone(), aside.clone());
        let put_aside =
            move || fs::rename(&from, &to).map_err(|error| file_error("delete", &from, &error));
        blocking(folder, put_aside).await?;
        let record = removal.record.clone();
        let removed = self
            .transact_recording(record.as_ref(), move |connection| {
                Ok(removal::remove(connection, &removal)?.0)
            })
            .await;
        let is_removed = removed.is_ok();
        let end = move || {
            // A file that cannot be restored is found as a change.
            let _ = if is_removed {
                files::delete(&aside)
            } else {
                fs::rename(&aside, &file)
            };
            Ok(())
        };
        let _ = blocking(folder, end).await; // the runtime is shutting down
        removed
    }

    /// Creates a folder if it does not exist, and deletes the temporary files that an earlier host has left in it.
    /// Returns its canonical path.
    pub(super) async fn prepare_folder(&self, folder: &Path) -> Result<PathBuf, ObjectError> {
        let (parts, pending) = self
            .transact(|connection| {
                Ok((
                    parts_row::files(connection)?,
                    PendingFileOp::all(connection)?,
                ))
            })
            .await?;
        let (objects, given) = (self.clone(), folder.to_owned());
        let prepare = move || {
            let failed = |error| file_error("create", &given, &error);
            fs::create_dir_all(&given).map_err(failed)?;
            let folder = fs::canonicalize(&given).map_err(failed)?;
            if folder.to_str().is_none() {
                let shown = folder.display();
                return Err(invalid(format!(
                    "the path of the folder {shown} is not valid UTF-8; use another folder"
                )));
            }
            if objects.0.folders.needs_sweep(&folder) {
                tree::sweep(&folder, &parts, &pending)?;
            }
            Ok(folder)
        };
        blocking(folder, prepare).await
    }
}
