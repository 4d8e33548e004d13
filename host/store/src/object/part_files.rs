//! The files of parts.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::blocking::blocking;
use super::files;
use super::objects::Objects;
use super::path::TEMP_PREFIX;
use super::pending::PendingFileOp;

/// The file of a part that is no longer needed, as a pending file operation names it.
pub(super) fn deleted(file: &str, folder: Option<&Path>) -> String {
    // The path of a plain folder is UTF-8; see `prepare_folder`.
    let in_folder = folder.map(|folder| folder.join(format!("{TEMP_PREFIX}{file}")));
    in_folder.map_or_else(
        || file.to_owned(),
        |path| path.to_string_lossy().into_owned(),
    )
}

/// Records that the files of parts which are no longer needed are to be deleted.
pub(super) fn to_delete(
    connection: &Connection,
    parts: &[String],
    folder: Option<&Path>,
) -> rusqlite::Result<Vec<PendingFileOp>> {
    let files = parts.iter().map(|part| deleted(part, folder));
    files
        .map(|file| PendingFileOp::to_delete(connection, &file))
        .collect()
}

impl Objects {
    /// The path of a part: an incoming file of the store, or a temporary file of the bucket's plain folder.
    pub(super) fn part_path(&self, file: &str, folder: Option<&Path>) -> PathBuf {
        match folder {
            Some(folder) => folder.join(format!("{}{file}", TEMP_PREFIX)),
            None => self.files().incoming(file),
        }
    }

    /// Deletes the file of a part that no row has ever named. If it cannot be deleted now, it is deleted at the next
    /// start.
    pub(super) async fn delete_unused_part(&self, path: PathBuf) {
        let delete = move || {
            let _ = files::delete(&path); // deleted at the next start
            Ok(())
        };
        let _ = blocking(&self.files().root, delete).await; // the runtime is shutting down
    }
}
