//! What is known of plain folders and not stored: it is lost with the host.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::types::Folder;

#[derive(Debug, Default)]
pub(super) struct FolderState {
    /// Held while files and rows are changed together, by bucket.
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// The folders of this run's configuration with their events, by bucket.
    defined: Mutex<HashMap<String, Folder>>,
    /// The folders from which the temporary files of an earlier host were deleted.
    swept: Mutex<HashSet<PathBuf>>,
}

impl FolderState {
    /// The lock of a bucket's folder.
    pub(super) fn lock(&self, bucket: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(bucket.to_owned()).or_default())
    }

    /// Remembers the folder that a bucket was defined with.
    pub(super) fn define(&self, bucket: &str, folder: Folder) {
        let mut defined = self.defined.lock().unwrap_or_else(PoisonError::into_inner);
        defined.insert(bucket.to_owned(), folder);
    }

    /// The folder that a bucket was defined with. `None` if the bucket is no longer part of the configuration; it
    /// cannot have an object trigger then.
    pub(super) fn find(&self, bucket: &str) -> Option<Folder> {
        let defined = self.defined.lock().unwrap_or_else(PoisonError::into_inner);
        defined.get(bucket).cloned()
    }

    /// Whether the folder has to be swept, which is done once.
    pub(super) fn needs_sweep(&self, folder: &Path) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        swept.insert(folder.to_owned())
    }
}
