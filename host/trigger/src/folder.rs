//! Folders that are buckets.

use std::path::PathBuf;

use lambkin_http::StopSignal;
use lambkin_store::object::Objects;

/// A bucket that shows a folder, ready to be watched.
#[derive(Debug)]
pub struct FolderWatch {
    /// The bucket's name.
    pub bucket: String,
    /// The folder.
    pub folder: PathBuf,
    /// Who is told of its changes.
    pub objects: Objects,
}

impl FolderWatch {
    /// Watches until the signal comes.
    pub async fn serve(self, mut stop: StopSignal) {
        stop.stopped().await;
    }
}
