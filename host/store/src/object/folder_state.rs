//! What is known of plain folders and not stored: it is lost with the host.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::types::{ObjectEvent, SyncEvents};

#[derive(Debug, Default)]
pub(super) struct FolderState {
    /// Held while files and rows are changed together, by bucket.
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// The events that the latest sync was given, by bucket.
    events: Mutex<HashMap<String, SyncEvents>>,
    /// The folders from which the temporary files of an earlier host were deleted.
    swept: Mutex<HashSet<PathBuf>>,
}

impl FolderState {
    /// The lock of a bucket's folder.
    pub(super) fn lock(&self, bucket: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(bucket.to_owned()).or_default())
    }

    /// Remembers the events of a sync.
    pub(super) fn remember(&self, bucket: &str, events: &SyncEvents) {
        let mut all = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(bucket.to_owned(), events.clone());
    }

    /// The events of the latest sync; before the first one, those that the host's own watch uses.
    pub(super) fn events(&self, bucket: &str) -> SyncEvents {
        let all = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let event = |name: &str| ObjectEvent {
            name: name.to_owned(),
            extra: Vec::new(),
        };
        all.get(bucket).cloned().unwrap_or_else(|| SyncEvents {
            created: event("ObjectCreated:Put"),
            removed: event("ObjectRemoved:Delete"),
        })
    }

    /// Whether the folder has to be swept, which is done once.
    pub(super) fn needs_sweep(&self, folder: &Path) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        swept.insert(folder.to_owned())
    }
}
