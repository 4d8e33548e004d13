//! The folders that the operating system is asked to watch.
//!
//! A file is watched through its folder: editors and linkers replace files, and a watch of the file itself would stay
//! with the old one. A folder that is replaced or created later is found by comparing device and inode from time to
//! time.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// Device and inode.
type Identity = (u64, u64);

/// The watched folders.
pub struct Folders {
    watcher: RecommendedWatcher,
    folders: BTreeMap<PathBuf, Folder>,
}

struct Folder {
    mode: RecursiveMode,
    /// The folder that is being watched; `None` if there is none at this path.
    watched: Option<Identity>,
}

impl Folders {
    /// Starts watching the folders that cover these files and folders.
    pub fn watch<'a>(
        watcher: RecommendedWatcher,
        targets: impl Iterator<Item = &'a PathBuf>,
    ) -> anyhow::Result<Self> {
        let mut watched = Self {
            watcher,
            folders: folders_of(targets),
        };
        for (path, folder) in &mut watched.folders {
            folder.watch(path, &mut watched.watcher).with_context(|| {
                format!(
                    "cannot watch {} (on Linux, fs.inotify.max_user_watches may have to be raised)",
                    path.display()
                )
            })?;
        }
        Ok(watched)
    }

    /// Records that a folder has been removed, even if a new one has got its path and inode.
    pub fn removed(&mut self, path: &Path) {
        if let Some(folder) = self.folders.get_mut(path) {
            folder.watched = None;
        }
    }

    /// Watches the folders that have been replaced or created again, and returns their paths.
    pub fn rewatch_replaced(&mut self) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for (path, folder) in &mut self.folders {
            if identity(path) == folder.watched {
                continue;
            }
            let _ = self.watcher.unwatch(path); // it is no longer watched
            folder.watched = None;
            // This fails if the folder has just been removed again; the next comparison finds out.
            if folder.watch(path, &mut self.watcher).is_ok() {
                changed.push(path.clone());
            }
        }
        changed
    }
}

impl Folder {
    fn watch(&mut self, path: &Path, watcher: &mut RecommendedWatcher) -> notify::Result<()> {
        let identity = identity(path);
        watcher.watch(path, self.mode)?;
        self.watched = identity;
        Ok(())
    }
}

fn folders_of<'a>(targets: impl Iterator<Item = &'a PathBuf>) -> BTreeMap<PathBuf, Folder> {
    let mut watched = BTreeMap::new();
    let mut add = |path: &Path, mode| {
        let folder = Folder {
            mode,
            watched: None,
        };
        watched.insert(path.to_owned(), folder);
    };
    let (folders, files): (Vec<_>, Vec<_>) = targets.partition(|target| target.is_dir());
    for parent in files.iter().filter_map(|file| file.parent()) {
        // A second watch of a folder would replace the first.
        if !folders.iter().any(|folder| parent.starts_with(folder)) {
            add(parent, RecursiveMode::NonRecursive);
        }
    }
    for folder in folders {
        add(folder, RecursiveMode::Recursive);
    }
    watched
}

fn identity(path: &Path) -> Option<Identity> {
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}
