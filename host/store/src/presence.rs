//! Whether the files of an open store are still in their places.
//!
//! A file that is deleted stays usable for those who have it open, and what they write is lost with them. After
//! `git clean -fdx` or `rm -rf .lambkin`, a host would therefore go on answering that it has stored messages.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The endings of the names of the files that must stay: the store's file, its write-ahead log, and its lock.
const FILES: [&str; 3] = ["", "-wal", ".lock"];

/// The files of an open store.
#[derive(Debug)]
pub(crate) struct Presence {
    /// Each with its device and inode, once it was seen.
    files: Vec<(PathBuf, Option<(u64, u64)>)>,
    reported: bool,
}

impl Presence {
    /// The files of the store at `path`, which is open.
    pub(crate) fn new(path: &Path) -> Self {
        let file = |ending| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            let path = PathBuf::from(name);
            let found = identity(&path);
            (path, found)
        };
        Self {
            files: FILES.map(file).to_vec(),
            reported: false,
        }
    }

    /// Whether this is the first report.
    pub(crate) fn report(&mut self) -> bool {
        !std::mem::replace(&mut self.reported, true)
    }

    /// The first file that was deleted or replaced.
    pub(crate) fn missing(&mut self) -> Option<&Path> {
        self.files.iter_mut().find_map(|(path, seen)| {
            let found = identity(path);
            if seen.is_none() {
                *seen = found; // SQLite creates the write-ahead log with the first transaction
            }
            (found != *seen).then_some(path.as_path())
        })
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let about = fs::symlink_metadata(path).ok()?;
    Some((about.dev(), about.ino()))
}
