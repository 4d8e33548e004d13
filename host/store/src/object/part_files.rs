//! The files of parts.

use std::path::{Path, PathBuf};

use super::blocking::blocking;
use super::files;
use super::objects::Objects;
use super::path::TEMP_PREFIX;

impl Objects {
    /// The path of a part: an incoming file of the store, or a temporary file of the bucket's plain folder.
    pub(super) fn part_path(&self, file: &str, folder: Option<&Path>) -> PathBuf {
        match folder {
            Some(folder) => folder.join(format!("{}{file}", TEMP_PREFIX)),
            None => self.files().incoming(file),
        }
    }

    /// Deletes the files of parts that no row names. Files that cannot be deleted now are deleted at the next start.
    pub(super) async fn delete_parts(&self, parts: Vec<String>, folder: Option<PathBuf>) {
        if parts.is_empty() {
            return;
        }
        let path = |file: String| self.part_path(&file, folder.as_deref());
        let paths: Vec<PathBuf> = parts.into_iter().map(path).collect();
        let delete = move || {
            for path in paths {
                let _ = files::delete(&path); // deleted at the next start
            }
            Ok(())
        };
        let _ = blocking(&self.files().root, delete).await; // the runtime is shutting down
    }
}
